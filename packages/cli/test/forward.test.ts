import { assert, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as Fs from "node:fs"
import * as Net from "node:net"
import { OpenSshServer } from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import { machineOf, sshd, withKey } from "./support/lab.ts"
import { start } from "./support/program.ts"

/** A server on 127.0.0.1 that greets, says back what it is told, and ends. */
const greeter = Effect.acquireRelease(
  Effect.callback<{ readonly server: Net.Server; readonly port: number }>((resume) => {
    const server = Net.createServer((socket) => void socket.on("error", () => {}).pipe(socket))
    server.listen(0, "127.0.0.1", () => {
      const bound = server.address()
      resume(Effect.succeed({ server, port: bound === null || typeof bound === "string" ? 0 : bound.port }))
    })
  }),
  ({ server }) => Effect.sync(() => void server.close())
).pipe(Effect.map(({ port }) => port))

/** What comes back through a port (or the path of a socket) for a text, or the code of the error. */
const talk = (to: number | string, text: string) =>
  Effect.callback<string>((resume) => {
    let got = ""
    const socket = Net.connect(typeof to === "number" ? { port: to, host: "127.0.0.1" } : { path: to })
    socket.on("data", (data) => (got += data.toString()))
    socket.once("end", () => resume(Effect.succeed(got)))
    socket.once("error", (error: NodeJS.ErrnoException) => resume(Effect.succeed(`${error.code}`)))
    socket.end(text)
    return Effect.sync(() => socket.destroy())
  })

const portOf = (listen: string): number => Number(listen.slice(listen.lastIndexOf(":") + 1))

interface Ready {
  readonly ready: boolean
  readonly kind: string
  readonly listen: string
  readonly to: string | null
}

describeWith(["sshd"], "toehold forward", () => {
  it.layer(sshd, { excludeTestServices: true })((it) => {
    it.effect("prints one ready line a forwarding when all are open, and ends with its interruption", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer
        const target = yield* greeter
        const socket = `${server.tempDir}/forwarded`
        const running = yield* start([
          "forward",
          machineOf(server),
          ...withKey(server),
          "--json",
          `-L0:127.0.0.1:${target}`,
          `-L${socket}:localhost:${target}`,
          "-D0",
          `-R0:127.0.0.1:${target}`
        ])
        const lines = (yield* running.lines(4)).map((line): Ready => JSON.parse(line))
        assert.deepStrictEqual(
          lines.map(({ kind, ready, to }) => ({ ready, kind, to })),
          [
            { ready: true, kind: "local", to: `127.0.0.1:${target}` },
            { ready: true, kind: "local", to: `localhost:${target}` },
            { ready: true, kind: "remote", to: `127.0.0.1:${target}` },
            { ready: true, kind: "dynamic", to: null }
          ]
        )
        const [first, second, third] = lines.map(({ listen }) => listen)
        assert.match(first ?? "", /^127\.0\.0\.1:\d+$/)
        assert.strictEqual(second, socket)
        assert.strictEqual(yield* talk(portOf(first ?? ""), "one"), "one")
        assert.strictEqual(yield* talk(socket, "two"), "two")
        assert.strictEqual(yield* talk(portOf(third ?? ""), "three"), "three")
        yield* Fiber.interrupt(running.fiber)
        assert.strictEqual(yield* talk(portOf(first ?? ""), "one"), "ECONNREFUSED")
        assert.strictEqual(yield* talk(portOf(third ?? ""), "one"), "ECONNREFUSED")
        assert.isFalse(Fs.existsSync(socket))
      })
    )
  })
})
