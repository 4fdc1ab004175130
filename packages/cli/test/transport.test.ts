import { assert, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import { OpenSshServer } from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import { bare, machineOf, password, sshd, withKey } from "./support/lab.ts"
import { toehold, toeholdJson } from "./support/program.ts"

const bySystem = ["--transport", "openssh"]

describeWith(["ssh", "sshd", "private-accounts"], "toehold --transport openssh", () => {
  it.layer(sshd, { excludeTestServices: true })((it) => {
    it.effect("runs commands by the system's ssh, with the same codes and documents", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer
        const machine = [machineOf(server), ...withKey(server), ...bySystem]
        const ran = yield* toehold(["exec", ...machine, "--shell", "echo out; echo err >&2; exit 7"])
        assert.deepStrictEqual(ran, { exitCode: 7, stdout: "out\n", stderr: "err\n" })
        const { exitCode, json } = yield* toeholdJson<object>([
          "exec",
          ...machine,
          "--json",
          "--shell",
          "kill -USR1 $$"
        ])
        assert.strictEqual(exitCode, 138)
        assert.deepInclude(json, { exitCode: null, signal: "SIGUSR1", outcome: "finished" })
      })
    )

    it.effect("tells why it could not log in, and moves files where it could", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer
        const fs = yield* FileSystem.FileSystem
        const refused = yield* toeholdJson<{ readonly error: { readonly reason: string; readonly outcome: string } }>([
          "exec",
          machineOf(server),
          ...bare(server),
          "-o",
          "IdentitiesOnly=yes",
          ...bySystem,
          "--json",
          "--",
          "true"
        ])
        assert.deepInclude(refused.json.error, { reason: "AuthRejected", outcome: "did-not-run" })
        const [from, to] = [`${server.tempDir}/from`, `${server.tempDir}/to`]
        yield* fs.writeFileString(from, "moved")
        const put = yield* toehold(["put", from, `${machineOf(server)}:${to}`, ...withKey(server), ...bySystem])
        assert.strictEqual(put.exitCode, 0, put.stderr)
        assert.strictEqual(yield* fs.readFileString(to), "moved")
      })
    )

    it.effect("is given a password, and no passphrase", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer
        const login = [machineOf(server), ...bare(server), ...bySystem]
        const options = { platform: { env: { PASSWORD: password } } }
        const ran = yield* toehold(["exec", ...login, "--password-env", "PASSWORD", "--", "echo", "in"], options)
        assert.deepStrictEqual([ran.exitCode, ran.stdout], [0, "in\n"], ran.stderr)
        const refused = yield* toehold(["exec", ...login, "--passphrase-env", "PASSWORD", "--", "true"], options)
        assert.strictEqual(refused.exitCode, 64)
        assert.match(refused.stderr, /agent/)
      })
    )
  })
})
