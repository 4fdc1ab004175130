import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Redacted } from "effect"
import { randomBytes } from "node:crypto"
import * as Fs from "node:fs"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import * as SshError from "@toehold/ssh-core/SshError"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import * as InProcessServer from "@toehold/lab/InProcessServer"
import * as Leaks from "@toehold/lab/Leaks"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import { connectTo, faces, reasonOf, withLog } from "./support/failing.ts"
import { optionsFor, services } from "./support/machine.ts"

const sh = SshCommand.shell

const no = { isRetryable: false }
/** The script of a command is sent to a shell that waits for it: what goes wrong before that happens to nothing. */
const didNotRun = { isRetryable: true, outcome: "did-not-run" } as const
const mayHaveRun = { isRetryable: false, outcome: "may-have-run" } as const

describe("SshError of a command", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    /** A connection whose commands go as told, and how often each was asked for. */
    const behaving = Effect.fnUntraced(function* (behaviour: InProcessServer.ExecBehaviour) {
      const server = yield* InProcessServer.make({ exec: () => behaviour })
      const ssh = yield* connectTo(optionsFor(server))
      return { ssh, server }
    })

    it.effect("ChannelRefused for a command that the server refuses, which it closes, and asks once more for", () =>
      Effect.gen(function* () {
        const { server, ssh } = yield* behaving("refuse")
        const error = yield* Effect.flip(ssh.exec(sh("true")))
        assert.deepInclude(reasonOf(error, "ChannelRefused", no), { request: "exec", busy: false })
        yield* Effect.sleep("50 millis")
        const asked = (yield* server.commands).length
        assert.isAtLeast(asked, 2)
        assert.strictEqual((yield* server.log).match(/session closed/g)?.length, asked)
      })
    )

    it.effect("ChannelRefused for a channel that is closed in place of an answer: nothing was asked of it yet", () =>
      Effect.gen(function* () {
        const { ssh } = yield* behaving("close")
        const error = yield* Effect.flip(ssh.exec(sh("true")))
        assert.deepInclude(reasonOf(error, "ChannelRefused", no), { request: "exec", busy: false })
        assert.strictEqual(error.outcome, "did-not-run")
      })
    )

    it.effect(
      "none for a channel that dropbear has closed before it looked at the command: it is asked for again",
      () =>
        Effect.gen(function* () {
          const answers: Array<InProcessServer.ExecBehaviour> = ["close"]
          const server = yield* InProcessServer.make({
            ssh2: { ident: "dropbear_2022.83" },
            exec: () => answers.shift() ?? "run"
          })
          const ssh = yield* connectTo(optionsFor(server))
          assert.strictEqual((yield* ssh.exec(sh("echo once"))).stdout.text, "once\n")
          assert.isAtLeast((yield* server.commands).length, 2)
        })
    )

    it.effect("ConnectionLost for a command whose exit status never comes, with its output", () =>
      Effect.gen(function* () {
        const { ssh } = yield* behaving("no-status")
        const error = yield* Effect.flip(ssh.exec(sh("echo all of it")))
        const reason = reasonOf(error, "ConnectionLost", mayHaveRun)
        assert.strictEqual(reason.stdout.text, "all of it\n")
        assert.strictEqual(reason.command, "echo all of it")
        assert.include(reason.detail, "no exit status")
      })
    )

    it.effect("none where the exit status comes before the output", () =>
      Effect.gen(function* () {
        const { ssh } = yield* behaving("status-first")
        const result = yield* ssh.exec(sh("head -c 30000 /dev/zero; exit 3"))
        assert.deepStrictEqual([result.exitCode, result.stdout.totalBytes], [3, 30_000])
      })
    )

    it.effect("CommandTimeout for a command of which nothing is heard", () =>
      Effect.gen(function* () {
        const { ssh } = yield* behaving("silence")
        for (const [limits, tag] of [
          [{ timeout: "150 millis" }, "CommandTimeout"],
          [{ idleTimeout: "150 millis", timeout: "1 minute" }, "IdleTimeout"]
        ] as const) {
          const error = yield* Effect.flip(ssh.exec(sh("true"), { ...limits, killGrace: "50 millis" }))
          assert.deepInclude(reasonOf(error, tag, didNotRun), { timeoutMs: 150, killed: false })
          assert.include(error.message, "had not begun")
        }
      })
    )

    it.effect("ConnectionLost for SFTP and for another machine, when the connection ends before the answer", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make()
        const proxy = yield* FaultProxy.make({ target: server })
        for (const ask of ["checkSftp", "dial"] as const) {
          const ssh = yield* connectTo({ ...optionsFor(server), port: proxy.port })
          yield* proxy.set("toClient", { hold: true })
          const asked = ask === "dial" ? ssh.dial({ host: "localhost", port: 1 }) : ssh.checkSftp
          const waiting = yield* Effect.forkChild(Effect.flip(Effect.asVoid(asked)))
          yield* Effect.sleep("50 millis")
          yield* proxy.cut("rst")
          reasonOf(yield* Fiber.join(waiting), "ConnectionLost", didNotRun)
          reasonOf(yield* Effect.flip(Effect.asVoid(asked)), "ConnectionLost", didNotRun)
          yield* proxy.heal
        }
      })
    )

    it.effect("ConnectionLost by a connection that ends before, in or after the answer", () =>
      Effect.gen(function* () {
        const dropped = yield* behaving("drop")
        reasonOf(yield* Effect.flip(dropped.ssh.exec(sh("true"))), "ConnectionLost", didNotRun)
        for (const by of ["fin", "rst"] as const) {
          const server = yield* InProcessServer.make()
          const before = yield* connectTo(optionsFor(server))
          yield* server.setFault({ at: "session", by })
          const never = yield* Effect.flip(before.exec(sh("true")))
          reasonOf(never, "ConnectionLost", didNotRun)
          yield* server.setFault({ at: "exec", by })
          const during = yield* connectTo(optionsFor(server))
          reasonOf(yield* Effect.flip(during.exec(sh("true"))), "ConnectionLost", didNotRun)
          const after = yield* Effect.flip(during.exec(sh("true")))
          reasonOf(after, "ConnectionLost", didNotRun)
        }
      })
    )

    it.effect("shows the values of the environment in no error and no log line", () =>
      Effect.gen(function* () {
        const { ssh } = yield* behaving("no-status")
        const env = { TOKEN: Redacted.make("token-that-nobody-may-see"), PLAIN: "plain-value-of-the-environment" }
        const { lines, value } = yield* withLog(Effect.flip(ssh.exec(sh("true", { env }))))
        const shown = [faces(value), ...lines].join("\n")
        assert.notInclude(shown, "token-that-nobody-may-see")
        assert.notInclude(shown, "plain-value-of-the-environment")
      })
    )
  })
})

describeWith(["sshd", "private-accounts"], "SshError of a command on a real sshd", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    it.effect("ChannelRefused for a session, where the server allows none", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make({ config: ["MaxSessions 0"] })
        const ssh = yield* connectTo(optionsFor(server))
        const error = yield* Effect.flip(ssh.exec(sh("true")))
        assert.strictEqual(reasonOf(error, "ChannelRefused", { isRetryable: true }).request, "session")
      })
    )

    it.effect("ChannelRefused for a terminal, where the server allows none", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make({ config: ["PermitTTY no"] })
        const ssh = yield* connectTo(optionsFor(server))
        const error = yield* Effect.flip(ssh.exec(sh("true"), { pty: true }))
        assert.strictEqual(reasonOf(error, "ChannelRefused", no).request, "pty")
        assert.strictEqual((yield* ssh.exec(sh("echo without"))).stdout.text, "without\n")
      })
    )

    it.effect("ChannelRefused for the shell, with the words of what stands in the way, on one line", () =>
      Effect.gen(function* () {
        const nologin = yield* OpenSshServer.make({ account: { loginShell: "/usr/sbin/nologin" } })
        const forced = yield* OpenSshServer.make({
          config: ["ForceCommand printf '\\033[31mgo\\naway\\r\\n'; exit 1"]
        })
        for (const [server, words] of [
          [nologin, /not available/],
          [forced, /go *away/]
        ] as const) {
          for (const spareSessions of [0, 1]) {
            const ssh = yield* connectTo(optionsFor(server, { spareSessions }))
            for (const _ of [1, 2]) {
              const error = yield* Effect.flip(ssh.exec(sh("true")))
              assert.strictEqual(reasonOf(error, "ChannelRefused", no).request, "shell")
              assert.match(error.message, words)
              assert.notMatch(error.message, /\p{Cc}/u)
            }
          }
        }
      })
    )

    it.effect("PasswordExpired, for an account that must change its password first", () =>
      Effect.gen(function* () {
        const password = Redacted.make("old password")
        const server = yield* OpenSshServer.make({ account: { password, passwordExpired: true } })
        const error = yield* Effect.gen(function* () {
          const ssh = yield* connectTo(optionsFor(server, { identities: [], password }))
          return yield* ssh.exec(sh("true"))
        }).pipe(Effect.flip)
        const reason = reasonOf(error, "PasswordExpired", no)
        assert.deepInclude(reason, { host: server.host, user: server.user })
        assert.match(reason.prompt, /password/i)
      })
    )

    it.effect("none where the login throws its stderr away", () =>
      Effect.gen(function* () {
        const homeFiles = { ".bashrc": "exec 2>/dev/null\n" }
        const server = yield* OpenSshServer.make({ account: { loginShell: "bash", homeFiles } })
        const ssh = yield* connectTo(optionsFor(server))
        assert.strictEqual((yield* ssh.exec(sh("echo seen"))).stdout.text, "seen\n")
        const env = { SECRET: Redacted.make("x") }
        assert.strictEqual((yield* ssh.exec(sh('echo "$SECRET"', { env }))).stdout.text, "x\n")
      })
    )

    it.effect("none while the server changes keys again and again, or asks whether anybody is there", () =>
      Effect.gen(function* () {
        const config = ["RekeyLimit 256K", "ClientAliveInterval 1", "ClientAliveCountMax 1"]
        const server = yield* OpenSshServer.make({ config })
        const ssh = yield* connectTo(optionsFor(server, { spareSessions: 1, keepalive: false }))
        const bytes = new Uint8Array(randomBytes(4_000_000))
        const idle = yield* Effect.forkChild(ssh.exec(sh("sleep 2.5; echo there")))
        const copied = yield* ssh.exec(SshCommand.argv(["cat"]), { stdin: bytes })
        assert.isTrue(Buffer.from(copied.stdout.bytes).equals(bytes))
        assert.strictEqual((yield* Fiber.join(idle)).stdout.text, "there\n")
      })
    )

    it.effect("CommandTimeout during a slow login: the command is never started after it", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make({
          account: { loginShell: "bash", homeFiles: { ".bashrc": "trap '' PIPE; sleep 2\n" } }
        })
        const ssh = yield* connectTo(optionsFor(server))
        const marker = Leaks.marker()
        const trace = `${server.homeDir}/trace`
        const command = sh(`trap '' PIPE; echo ran >${trace}; sleep 600; : ${marker}`)
        const error = yield* Effect.flip(ssh.exec(command, { timeout: "200 millis", killGrace: "50 millis" }))
        reasonOf(error, "CommandTimeout", didNotRun)
        yield* Effect.sleep("2300 millis")
        assert.isFalse(Fs.existsSync(trace))
        const interrupted = yield* Effect.forkChild(ssh.exec(command, { killGrace: "4 seconds" }))
        yield* Effect.sleep("200 millis")
        yield* Fiber.interrupt(interrupted)
        assert.deepStrictEqual(yield* Leaks.processes(marker), [])
      })
    )
  })
})

describe("SshError", () => {
  it("keeps what the other side says on one line, and in bounds", () => {
    const words = "one\r\ntwo\u001b[2J\u2028three"
    const reasons: ReadonlyArray<SshError.Reason> = [
      new SshError.ConnectionClosed({ host: "h", port: 22, stage: "auth", detail: words }),
      new SshError.AuthRejected({ host: "h", port: 22, user: "u", attempts: [], serverOffers: [words], detail: words }),
      new SshError.PasswordExpired({ host: "h", user: "u", prompt: words }),
      new SshError.ChannelRefused({ request: "shell", detail: words, busy: false }),
      new SshError.NoCommonAlgorithm({ host: "h", port: 22, kind: "kex", offered: [], serverOffers: [words] }),
      new SshError.NoCommonAlgorithm({
        host: "h",
        port: 22,
        kind: "kex",
        offered: [],
        serverOffers: Array.from({ length: 20_000 }, () => words)
      })
    ]
    for (const reason of reasons) {
      const { message } = SshError.make(reason)
      assert.notMatch(message, /[\p{Cc}\u2028\u2029]/u)
      assert.match(message, /one two *\[2J three/)
      assert.isAtMost(message.length, 4100)
    }
  })
})
