import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Redacted } from "effect"
import * as Fs from "node:fs"
import * as ClientPlatform from "@toehold/ssh-core/ClientPlatform"
import * as OpenSsh from "@toehold/ssh-core/OpenSsh"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import * as SshTarget from "@toehold/ssh-core/SshTarget"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import type { SshServer } from "@toehold/lab/SshServer"
import { isOurs } from "../src/internal/openssh/askpass.ts"
import { reasonOf } from "./support/failing.ts"
import { services } from "./support/machine.ts"
import { running } from "./support/openSsh.ts"
import { until } from "./support/pool.ts"

const sh = SshCommand.shell

const secret = "p4ss 'word\" $HOME \\ ü"

const connect = (server: SshServer, password: string, options: OpenSsh.Options = {}, more = "") =>
  Effect.gen(function* () {
    const line = `ssh -F none -o PubkeyAuthentication=no ${more} -p ${server.port} ${server.user}@${server.host}`
    const target = yield* Effect.fromResult(SshTarget.parse(line))
    return yield* OpenSsh.connect(target, {
      hostKeyPolicy: "strict",
      knownHostsFile: server.knownHostsPath,
      password: Redacted.make(password),
      ...options
    })
  })

/** All that the processes of this machine were started with: arguments and environments. */
const startedWith = Effect.sync(() =>
  Fs.readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) =>
      ["cmdline", "environ"].map((kind) => {
        try {
          return Fs.readFileSync(`/proc/${pid}/${kind}`, "utf8")
        } catch {
          return ""
        }
      })
    )
    .join("\n")
)

describeWith(["ssh", "sshd", "private-accounts"], "OpenSsh with a password", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    for (const keyboardInteractive of [false, true]) {
      it.effect(`logs in by ${keyboardInteractive ? "keyboard-interactive" : "password"}, and keeps it to itself`, () =>
        Effect.gen(function* () {
          const account = { password: Redacted.make(secret) }
          const config = keyboardInteractive ? ["PasswordAuthentication no"] : []
          const server = yield* OpenSshServer.make({ account, keyboardInteractive, config })
          const fs = yield* FileSystem.FileSystem
          const before = new Set(yield* fs.readDirectory("/tmp"))
          yield* Effect.gen(function* () {
            const ssh = yield* connect(server, secret)
            const results = yield* Effect.forEach([1, 2, 3], (index) => ssh.exec(sh(`echo ${index}`)), {
              concurrency: 3
            })
            assert.deepStrictEqual(
              results.map(({ stdout }) => stdout.text),
              ["1\n", "2\n", "3\n"]
            )
            assert.notInclude(yield* startedWith, secret)
            const folders = (yield* fs.readDirectory("/tmp")).filter((name) => !before.has(name))
            for (const name of folders.filter((name) => name.startsWith("toehold-"))) {
              const path = `/tmp/${name}/askpass`
              if (Fs.existsSync(path)) assert.notInclude(yield* fs.readFileString(path), secret)
            }
          }).pipe(Effect.scoped)
          yield* until(Effect.map(running(`-p ${server.port} `), (found) => found.length === 0))
        })
      )
    }

    it.effect("is rejected with a wrong one after one try", () =>
      Effect.gen(function* () {
        const account = { password: Redacted.make(secret) }
        const server = yield* OpenSshServer.make({ account, keyboardInteractive: true })
        const error = yield* Effect.flip(connect(server, "wrong"))
        reasonOf(error, "AuthRejected", { isRetryable: false })
        assert.notInclude(JSON.stringify(error), "wrong")
        assert.lengthOf((yield* server.log).match(/^Failed (?:password|keyboard-interactive\/pam) for /gm) ?? [], 1)
      })
    )

    it.effect("asks nobody about a host key that is not known", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make({ account: { password: Redacted.make(secret) } })
        const nothing = { hostKeyPolicy: undefined, knownHostsFile: "/dev/null" }
        const error = yield* Effect.flip(connect(server, secret, nothing, "-o StrictHostKeyChecking=ask"))
        reasonOf(error, "HostKeyUnknown", { isRetryable: false })
      })
    )

    it.effect("is refused where each command would log in by itself", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make({ account: { password: Redacted.make(secret) } })
        const error = yield* Effect.flip(connect(server, secret, { shareConnection: false }))
        assert.include(reasonOf(error, "InvalidArgument", { isRetryable: false }).hint, "ssh2")
        const platform = ClientPlatform.layerOf({ os: "win32", userName: server.user })
        const onWindows = yield* Effect.flip(connect(server, secret)).pipe(Effect.provide(platform))
        reasonOf(onWindows, "InvalidArgument", { isRetryable: false })
      })
    )
  })
})

describe("A question for a password", () => {
  const direct = { user: "ada", hosts: ["web", "10.0.0.1"], hasJumps: false }

  it("is ours when it names the account and the host", () => {
    for (const question of [
      "ada@web's password: ",
      "ada@10.0.0.1's password: ",
      "(ada@WEB) Password: ",
      "Password: "
    ]) {
      assert.isTrue(isOurs(question, direct), question)
    }
  })

  it("is none of ours otherwise", () => {
    const questions = [
      "eve@web's password: ",
      "ada@jump's password: ",
      "(ada@jump) Password: ",
      "(ada@web) Verification code: ",
      "(ada@web) New password: ",
      "Enter passphrase for key '/home/ada/.ssh/id_ed25519': ",
      "Enter PIN for ED25519-SK key: ",
      "The authenticity of host 'web' can't be established.\nAre you sure (yes/no/[fingerprint])? ",
      "ada@web's password for eve@evil's password: ",
      ""
    ]
    for (const question of questions) assert.isFalse(isOurs(question, direct), question)
    assert.isFalse(isOurs("Password: ", { ...direct, hasJumps: true }))
  })
})
