/** What a process reads. */
import { assert } from "@effect/vitest"
import { Effect, Fiber, PlatformError, Sink, Stream } from "effect"
import { ChildProcess } from "effect/process"
import {
  bytes,
  collect,
  drain,
  fails,
  type Group,
  lineReader,
  pieces,
  run,
  sameBytes,
  sh,
  soon,
  text
} from "./machine.ts"

const broken = PlatformError.systemError({ _tag: "InvalidData", module: "Test", method: "read", description: "broken" })

export const input: Group = (it, { floodBytes = 8 * 1024 * 1024 }) => {
  it.effect("reads a stream to its end, every byte of it", () =>
    Effect.gen(function* () {
      const all = Uint8Array.from({ length: 256 * 300 }, (_, index) => index)
      for (const data of [new Uint8Array(0), text("one line\n"), text("no end of line"), all]) {
        sameBytes((yield* run(ChildProcess.make("cat", [], { stdin: pieces(data) }))).stdout, data)
      }
    })
  )

  it.effect("reads a big stream, as fast as it comes back", () =>
    Effect.gen(function* () {
      const data = bytes(floodBytes)
      const { exitCode, stdout } = yield* run(ChildProcess.make("cat", [], { stdin: pieces(data) }))
      assert.strictEqual(exitCode, 0)
      sameBytes(stdout, data)
    })
  )

  it.effect("reads what is given to its sink, and its end with it", () =>
    Effect.gen(function* () {
      const handle = yield* ChildProcess.make("cat")
      yield* Stream.run(Stream.make(text("to "), text("the sink")), handle.stdin)
      assert.strictEqual((yield* soon(collect(handle.stdout))).toString(), "to the sink")
      assert.strictEqual(Number(yield* handle.exitCode), 0)
    }).pipe(Effect.scoped)
  )

  it.effect("answers while it reads", () =>
    Effect.gen(function* () {
      const handle = yield* sh('while read -r l; do echo "<$l>"; done', [], {
        stdin: { stream: "pipe", endOnDone: false }
      })
      const { next } = yield* lineReader(handle.stdout)
      for (const word of ["one", "two", "three"]) {
        yield* Stream.run(Stream.make(text(`${word}\n`)), handle.stdin)
        assert.strictEqual(yield* soon(next), `<${word}>`)
      }
      assert.isTrue(yield* handle.isRunning)
    }).pipe(Effect.scoped)
  )

  it.effect("waits for input that nobody has given yet, and has none where it is ignored", () =>
    Effect.gen(function* () {
      const waiting = yield* ChildProcess.make("cat")
      const ended = yield* Effect.timeoutOption(waiting.exitCode, "300 millis")
      assert.strictEqual(ended._tag, "None")
      assert.isTrue(yield* waiting.isRunning)
      assert.strictEqual((yield* soon(run(ChildProcess.make("cat", [], { stdin: "ignore" })))).text, "")
    }).pipe(Effect.scoped)
  )

  it.effect("fails when the stream that it reads fails", () =>
    Effect.gen(function* () {
      const stdin = Stream.concat(Stream.make(text("some\n")), Stream.fail(broken))
      const handle = yield* sh("cat; exec sleep 600", [], { stdin })
      const error = yield* soon(Effect.flip(handle.exitCode))
      assert.deepStrictEqual(error, broken)
    }).pipe(Effect.scoped)
  )

  it.effect("ends when it wants no more, though its input goes on", () =>
    Effect.gen(function* () {
      const endless = Stream.forever(Stream.make(bytes(10_000)))
      const { exitCode, stdout } = yield* soon(run(ChildProcess.make("head", ["-c", "5"], { stdin: endless })))
      assert.strictEqual(exitCode, 0)
      assert.strictEqual(stdout.length, 5)
    })
  )

  it.effect("fails a writer when it has ended", () =>
    Effect.gen(function* () {
      const handle = yield* ChildProcess.make("true", [], { stdin: { stream: "pipe", endOnDone: false } })
      assert.strictEqual(Number(yield* soon(handle.exitCode)), 0)
      yield* fails(soon(Stream.run(Stream.forever(Stream.make(bytes(10_000))), handle.stdin)), "Unknown")
    }).pipe(Effect.scoped)
  )

  it.effect("holds a fast writer back while it reads nothing", () =>
    Effect.gen(function* () {
      const handle = yield* sh("read -r go; cat >/dev/null", [], { stdin: { stream: "pipe", endOnDone: false } })
      yield* drain(handle)
      let written = 0
      const flood = Stream.tap(Stream.forever(Stream.make(new Uint8Array(64 * 1024))), () =>
        Effect.sync(() => {
          written += 64 * 1024
        })
      )
      const writer = yield* Effect.forkChild(Effect.ignore(Stream.run(flood, handle.stdin)))
      yield* Effect.sleep("500 millis")
      assert.isBelow(written, 64 * 1024 * 1024)
      yield* Fiber.interrupt(writer)
    }).pipe(Effect.scoped)
  )

  it.effect("gives a sink of the caller's what it prints", () =>
    Effect.gen(function* () {
      const upper = Sink.map(Sink.collect<Uint8Array>(), (chunks) =>
        text(Buffer.concat(chunks).toString().toUpperCase())
      )
      const { stderr, stdout } = yield* run(
        sh("echo out; echo err >&2", [], { stdout: upper, stderr: { stream: upper } })
      )
      assert.strictEqual(stdout.toString(), "OUT\n")
      assert.strictEqual(stderr.toString(), "ERR\n")
    })
  )
}
