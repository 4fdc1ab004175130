import * as NodeServices from "@effect/platform-node/NodeServices"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, Scope, Stream } from "effect"
import * as Fs from "node:fs"
import * as SerialConsole from "@toehold/serial-runner/SerialConsole"
import * as SerialHub from "@toehold/serial-runner/SerialHub"
import { SerialPort } from "@toehold/serial-runner/SerialPort"
import * as Port from "@toehold/serial-runner/SerialPort"
import * as SerialTarget from "@toehold/serial-runner/SerialTarget"
import * as Fifos from "./support/fifos.ts"

const bytes = (text: string) => new TextEncoder().encode(text)

const open = Effect.fnUntraced(function* (options?: SerialConsole.Options) {
  const pair = yield* Fifos.pair()
  const machine = yield* Fifos.machine(pair)
  const port = yield* Port.make(SerialTarget.Fifo(pair))
  const console = yield* Effect.provideService(SerialConsole.make(options), SerialPort, port)
  /** Prints, and waits until the console has it. */
  const print = Effect.fnUntraced(function* (text: string) {
    const before = yield* console.offset
    machine.print(bytes(text))
    while ((yield* console.offset) < before + text.length) yield* Effect.sleep("2 millis")
  })
  return { machine, console, print, pair }
})

const text = (pieces: ReadonlyArray<SerialConsole.Piece>) => Buffer.concat(pieces.map(({ data }) => data)).toString()

const live = <A, E>(name: string, effect: () => Effect.Effect<A, E, Effect.Services<ReturnType<typeof Fifos.pair>>>) =>
  it.live(name, () => effect().pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

describe("readers", () => {
  live("get what comes, and what came before from any offset", () =>
    Effect.gen(function* () {
      const { console, print } = yield* open()
      yield* print("hello ")
      const early = yield* Effect.forkChild(Stream.runCollect(Stream.take(console.output(), 1)))
      yield* Effect.sleep("20 millis")
      yield* print("world")
      expect(text(yield* Fiber.join(early))).toBe("world")
      const again = yield* Stream.runCollect(Stream.take(console.output(3), 1))
      expect(again[0]?.offset).toBe(3)
      expect(text(again)).toBe("lo world")
    })
  )

  live("see a gap in the offsets where they were too slow", () =>
    Effect.gen(function* () {
      const { console, print } = yield* open({ replayBytes: 8 })
      yield* print("0123456789")
      const [piece] = yield* Stream.runCollect(Stream.take(console.output(0), 1))
      expect(piece).toMatchObject({ offset: 2 })
      expect(Buffer.from(piece?.data ?? []).toString()).toBe("23456789")
    })
  )

  live("end with the machine, after its last words", () =>
    Effect.gen(function* () {
      const { console, machine, print } = yield* open()
      yield* print("bye")
      yield* machine.end
      const seen: Array<string> = []
      const error = yield* console.output(0).pipe(
        Stream.runForEach(({ data }) => Effect.sync(() => seen.push(Buffer.from(data).toString()))),
        Effect.flip
      )
      expect(error.reason._tag).toBe("PortClosed")
      expect(seen.join("")).toBe("bye")
    })
  )
})

describe("writers", () => {
  live("take turns; typing waits, or is refused, as told, and everything says who it was", () =>
    Effect.gen(function* () {
      const { console, machine } = yield* open()
      const log = yield* Effect.forkChild(Stream.runCollect(Stream.take(console.typed, 2)))
      yield* Effect.sleep("10 millis")
      const scope = yield* Scope.make()
      const turn = yield* Scope.provide(console.turn("the bootstrap"), scope)
      expect(yield* console.holder).toBe("the bootstrap")
      const waiting = yield* Effect.forkChild(console.type("anna", bytes("after")))
      const refused = yield* Effect.flip(console.type("bob", bytes("no"), "refuse"))
      expect(refused.reason).toMatchObject({ _tag: "PortBusy", owner: "the bootstrap" })
      yield* turn.write(bytes("before "))
      yield* Scope.close(scope, yield* Effect.exit(Effect.void))
      yield* Fiber.join(waiting)
      expect((yield* machine.read(12)).toString()).toBe("before after")
      expect((yield* Fiber.join(log)).map(({ by, bytes }) => [by, bytes])).toEqual([
        ["the bootstrap", 7],
        ["anna", 5]
      ])
    })
  )
})

describe("a terminal's answers", () => {
  live("come from the console once, unless a terminal is attached or a command runs", () =>
    Effect.gen(function* () {
      const { console, machine, print } = yield* open()
      yield* print("\u001b[6n")
      expect((yield* machine.read(6)).toString()).toBe("\u001b[1;1R")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const first = yield* console.attachTerminal
          const second = yield* console.attachTerminal
          expect([yield* first.isFirst, yield* second.isFirst]).toEqual([true, false])
          yield* print("\u001b[6n")
        })
      )
      yield* Effect.scoped(Effect.andThen(console.turn("a command"), print("\u001b[5n")))
      yield* print("\u001b[5n")
      expect((yield* machine.read(4)).toString()).toBe("\u001b[0n")
    })
  )
})

describe("the hub", () => {
  live("gives every caller the same console, and opens it anew when nobody is left", () =>
    Effect.gen(function* () {
      const pair = yield* Fifos.pair()
      yield* Fifos.machine(pair)
      const hub = yield* SerialHub.make()
      const first = yield* Effect.scoped(
        Effect.gen(function* () {
          const one = yield* hub.console(SerialTarget.Fifo(pair))
          const two = yield* hub.console(SerialTarget.Fifo(pair))
          expect(two).toBe(one)
          return one
        })
      )
      expect(yield* Effect.scoped(hub.console(SerialTarget.Fifo(pair)))).not.toBe(first)
    })
  )

  live("refuses a port that another process has, and takes over one that a dead process had", () =>
    Effect.gen(function* () {
      const pair = yield* Fifos.pair()
      const hub = yield* SerialHub.make()
      const lock = `${pair.output}.toehold-lock`
      Fs.writeFileSync(lock, `${process.ppid} \n`)
      const error = yield* Effect.flip(Effect.scoped(hub.console(SerialTarget.Fifo(pair))))
      expect(error.reason).toMatchObject({ _tag: "PortBusy", owner: `process ${process.ppid}` })
      Fs.writeFileSync(lock, `${process.pid} 1\n`)
      yield* Effect.scoped(hub.console(SerialTarget.Fifo(pair)))
      expect(Fs.existsSync(lock)).toBe(false)
    })
  )
})
