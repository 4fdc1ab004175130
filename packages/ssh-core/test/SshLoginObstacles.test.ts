import { assert, it } from "@effect/vitest"
import { Effect, FileSystem, Redacted } from "effect"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import { connectTo, reasonOf } from "./support/failing.ts"
import { optionsFor, services } from "./support/machine.ts"

const sh = SshCommand.shell

const no = { isRetryable: false }

describeWith(["sshd", "private-accounts"], "A login that the server makes hard", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    it.effect("fails with AuthRejected for a right key of an account that has expired, with PAM and without", () =>
      Effect.gen(function* () {
        const password = Redacted.make("right")
        for (const usePam of ["no", "yes"]) {
          const account = { expired: true, password }
          const server = yield* OpenSshServer.make({ account, config: [`UsePAM ${usePam}`, "Banner /etc/passwd"] })
          for (const by of [{}, { identities: [], password }]) {
            const error = yield* Effect.flip(connectTo(optionsFor(server, by)))
            const reason = reasonOf(error, "AuthRejected", no)
            assert.strictEqual(reason.attempts.filter(({ result }) => result === "accepted").length, 0)
            // Without PAM the server says nothing that would tell it from a wrong key.
            if (usePam === "yes") {
              assert.include(error.message, "Your account has expired")
              assert.include(error.fix, "renew the account")
            }
          }
        }
      })
    )

    it.effect("keeps a banner of many kB apart from what a command prints, on a slow link too", () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const file = `${yield* fs.makeTempDirectoryScoped()}/banner`
        const line = `${"Authorized use only. ".repeat(5)}\u001b[31mred\n`
        yield* fs.writeFileString(file, line.repeat(270))
        const server = yield* OpenSshServer.make({ config: [`Banner ${file}`] })
        const ssh = yield* connectTo(optionsFor(server, { spareSessions: 1 }))
        assert.isAbove(ssh.connection.banner.length, 29_000)
        const { stderr, stdout } = yield* ssh.exec(sh("echo out; echo err >&2"))
        assert.deepStrictEqual([stdout.text, stderr.text], ["out\n", "err\n"])
        const proxy = yield* FaultProxy.make({ target: server, toClient: { bytesPerSecond: 40_000 } })
        const slow = yield* connectTo({ ...optionsFor(server), port: proxy.port, connectTimeout: "15 seconds" })
        assert.strictEqual((yield* slow.exec(sh("echo slow"))).stdout.text, "slow\n")
      })
    )

    it.effect("takes a banner of 30, 100 and 250 kB, and says so where one is too long for the cipher", () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const file = `${yield* fs.makeTempDirectoryScoped()}/banner`
        const server = yield* OpenSshServer.make({ config: [`Banner ${file}`] })
        const line = `${"x".repeat(99)}\n`
        const proxy = yield* FaultProxy.make({ target: server, toClient: { chunkSize: 1000 } })
        for (const lines of [300, 1000, 2500]) {
          yield* fs.writeFileString(file, line.repeat(lines))
          for (const port of [server.port, proxy.port]) {
            const ssh = yield* connectTo({ ...optionsFor(server), port })
            assert.strictEqual(ssh.connection.banner.length, Math.min(lines * 100, 65_536))
            const { stderr, stdout } = yield* ssh.exec(sh("echo out"))
            assert.deepStrictEqual([stdout.text, stderr.text], ["out\n", ""])
          }
        }
        const algorithms = { ciphers: { mode: "replace", names: ["aes256-ctr"] } } as const
        const error = yield* Effect.flip(connectTo(optionsFor(server, { algorithms })))
        assert.include(reasonOf(error, "PacketTooLong", no).fix, "Banner")
        yield* fs.writeFileString(file, line.repeat(300))
        const ssh = yield* connectTo(optionsFor(server, { algorithms }))
        assert.strictEqual(ssh.connection.banner.length, 30_000)
      })
    )

    it.effect("runs commands through a ForceCommand that passes them on, and forwards where it runs none", () =>
      Effect.gen(function* () {
        const wrapper = `ForceCommand echo wrapped >&2; exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"`
        const passing = yield* connectTo(optionsFor(yield* OpenSshServer.make({ config: [wrapper] })))
        for (let times = 0; times < 2; times++) {
          const { exitCode, stdout } = yield* passing.exec(sh("echo through; exit 3"))
          assert.deepStrictEqual([exitCode, stdout.text], [3, "through\n"])
        }
        const server = yield* OpenSshServer.make({ config: ["ForceCommand /bin/false"] })
        const closed = yield* connectTo(optionsFor(server))
        assert.strictEqual(reasonOf(yield* Effect.flip(closed.exec(sh("true"))), "ChannelRefused", no).request, "shell")
        const stream = yield* closed.dial({ host: server.host, port: server.port })
        const greeting = yield* Effect.callback<string>((resume) => {
          stream.once("data", (data: Buffer) => resume(Effect.succeed(data.toString())))
        })
        assert.match(greeting, /^SSH-2\.0-/)
      })
    )
  })
})
