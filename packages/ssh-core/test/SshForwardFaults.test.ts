import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Result } from "effect"
import * as Fs from "node:fs"
import type * as Net from "node:net"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import { reasonOf } from "./support/failing.ts"
import { keep } from "./support/kept.ts"
import { services } from "./support/machine.ts"
import { leavesNothing } from "./support/sockets.ts"
import * as Streams from "./support/streams.ts"

/** Sends what it has and stays. */
const endless = (socket: Net.Socket): void => {
  const chunk = Buffer.alloc(65_536)
  const fill = (): void => {
    while (socket.writable && socket.write(chunk));
  }
  socket.on("drain", fill).resume()
  fill()
}

describeWith(["sshd"], "SshForward.keep", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    it.effect("brings every forwarding back on its port after a cut, and resets what was under way", () =>
      leavesNothing(
        Effect.gen(function* () {
          const server = yield* OpenSshServer.make()
          const echo = yield* Streams.serve(Streams.echo)
          const flood = yield* Streams.serve(endless)
          const there = `${server.tempDir}/there`
          const here = `${server.tempDir}/here`
          const { events, port, proxy, seen } = yield* keep(server, [
            ["local", `0:127.0.0.1:${echo.port}`],
            ["remote", `0:127.0.0.1:${echo.port}`],
            ["dynamic", "0"],
            ["local", `0:127.0.0.1:${flood.port}`],
            ["remote", `0:127.0.0.1:${flood.port}`],
            ["remote", `${there}:127.0.0.1:${echo.port}`],
            ["local", `${here}:127.0.0.1:${echo.port}`]
          ])
          for (const [round, by] of (["rst", "fin"] as const).entries()) {
            const open = yield* Effect.forEach([port(3), port(4)], Streams.connect)
            const receiving = yield* Effect.forEach(open, (socket) => Effect.forkChild(Streams.receive(socket)))
            while (open.some(({ bytesRead }) => bytesRead === 0)) yield* Effect.sleep("5 millis")
            yield* proxy.cut(by)
            const [throughLocal] = yield* Effect.forEach(receiving, Fiber.join)
            // What comes through the machine's own port is ended by its server, which ends it as it likes.
            assert.strictEqual(throughLocal?.end, "reset")
            yield* seen("Reconnected", round + 1)
            yield* seen("ListeningAgain", 3 * (round + 1))
            for (const where of [port(0), port(1), there, here]) {
              assert.strictEqual(yield* Streams.talk(where, "again"), "again end")
            }
            const socket = yield* Streams.viaSocks(port(2), { host: "localhost", port: echo.port })
            socket.end("by name")
            assert.strictEqual((yield* Streams.receive(socket)).bytes.toString(), "by name")
          }
          assert.deepStrictEqual(
            events.filter(({ _tag }) => _tag === "ListenFailed" || _tag === "ConnectionFailed"),
            []
          )
        })
      )
    )

    it.effect("finds a connection that is dead without a word, and lets new ones wait for the next", () =>
      leavesNothing(
        Effect.gen(function* () {
          const server = yield* OpenSshServer.make()
          const echo = yield* Streams.serve(Streams.echo)
          const { port, proxy, seen, tags } = yield* keep(
            server,
            [
              ["local", `0:127.0.0.1:${echo.port}`],
              ["dynamic", "0"]
            ],
            { client: { connectTimeout: "2 seconds" } }
          )
          assert.strictEqual(yield* Streams.talk(port(0), "before"), "before end")
          yield* proxy.set("both", { swallow: true })
          const early = yield* Effect.forkChild(Streams.talk(port(0), "asked while it was dead"))
          yield* seen("Disconnected")
          const late = yield* Effect.forkChild(Streams.talk(port(0), "asked while there was none"))
          const socks = yield* Effect.forkChild(Streams.viaSocks(port(1), { host: "127.0.0.1", port: echo.port }))
          yield* seen("ReconnectFailed")
          yield* proxy.heal
          assert.strictEqual(yield* Fiber.join(early), "asked while it was dead end")
          assert.strictEqual(yield* Fiber.join(late), "asked while there was none end")
          const socket = yield* Fiber.join(socks)
          socket.end("socks")
          assert.strictEqual((yield* Streams.receive(socket)).bytes.toString(), "socks")
          assert.notInclude(tags(), "ConnectionFailed")
          assert.strictEqual(echo.accepted(), 4)
        })
      )
    )

    it.effect("waits no longer than it may for a server that is gone, and serves again when that is back", () =>
      leavesNothing(
        Effect.gen(function* () {
          const server = yield* OpenSshServer.make()
          const echo = yield* Streams.serve(Streams.echo)
          const { events, port, seen } = yield* keep(
            server,
            [
              ["local", `0:127.0.0.1:${echo.port}`],
              ["remote", `0:127.0.0.1:${echo.port}`]
            ],
            { keep: { waitLimit: "300 millis" } }
          )
          yield* server.stop
          yield* seen("ReconnectFailed", 3)
          assert.strictEqual(yield* Streams.talk(port(0), "nobody home"), " reset")
          const failed = events.find((event) => event._tag === "ConnectionFailed")
          reasonOf(failed?._tag === "ConnectionFailed" && failed.error, "ConnectionLost", { isRetryable: true })
          const attempts = events.flatMap((event) => (event._tag === "ReconnectFailed" ? [event.retryInMs] : []))
          assert.isTrue(
            attempts.every((delay) => delay >= 10 && delay <= 200),
            attempts.join()
          )
          yield* server.restart
          yield* seen("ListeningAgain")
          assert.strictEqual(yield* Streams.talk(port(0), "local"), "local end")
          assert.strictEqual(yield* Streams.talk(port(1), "remote"), "remote end")
        })
      )
    )

    it.effect("takes a port back from its own old session on the machine, as soon as the server gives that up", () =>
      leavesNothing(
        Effect.gen(function* () {
          const server = yield* OpenSshServer.make()
          const echo = yield* Streams.serve(Streams.echo)
          const path = `${server.tempDir}/there`
          const { clients, events, port, proxy, seen } = yield* keep(
            server,
            [
              ["remote", `0:127.0.0.1:${echo.port}`],
              ["remote", `${path}:127.0.0.1:${echo.port}`]
            ],
            { client: { connectTimeout: "2 seconds" } }
          )
          const session = yield* clients[0]?.exec(SshCommand.shell("echo $PPID")) ?? assert.fail("it is connected")
          yield* proxy.set("both", { swallow: true })
          yield* seen("Disconnected")
          yield* proxy.heal
          yield* seen("ListenFailed")
          const failed = events.find((event) => event._tag === "ListenFailed")
          if (failed?._tag === "ListenFailed") {
            assert.strictEqual(
              reasonOf(failed.error, "PortInUse", { isRetryable: true }).address,
              `localhost:${port(0)}`
            )
          }
          // The socket's file is its own, and needs no waiting.
          yield* seen("ListeningAgain")
          assert.strictEqual(yield* Streams.talk(path, "socket"), "socket end")
          yield* Effect.sync(() => process.kill(Number(session.stdout.text), "SIGKILL"))
          yield* seen("ListeningAgain", 2)
          assert.strictEqual(yield* Streams.talk(port(0), "port"), "port end")
        })
      )
    )

    it.effect("ends when waiting is of no use: the key is no longer accepted", () =>
      leavesNothing(
        Effect.gen(function* () {
          const server = yield* OpenSshServer.make()
          const { kept, port, tags } = yield* keep(server, [["local", `0:127.0.0.1:${server.port}`]])
          yield* Effect.sync(() => Fs.writeFileSync(`${server.homeDir}/.ssh/authorized_keys`, ""))
          yield* server.endSessions
          reasonOf(yield* Effect.flip(kept.ended), "AuthRejected", { isRetryable: false })
          const late = yield* Effect.result(Streams.talk(port(0), "too late"))
          assert.strictEqual(Result.isSuccess(late) ? late.success : " reset", " reset")
          assert.deepStrictEqual(tags().slice(0, 1), ["Disconnected"])
        })
      )
    )

    it.effect("leaves nothing behind when it fails at first, or is ended while it has no connection", () =>
      leavesNothing(
        Effect.gen(function* () {
          const server = yield* OpenSshServer.make()
          const taken = yield* Streams.serve(Streams.echo)
          const held = `${server.tempDir}/held`
          const local = ["local", `${held}:localhost:1`] as const
          const refused = yield* Effect.flip(keep(server, [local, ["remote", "/nowhere/socket:localhost:1"]]))
          assert.strictEqual(reasonOf(refused, "NotFound", { isRetryable: false }).path, "/nowhere")
          assert.isFalse(Fs.existsSync(held))
          const before = yield* server.connectionCount
          const inUse = yield* Effect.flip(keep(server, [local, ["local", `${taken.port}:localhost:1`]]))
          reasonOf(inUse, "PortInUse", { isRetryable: true })
          assert.isFalse(Fs.existsSync(held))
          assert.strictEqual(yield* server.connectionCount, before)
          const down = yield* Effect.flip(keep(server, [local], { faults: { welcome: "refuse" } }))
          reasonOf(down, "ConnectionRefused", { isRetryable: true })
          assert.isFalse(Fs.existsSync(held))
          yield* Effect.gen(function* () {
            const { proxy, seen } = yield* keep(server, [local])
            yield* proxy.welcome("stall")
            yield* proxy.cut("rst")
            yield* seen("Disconnected")
            yield* Effect.forkScoped(Effect.ignore(Streams.talk(held, "waits")))
            yield* Effect.sleep("100 millis")
          }).pipe(Effect.scoped)
          assert.isFalse(Fs.existsSync(held))
        })
      )
    )
  })
})
