import * as NodeServices from "@effect/platform-node/NodeServices"
import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, FileSystem, Path, Stream } from "effect"
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as SerialPort from "@toehold/serial-runner/SerialPort"
import * as SerialTarget from "@toehold/serial-runner/SerialTarget"
import * as Fifos from "./support/fifos.ts"

const bytes = (text: string) => new TextEncoder().encode(text)

/** What a port brings until so many bytes are there. */
const take = (port: SerialPort.SerialPort["Service"], count: number) => {
  let left = count
  return port.input.pipe(
    Stream.takeUntil((chunk) => (left -= chunk.length) <= 0),
    Stream.runCollect,
    Effect.map((chunks) => Buffer.concat(chunks))
  )
}

const elapsed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const start = performance.now()
    return Effect.map(effect, () => performance.now() - start)
  })

const reasonOf = (target: SerialTarget.SerialTarget) =>
  Effect.map(Effect.flip(SerialPort.make(target)), ({ reason }) => reason)

const live = <A, E>(name: string, effect: () => Effect.Effect<A, E, Effect.Services<ReturnType<typeof Fifos.pair>>>) =>
  it.live(name, () => effect().pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

describe("a FIFO pair", () => {
  live("opens before the machine does, and carries every byte both ways", () =>
    Effect.gen(function* () {
      const pair = yield* Fifos.pair()
      const port = yield* SerialPort.make(SerialTarget.Fifo(pair))
      const machine = yield* Fifos.machine(pair)
      const all = Uint8Array.from({ length: 256 }, (_, value) => value)
      machine.print(all)
      expect(yield* take(port, 256)).toEqual(Buffer.from(all))
      yield* port.write(all)
      expect(yield* machine.read(256)).toEqual(Buffer.from(all))
    })
  )

  live("opens after the machine, under the names of Bonfire", () =>
    Effect.gen(function* () {
      const pair = yield* Fifos.pair()
      const { dirname, join } = yield* Path.Path
      const machine = yield* Fifos.machine(pair)
      machine.print(bytes("hello"))
      const directory = dirname(pair.output)
      Fs.symlinkSync(pair.output, join(directory, "vm-7.stdin"))
      Fs.symlinkSync(pair.input, join(directory, "vm-7.stdout"))
      const port = yield* SerialPort.make(SerialTarget.Bonfire({ directory, vmId: "vm-7" }))
      expect((yield* take(port, 5)).toString()).toBe("hello")
      yield* port.write(bytes("you"))
      expect((yield* machine.read(3)).toString()).toBe("you")
    })
  )

  live("waits for a full pipe, and loses nothing of it", () =>
    Effect.gen(function* () {
      const pair = yield* Fifos.pair()
      const port = yield* SerialPort.make(SerialTarget.Fifo(pair))
      const machine = yield* Fifos.machine(pair)
      const sent = Buffer.alloc(1_000_000, "0123456789abcdef")
      const writing = yield* Effect.forkChild(port.write(sent))
      yield* Effect.sleep("100 millis")
      expect(writing.pollUnsafe()).toBeUndefined()
      expect((yield* machine.read(sent.length)).equals(sent)).toBe(true)
      yield* Fiber.join(writing)
    })
  )

  live("sees the machine's end, which ends a write that waits too", () =>
    Effect.gen(function* () {
      const pair = yield* Fifos.pair()
      const port = yield* SerialPort.make(SerialTarget.Fifo(pair))
      const machine = yield* Fifos.machine(pair)
      machine.print(bytes("last words"))
      const writing = yield* Effect.forkChild(Effect.flip(port.write(new Uint8Array(1_000_000))))
      yield* Effect.sleep("50 millis")
      yield* machine.end
      const error = yield* Effect.flip(Stream.runDrain(port.input))
      expect(error.reason).toMatchObject({ _tag: "PortClosed", detail: "the other side is gone" })
      expect((yield* Fiber.join(writing)).reason._tag).toBe("PortClosed")
      expect((yield* Effect.flip(port.write(bytes("x")))).reason._tag).toBe("PortClosed")
      expect((yield* port.closed).reason._tag).toBe("PortClosed")
    })
  )

  live("closes at once with a read under way, eight of them, and holds up no file work meanwhile", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const closing = yield* Effect.scoped(
        Effect.gen(function* () {
          for (let port = 0; port < 8; port++) {
            const pair = yield* Fifos.pair()
            const opened = yield* SerialPort.make(SerialTarget.Fifo(pair))
            yield* Fifos.machine(pair)
            yield* Effect.forkScoped(Effect.ignore(Stream.runDrain(opened.input)))
          }
          yield* Effect.sleep("50 millis")
          expect(yield* elapsed(fs.readFile("/proc/self/status"))).toBeLessThan(1000)
          return performance.now()
        })
      )
      expect(performance.now() - closing).toBeLessThan(1000)
    })
  )

  live("that is none is missing, with why", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const pair = yield* Fifos.pair()
      expect(yield* reasonOf(SerialTarget.Fifo({ ...pair, output: `${pair.output}.gone` }))).toMatchObject({
        _tag: "PortMissing",
        detail: "there is no such file"
      })
      const file = yield* fs.makeTempFileScoped()
      expect(yield* reasonOf(SerialTarget.Fifo({ ...pair, input: file }))).toMatchObject({
        _tag: "PortMissing",
        detail: `${file} is no FIFO`
      })
      expect(yield* reasonOf(SerialTarget.Tty({ path: "/dev/null" }))).toMatchObject({ _tag: "PortMissing" })
      expect(yield* reasonOf(SerialTarget.Unix({ path: `${pair.output}.gone` }))).toMatchObject({ _tag: "PortMissing" })
      expect(yield* reasonOf(SerialTarget.Tcp({ host: "127.0.0.1", port: 1 }))).toMatchObject({
        _tag: "PortMissing",
        detail: "nobody listens there"
      })
    })
  )
})

describe("a socket", () => {
  live("echoes over TCP and over a unix socket, and ends with its server", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped()
      for (const path of [undefined, `${folder}/console`]) {
        const sockets = new Set<Net.Socket>()
        const server = Net.createServer((socket) => {
          sockets.add(socket)
          socket.pipe(socket)
        })
        yield* Effect.callback<void>((resume) => {
          if (path === undefined) server.listen(0, "127.0.0.1", () => resume(Effect.void))
          else server.listen(path, () => resume(Effect.void))
        })
        const address = server.address()
        const target =
          path === undefined && address !== null && typeof address === "object"
            ? SerialTarget.Tcp({ host: "127.0.0.1", port: address.port })
            : SerialTarget.Unix({ path: path ?? "" })
        const port = yield* SerialPort.make(target)
        yield* port.write(bytes("over there"))
        expect((yield* take(port, 10)).toString()).toBe("over there")
        server.close()
        for (const socket of sockets) socket.destroy()
        expect((yield* port.closed).reason._tag).toBe("PortClosed")
      }
    })
  )
})

describe("a command's standard input and output", () => {
  live("are a port that ends with the command", () =>
    Effect.gen(function* () {
      const port = yield* SerialPort.fromCommand("sh", ["-c", "read line; echo got $line; read line; exit 3"])
      yield* port.write(bytes("one\n"))
      expect((yield* take(port, 8)).toString()).toBe("got one\n")
      yield* port.write(bytes("two\n"))
      expect((yield* port.closed).reason).toMatchObject({ _tag: "PortClosed", detail: "it ended with 3" })
    })
  )
})

describe("pacing", () => {
  live("sends so many bytes, then rests", () =>
    Effect.gen(function* () {
      const pair = yield* Fifos.pair()
      const port = yield* SerialPort.make(SerialTarget.Fifo(pair), { pacing: { bytes: 10, delay: "20 millis" } })
      const machine = yield* Fifos.machine(pair)
      const done = yield* Deferred.make<number>()
      yield* Effect.forkChild(
        Effect.flatMap(elapsed(port.write(new Uint8Array(100))), (ms) => Deferred.succeed(done, ms))
      )
      yield* machine.read(100)
      expect(yield* Deferred.await(done)).toBeGreaterThan(9 * 20 - 20)
    })
  )
})
