import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Redacted, Scope, Stream } from "effect"
import { ChildProcess } from "effect/process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { Client } from "ssh2"
import * as Leaks from "@toehold/lab/Leaks"
import { LabError } from "@toehold/lab/LabError"
import * as LoginShell from "@toehold/lab/LoginShell"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import { refuses, ssh, withClient } from "./support/clients.ts"

describeWith(["ssh", "sshd"], "OpenSshServer", () => {
  it.layer(NodeServices.layer)((it) => {
    it.effect("passes output and exit code of a command to the real client", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make({ hostKeyTypes: ["ed25519", "ecdsa", "rsa"], userKeyType: "rsa" })
        const result = yield* ssh(server, "echo out; echo err >&2; exit 7")
        assert.deepStrictEqual(result, { stdout: "out\n", stderr: "err\n", exitCode: 7 })
        assert.strictEqual(yield* server.connectionCount, 1)
        assert.strictEqual(server.knownHosts.length, 3)
        const shown = yield* server.log
        assert.include(shown, `Accepted publickey for ${server.user}`)
        assert.include(shown, server.key.fingerprint)
      })
    )

    it.effect("listens on the IPv6 loopback", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make({ address: "::1", hostKeyTypes: ["ecdsa"], userKeyType: "ecdsa" })
        assert.deepStrictEqual(yield* ssh(server, "echo six"), { stdout: "six\n", stderr: "", exitCode: 0 })
      })
    )

    it.effect("lets given configuration lines win, Match blocks included", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make({
          config: ["SetEnv WHO=global", "LogLevel DEBUG1", "Match User nobody-else", "ForceCommand false"]
        })
        assert.strictEqual((yield* ssh(server, "echo $WHO")).stdout, "global\n")
        assert.include(yield* server.log, "debug1: ")
        const error = yield* Effect.flip(OpenSshServer.make({ config: ["NoSuchWord yes"] }))
        assert.instanceOf(error, LabError)
        assert.include(error.message, "NoSuchWord")
      })
    )

    it.effect("leaves nothing behind: port, processes and folder are gone", () =>
      Effect.gen(function* () {
        const scope = yield* Scope.fork(yield* Effect.scope)
        const server = yield* OpenSshServer.make().pipe(Scope.provide(scope))
        const marker = Leaks.marker()
        // One command that its session waits for, and one that left the session's process group.
        yield* Effect.forkChild(
          withClient(
            server,
            { privateKey: server.key.privateKey },
            `setsid sh -c 'sleep 600; :' ${marker} </dev/null >/dev/null 2>&1 & sh -c 'sleep 600; :' ${marker}`
          )
        )
        // … and the login shell, whose command line holds them both.
        yield* Leaks.awaitProcesses(marker, 3)
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(yield* Leaks.processes(marker), [])
        assert.isTrue(yield* refuses(server.port))
        assert.isFalse(Fs.existsSync(server.tempDir))
      })
    )

    it.effect("ends sessions, stops and starts again on the same port", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make()
        const marker = Leaks.marker()
        const pid = yield* server.pid
        yield* Effect.forkChild(
          withClient(server, { privateKey: server.key.privateKey }, `exec sh -c 'sleep 600; :' ${marker}`)
        )
        yield* Leaks.awaitProcesses(marker, 1)
        yield* server.endSessions
        assert.deepStrictEqual(yield* Leaks.processes(marker), [])
        assert.strictEqual(yield* server.pid, pid)
        yield* server.stop
        assert.isTrue(yield* refuses(server.port))
        assert.include((yield* Effect.flip(server.pid)).message, "stopped")
        yield* server.restart
        assert.strictEqual((yield* ssh(server, "echo again")).stdout, "again\n")
      })
    )
  })
})

describeWith(["sshd", "setpriv"], "OpenSshServer of a process that is killed", () => {
  it.layer(NodeServices.layer)((it) => {
    it.effect("ends with it", () =>
      Effect.gen(function* () {
        const script = `
          import { NodeServices } from "@effect/platform-node"
          import { Effect } from "effect"
          import * as OpenSshServer from "@toehold/lab/OpenSshServer"
          OpenSshServer.make().pipe(
            Effect.flatMap((server) => Effect.sync(() => process.stdout.write(server.configPath))),
            Effect.andThen(Effect.never),
            Effect.scoped,
            Effect.provide(NodeServices.layer),
            Effect.runPromise
          )`
        const child = yield* ChildProcess.make(process.execPath, ["--input-type=module", "-e", script], {
          cwd: new URL("..", import.meta.url).pathname
        })
        const configPath = yield* child.stdout.pipe(Stream.decodeText, Stream.take(1), Stream.mkString)
        yield* Leaks.awaitProcesses(configPath, 1)
        process.kill(child.pid, "SIGKILL")
        yield* Leaks.awaitProcesses(configPath, 0)
        Fs.rmSync(Path.dirname(configPath), { recursive: true })
      })
    )
  })
})

describeWith(["ssh", "sshd", "private-accounts"], "OpenSshServer with an account of its own", () => {
  it.layer(NodeServices.layer)((it) => {
    it.effect("leaves the machine's accounts and the real home alone", () =>
      Effect.gen(function* () {
        const before = Fs.readFileSync("/etc/passwd", "utf8")
        const server = yield* OpenSshServer.make({
          account: { user: "toehold-test", homeFiles: { ".config/notes/a": "kept\n" } }
        })
        const result = yield* ssh(server, "id -un; pwd; cat .config/notes/a")
        assert.strictEqual(result.stdout, `toehold-test\n${server.homeDir}\nkept\n`)
        assert.strictEqual(Fs.readFileSync("/etc/passwd", "utf8"), before)
      })
    )

    it.effect("logs in with a password, and refuses a wrong one", () =>
      Effect.gen(function* () {
        const password = "pass 'word' $1"
        const server = yield* OpenSshServer.make({ account: { password: Redacted.make(password) } })
        assert.strictEqual(yield* withClient(server, { password }, "echo in"), "in\n")
        const refused = yield* withClient(server, { password: "wrong" }, "echo in")
        assert.strictEqual(refused, "All configured authentication methods failed")
      })
    )

    it.effect("asks for the password by keyboard-interactive", () =>
      Effect.gen(function* () {
        const password = "by keyboard"
        const server = yield* OpenSshServer.make({
          account: { password: Redacted.make(password) },
          keyboardInteractive: true,
          config: ["PasswordAuthentication no"]
        })
        const client = new Client()
        client.on("keyboard-interactive", (_name, _instructions, _language, _prompts, finish) => finish([password]))
        const answer = yield* Effect.callback<string>((resume) => {
          client.once("ready", () => resume(Effect.succeed("ready")))
          client.once("error", (error) => resume(Effect.succeed(error.message)))
          client.connect({ host: server.host, port: server.port, username: server.user, tryKeyboard: true })
          return Effect.sync(() => client.end())
        })
        client.end()
        assert.strictEqual(answer, "ready")
      })
    )

    it.effect("runs nothing for an expired password", () =>
      Effect.gen(function* () {
        const password = "old"
        const server = yield* OpenSshServer.make({
          account: { password: Redacted.make(password), passwordExpired: true }
        })
        const output = yield* withClient(server, { password }, "echo in")
        assert.notInclude(output, "in\n")
        assert.match(output, /password.*(expired|change)/i)
      })
    )
  })
})

const shells = [
  { shell: "dash", probe: "echo $0", says: /dash/, rcFile: undefined },
  { shell: "bash", probe: "echo $BASH_VERSION", says: /\d/, rcFile: ".bashrc" },
  { shell: "fish", probe: "echo $FISH_VERSION", says: /\d/, rcFile: ".config/fish/config.fish" },
  { shell: "csh", probe: "echo $version", says: /tcsh/, rcFile: ".cshrc" },
  { shell: "ash", probe: "echo $0", says: /\bash/, rcFile: undefined }
] as const

describe("login shells", () => {
  for (const { shell, probe, says, rcFile } of shells) {
    describeWith(["ssh", "sshd", "private-accounts", LoginShell.partOf[shell]], shell, () => {
      it.layer(NodeServices.layer)((it) => {
        it.effect("runs the command after its rc file", () =>
          Effect.gen(function* () {
            const homeFiles = rcFile === undefined ? {} : { [rcFile]: "echo noisy\n" }
            const server = yield* OpenSshServer.make({ account: { loginShell: shell, homeFiles } })
            const result = yield* ssh(server, `${probe}; exit 3`)
            assert.strictEqual(result.exitCode, 3)
            assert.match(result.stdout, says)
            assert.strictEqual(result.stdout.startsWith("noisy\n"), rcFile !== undefined)
          })
        )
      })
    })
  }
})

describeWith(["ssh", "sshd", "private-accounts"], "another user", () => {
  it.layer(NodeServices.layer)((it) => {
    it.effect("is logged in without root's rights, where root starts the server", () =>
      Effect.gen(function* () {
        const start = OpenSshServer.make({ account: { user: "plain", uid: 4242, loginShell: "ash" } })
        if (process.getuid?.() !== 0) {
          assert.include((yield* Effect.flip(start)).message, "Only root")
          return
        }
        const result = yield* ssh(yield* start, "id -u; id -g; touch ~/mine && echo written; cat /etc/shadow")
        assert.strictEqual(result.stdout, "4242\n4242\nwritten\n")
        assert.notStrictEqual(result.exitCode, 0)
      })
    )
  })
})
