import { assert, it } from "@effect/vitest"
import { NodeServices } from "@effect/platform-node"
import { Effect } from "effect"
import * as Net from "node:net"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import { bare, machineOf, sshd, withKey } from "./support/lab.ts"
import { toehold, toeholdJson } from "./support/program.ts"

interface Report {
  readonly stages: ReadonlyArray<{
    readonly name: string
    readonly ok: boolean
    readonly durationMs: number
    readonly detail: string
  }>
  readonly verdict: string
  readonly fix: string
  readonly error?: { readonly reason: string; readonly outcome: string }
}

const names = ({ stages }: Report) => stages.map(({ name, ok }) => `${ok ? "" : "!"}${name}`)

/** A listener that says something else than SSH, or nothing. */
const listener = (says: string | undefined) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<Net.Server>((resume) => {
        const server = Net.createServer((socket) => {
          socket.on("error", () => {})
          if (says !== undefined) socket.end(says)
        })
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) => Effect.sync(() => void server.close())
    ),
    (server) => `me@127.0.0.1:${(server.address() as Net.AddressInfo).port}` // it listens on TCP
  )

const before = ["dns", "tcp", "banner", "kex", "host-key"]

const doctor = (words: ReadonlyArray<string>) => toeholdJson<Report>(["doctor", ...words, "--json"])

describeWith(["sshd"], "toehold doctor", () => {
  it.layer(sshd, { excludeTestServices: true })((it) => {
    it.effect("goes through every stage of a machine that is well", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const { exitCode, json, stderr } = yield* doctor([machineOf(server), ...withKey(server)])
        assert.deepStrictEqual([exitCode, stderr], [0, ""])
        assert.hasAllKeys(json, ["stages", "verdict", "fix"])
        assert.deepStrictEqual(names(json), [...before, "auth", "channel", "sftp", "shell"])
        for (const stage of json.stages) {
          assert.hasAllKeys(stage, ["name", "ok", "durationMs", "detail"])
          assert.isNotEmpty(stage.detail, stage.name)
        }
        const text = yield* toehold(["doctor", machineOf(server), ...withKey(server)])
        assert.match(text.stdout, /^ok {4}key exchange +[\d.]+ ms {2}curve25519/m)
        assert.match(text.stdout, /^Ready: /m)
      })
    )

    it.effect("stops where the way ends, with cause, fix and exit code", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const rejected = yield* doctor([machineOf(server), ...bare(server)])
        assert.deepStrictEqual(names(rejected.json), [...before, "!auth"])
        assert.deepStrictEqual([rejected.exitCode, rejected.json.error?.reason], [77, "AuthRejected"])
        assert.isNotEmpty(rejected.json.fix)

        const strange = [machineOf(server), "-F", "none", "--known-hosts", "/nonexistent/known", "--host-key", "strict"]
        const unknown = yield* doctor(strange)
        assert.deepStrictEqual(names(unknown.json), [...before.slice(0, 4), "!host-key"])
        assert.deepStrictEqual([unknown.exitCode, unknown.json.error?.reason], [77, "HostKeyUnknown"])

        const algorithm = yield* doctor([machineOf(server), ...withKey(server), "-o", "Ciphers=aes128-cbc"])
        assert.deepStrictEqual([algorithm.exitCode, algorithm.json.error?.reason], [69, "NoCommonAlgorithm"])
        assert.strictEqual(names(algorithm.json).at(-1), "!kex")

        const refused = yield* doctor(["me@127.0.0.1:1", "-F", "none"])
        assert.deepStrictEqual(names(refused.json), ["dns", "!tcp"])
        assert.deepStrictEqual([refused.exitCode, refused.json.error?.outcome], [69, "did-not-run"])

        const http = yield* doctor([yield* listener("HTTP/1.1 400 Bad Request\r\n\r\n"), "-F", "none"])
        assert.deepStrictEqual(names(http.json), ["dns", "tcp", "!banner"])
        assert.deepStrictEqual([http.exitCode, http.json.error?.reason], [69, "NotSsh"])

        const silent = yield* doctor([yield* listener(undefined), "-F", "none", "--connect-timeout", "300ms"])
        assert.deepStrictEqual(names(silent.json), ["dns", "tcp", "!banner"])
        assert.isAtLeast(silent.json.stages[2]?.durationMs ?? 0, 200)

        const nowhere = yield* doctor(["me@no-such-host.invalid", "-F", "none"])
        assert.deepStrictEqual([nowhere.exitCode, names(nowhere.json)], [69, ["!dns"]])

        const missing = yield* doctor([machineOf(server), ...bare(server), "-i", "/nonexistent/key"])
        assert.deepStrictEqual([missing.exitCode, missing.json.error?.reason], [65, "KeyUnreadable"])
      }).pipe(Effect.scoped)
    )

    it.effect("goes on without SFTP, and stops without a shell", () =>
      Effect.gen(function* () {
        const bareServer = yield* OpenSshServer.make({ config: ["Subsystem sftp /nonexistent/sftp-server"] })
        const noSftp = yield* doctor([machineOf(bareServer), ...withKey(bareServer)])
        assert.deepStrictEqual(names(noSftp.json), [...before, "auth", "channel", "!sftp", "shell"])
        assert.strictEqual(noSftp.exitCode, 0)
        assert.include(noSftp.json.fix, "sshd_config")

        const closed = yield* OpenSshServer.make({ config: ["ForceCommand /bin/false"] })
        const noShell = yield* doctor([machineOf(closed), ...withKey(closed)])
        assert.deepStrictEqual(names(noShell.json).slice(-3), ["channel", "!sftp", "!shell"])
        assert.deepStrictEqual([noShell.exitCode, noShell.json.error?.reason], [77, "ChannelRefused"])
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
    )
  })
})
