import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Layer, Redacted, Scope } from "effect"
import * as Fs from "node:fs"
import * as Net from "node:net"
import type { ClientChannel } from "ssh2"
import * as AuthScript from "@toehold/lab/AuthScript"
import * as InProcessServer from "@toehold/lab/InProcessServer"
import * as KeyPair from "@toehold/lab/KeyPair"
import * as Leaks from "@toehold/lab/Leaks"
import { describeWith } from "@toehold/lab/RealPart"
import type { SshServer } from "@toehold/lab/SshServer"
import { client, connects, refuses, run, ssh } from "./support/clients.ts"

const key = (server: SshServer) => ({ privateKey: server.key.privateKey })

describeWith(["ssh"], "InProcessServer for the real client", () => {
  it.layer(InProcessServer.layer().pipe(Layer.provideMerge(NodeServices.layer)))((it) => {
    it.effect("passes output and exit code on", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.InProcessServer
        const result = yield* ssh(server, "echo out; echo err >&2; pwd; exit 7")
        assert.deepStrictEqual(result, { stdout: `out\n${server.homeDir}\n`, stderr: "err\n", exitCode: 7 })
        assert.include(yield* server.commands, "echo out; echo err >&2; pwd; exit 7")
      })
    )
  })

  it.layer(NodeServices.layer)((it) => {
    it.effect("has every type of host key and of user key, on the IPv6 loopback too", () =>
      Effect.gen(function* () {
        for (const type of ["ed25519", "ecdsa", "rsa"] as const) {
          const server = yield* InProcessServer.make({ address: "::1", hostKeyTypes: [type], userKeyType: type })
          assert.strictEqual((yield* ssh(server, "echo in")).stdout, "in\n")
        }
      })
    )
  })
})

describe("InProcessServer", () => {
  it.layer(NodeServices.layer)((it) => {
    it.effect("runs a command with input to its end, in a process group of its own", () =>
      Effect.gen(function* () {
        const connection = yield* client(yield* InProcessServer.make())
        const ran = yield* run(connection, "cat; kill -0 -$$ && echo own", "given")
        assert.strictEqual(ran?.stdout.toString(), "givenown\n")
        assert.deepStrictEqual([ran?.code, ran?.signal], [0, undefined])
      })
    )

    it.effect("reports a signal as such", () =>
      Effect.gen(function* () {
        const connection = yield* client(yield* InProcessServer.make())
        const ran = yield* run(connection, "kill -KILL $$")
        assert.deepStrictEqual([ran?.code, ran?.signal], [null, "SIGKILL"])
      })
    )

    it.effect("passes signals on to the process group", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make()
        const connection = yield* client(server)
        const marker = Leaks.marker()
        const channel = yield* Effect.callback<ClientChannel>((resume) => {
          connection.exec(`exec sh -c 'sleep 600; :' ${marker}`, (_error, channel) => resume(Effect.succeed(channel)))
        })
        yield* Leaks.awaitProcesses(marker, 1)
        const name = yield* Effect.callback<string>((resume) => {
          channel.once("exit", (_code: number | null, name: string) => resume(Effect.succeed(name)))
          channel.resume().signal("TERM")
        })
        assert.strictEqual(name, "SIGTERM")
        yield* Leaks.awaitProcesses(marker, 0)
        assert.include(yield* server.log, "signal TERM")
      })
    )

    it.effect("carries both outputs byte for byte through full windows", () =>
      Effect.gen(function* () {
        const connection = yield* client(yield* InProcessServer.make())
        const size = 12 * 1024 * 1024
        const script =
          "const b = Buffer.alloc(65536, process.argv[1]); for (let i = 0; i < 192; i++) { b.writeUInt32BE(i); f.writeSync(+process.argv[2], b) }"
        const writer = (letter: string, fd: number) =>
          `'${process.execPath}' -e 'const f = require("node:fs"); ${script.replaceAll("'", '"')}' ${letter} ${fd}`
        const ran = yield* run(connection, `${writer("o", 1)} & ${writer("e", 2)} >&2; wait`)
        const expected = (letter: string) => {
          const all = Buffer.alloc(size, letter)
          for (let index = 0; index < 192; index++) all.writeUInt32BE(index, index * 65536)
          return all
        }
        assert.strictEqual(ran?.stdout.length, size)
        assert.strictEqual(ran?.stderr.length, size)
        assert.isTrue(ran?.stdout.equals(expected("o")))
        assert.isTrue(ran?.stderr.equals(expected("e")))
      })
    )

    it.effect("leaves nothing behind: port, processes and folder are gone", () =>
      Effect.gen(function* () {
        const scope = yield* Scope.fork(yield* Effect.scope)
        const server = yield* InProcessServer.make().pipe(Scope.provide(scope))
        const connection = yield* client(server)
        const marker = Leaks.marker()
        const command = `setsid sh -c 'sleep 600; :' ${marker} & exec sh -c 'sleep 600; :' ${marker}`
        yield* Effect.forkChild(run(connection, command))
        yield* Leaks.awaitProcesses(marker, 2)
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(yield* Leaks.processes(marker), [])
        assert.isTrue(yield* refuses(server.port))
        assert.isFalse(Fs.existsSync(server.tempDir))
      })
    )

    it.effect("refuses sessions as told", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make({
          acceptsSession: (open, before) => open < 1 && before < 2,
          exec: (command) => (command === "wait" ? "silence" : "run")
        })
        const connection = yield* client(server)
        yield* Effect.sync(() => connection.exec("wait", () => {}))
        assert.isUndefined(yield* run(connection, "echo beside"))
        const next = yield* client(server)
        assert.strictEqual((yield* run(next, "echo first"))?.stdout.toString(), "first\n")
        assert.deepStrictEqual(yield* server.commands, ["wait", "echo first"])
      })
    )

    it.effect("has a slot again after a command that was refused or left its input unread", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make({
          acceptsSession: (open) => open < 1,
          exec: (command) => (command === "refuse" ? "refuse" : "run")
        })
        const connection = yield* client(server)
        assert.isUndefined(yield* run(connection, "refuse"))
        assert.strictEqual((yield* run(connection, "exit 3", "unread".repeat(500_000)))?.code, 3)
        while ((yield* run(connection, "exit 4"))?.code !== 4);
      })
    )

    it.effect("misbehaves on a command as told", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make({
          exec: (command) =>
            command.startsWith("refuse ")
              ? "refuse"
              : command.startsWith("close ")
                ? "close"
                : command.startsWith("echo none")
                  ? "no-status"
                  : command.startsWith("echo first")
                    ? "status-first"
                    : command === "drop"
                      ? "drop"
                      : "run"
        })
        const connection = yield* client(server)
        assert.isUndefined(yield* run(connection, "refuse this"))
        assert.isUndefined(yield* run(connection, "close this"))
        const none = yield* run(connection, "echo none")
        assert.deepStrictEqual([none?.stdout.toString(), none?.code, none?.signal], ["none\n", undefined, undefined])
        const first = yield* run(connection, "echo first")
        assert.deepStrictEqual(first?.order, ["exit", "stdout", "close"])
        const dropped = yield* run(connection, "drop")
        assert.deepStrictEqual(dropped?.order, ["close"])
      })
    )
  })
})

describe("InProcessServer's logins", () => {
  it.layer(NodeServices.layer, { excludeTestServices: true })((it) => {
    it.effect("let the key and the password in, and nobody else", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make({ password: Redacted.make("secret word") })
        assert.strictEqual(yield* connects(server, key(server)), "ready")
        assert.strictEqual(yield* connects(server, { password: "secret word" }), "ready")
        const refused = "All configured authentication methods failed"
        assert.strictEqual(yield* connects(server, { password: "wrong" }), refused)
        assert.strictEqual(yield* connects(server, { privateKey: (yield* KeyPair.generate()).privateKey }), refused)
        assert.notInclude(yield* server.log, "secret word")
      })
    )

    it.effect("ask, want two methods, and take their time", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make({
          auth: (attempt, before) =>
            Effect.gen(function* () {
              if (attempt.method === "publickey") {
                return attempt.signed
                  ? AuthScript.reject(["keyboard-interactive"], { partial: true })
                  : AuthScript.accept
              }
              if (attempt.method !== "keyboard-interactive") return AuthScript.reject(["publickey"])
              if (attempt.answers === undefined) return AuthScript.ask([{ prompt: "Code: " }, { prompt: "Again: " }])
              yield* Effect.sleep("50 millis")
              assert.isTrue(before.some(({ method }) => method === "publickey"))
              const codes = attempt.answers.map(Redacted.value)
              return codes.join() === "42,42" ? AuthScript.accept : AuthScript.reject(["keyboard-interactive"])
            })
        })
        const start = yield* Clock.currentTimeMillis
        const shown: Array<string> = []
        const result = yield* connects(server, { ...key(server), tryKeyboard: true }, (client) =>
          client.on("keyboard-interactive", (_name, _instructions, _language, prompts, finish) => {
            shown.push(...prompts.map(({ prompt }) => prompt))
            finish(["42", "42"])
          })
        )
        assert.strictEqual(result, "ready")
        assert.isAtLeast((yield* Clock.currentTimeMillis) - start, 49)
        assert.deepStrictEqual(shown, ["Code: ", "Again: "])
      })
    )

    it.effect("demand a new password", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make({
          auth: (attempt) =>
            Effect.succeed(
              attempt.method === "password"
                ? AuthScript.changePassword("Too old")
                : attempt.method === "password-change" && Redacted.value(attempt.newPassword) === "new"
                  ? AuthScript.accept
                  : AuthScript.reject(["password"])
            )
        })
        const result = yield* connects(server, { password: "old" }, (client) =>
          client.on("change password", (_message, done) => done("new"))
        )
        assert.strictEqual(result, "ready")
        const methods = (yield* server.attempts).map(({ method }) => method)
        assert.deepStrictEqual(methods, ["none", "password", "password-change"])
      })
    )

    it.effect("show a banner", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make({ ssh2: { banner: "Welcome, all" } })
        let banner = ""
        yield* connects(server, key(server), (client) => client.on("banner", (message) => (banner = message)))
        assert.strictEqual(banner.trim(), "Welcome, all")
      })
    )
  })
})

/** How a plain socket that says `hello` sees the connection go, and what it read before. */
const look = (server: SshServer) =>
  Effect.callback<readonly [how: string, read: string]>((resume) => {
    const socket = Net.connect(server.port, server.host, () => socket.write("SSH-2.0-hello\r\nmore"))
    let read = ""
    socket.on("data", (chunk) => (read += chunk.toString()))
    socket.on("end", () => resume(Effect.succeed(["fin", read])))
    socket.on("error", () => resume(Effect.succeed(["rst", read])))
    return Effect.sync(() => socket.destroy())
  })

const silent = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.as(effect, "answered").pipe(
    Effect.timeoutOrElse({ duration: "60 millis", orElse: () => Effect.succeed("silent") })
  )

describe("InProcessServer's faults", () => {
  it.layer(NodeServices.layer, { excludeTestServices: true })((it) => {
    for (const by of ["fin", "rst"] as const) {
      it.effect(`end the connection by ${by} at each stage before SSH`, () =>
        Effect.gen(function* () {
          const server = yield* InProcessServer.make({ fault: { at: "connect", by } })
          assert.deepStrictEqual(yield* look(server), [by, ""])
          for (const at of ["ident", "kex"] as const) {
            yield* server.setFault({ at, by })
            const [how, read] = yield* look(server)
            assert.strictEqual(how, by)
            // What was sent just before a reset may get lost with it.
            if (by === "fin") assert.strictEqual(read, "SSH-2.0-lab\r\n")
          }
        })
      )

      it.effect(`end the connection by ${by} at each stage of SSH`, () =>
        Effect.gen(function* () {
          const server = yield* InProcessServer.make({ fault: { at: "auth", by } })
          assert.match(yield* connects(server, key(server)), /ECONNRESET|lost|closed/i)
          assert.deepStrictEqual(yield* server.attempts, [])
          for (const at of ["session", "exec"] as const) {
            yield* server.setFault({ at, by })
            assert.isUndefined(yield* run(yield* client(server), "echo never"))
          }
          assert.strictEqual((yield* server.commands).length, 1)
        })
      )
    }

    it.effect("leave the client without an answer", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make({ exec: () => "silence" })
        for (const at of ["connect", "ident", "kex", "auth"] as const) {
          yield* server.setFault({ at, by: "silence" })
          assert.strictEqual(yield* silent(connects(server, key(server))), "silent")
        }
        yield* server.setFault(undefined)
        assert.strictEqual(yield* silent(run(yield* client(server), "echo never")), "silent")
        for (const at of ["session", "exec"] as const) {
          yield* server.setFault({ at, by: "silence" })
          assert.strictEqual(yield* silent(run(yield* client(server), "echo never")), "silent")
        }
        assert.isAbove((yield* server.connections).accepted, 6)
      })
    )
  })
})
