/** File descriptors past the third. */
import { assert } from "@effect/vitest"
import { Effect, PlatformError, Sink, Stream } from "effect"
import { bytes, collect, fails, type Group, pieces, run, sameBytes, sh, soon, text } from "./machine.ts"

const broken = PlatformError.systemError({ _tag: "InvalidData", module: "Test", method: "read", description: "broken" })

export const descriptors: Group = (it, { descriptors = true, duplex = true, floodBytes = 8 * 1024 * 1024 }) => {
  if (!descriptors) {
    it.effect("can't be had, which it says", () =>
      fails(run(sh(":", [], { additionalFds: { fd3: { type: "output" } } })), "BadArgument")
    )
    return
  }

  it.effect("are written by the process and read here, every byte of them", () =>
    Effect.gen(function* () {
      const data = bytes(floodBytes)
      const additionalFds = { fd3: { type: "output" }, fd5: { type: "output" } } as const
      const handle = yield* sh("cat >&3; echo five >&5; echo out", [], { stdin: pieces(data), additionalFds })
      const [three, five, out] = yield* soon(
        Effect.all([collect(handle.getOutputFd(3)), collect(handle.getOutputFd(5)), collect(handle.stdout)], {
          concurrency: "unbounded"
        }),
        30_000
      )
      sameBytes(three, data)
      assert.deepStrictEqual([five.toString(), out.toString()], ["five\n", "out\n"])
      assert.strictEqual(Number(yield* soon(handle.exitCode)), 0)
    }).pipe(Effect.scoped)
  )

  it.effect("are read by the process, from a stream and from what is given to the sink", () =>
    Effect.gen(function* () {
      const data = bytes(Math.min(floodBytes, 300_000))
      const additionalFds = { fd3: { type: "input", stream: pieces(data) }, fd4: { type: "input" } } as const
      const handle = yield* sh("cat <&3; cat <&4 >&2", [], { additionalFds })
      yield* Stream.run(Stream.make(text("four")), handle.getInputFd(4))
      const [out, err] = yield* soon(
        Effect.all([collect(handle.stdout), collect(handle.stderr)], { concurrency: "unbounded" })
      )
      sameBytes(out, data)
      assert.strictEqual(err.toString(), "four")
    }).pipe(Effect.scoped)
  )

  it.effect("go through a sink of the caller's", () =>
    Effect.gen(function* () {
      const sink = Sink.map(Sink.collect<Uint8Array>(), (chunks) => text(`<${Buffer.concat(chunks).toString()}>`))
      const handle = yield* sh("printf inside >&3", [], { additionalFds: { fd3: { type: "output", sink } } })
      assert.strictEqual((yield* soon(collect(handle.getOutputFd(3)))).toString(), "<inside>")
    }).pipe(Effect.scoped)
  )

  it.effect("that were not asked for are empty, and take everything", () =>
    Effect.gen(function* () {
      const handle = yield* sh("cat", [], { stdin: "ignore" })
      assert.strictEqual((yield* collect(handle.getOutputFd(3))).length, 0)
      yield* Stream.run(Stream.make(text("lost")), handle.getInputFd(3))
      assert.strictEqual(Number(yield* soon(handle.exitCode)), 0)
    }).pipe(Effect.scoped)
  )

  it.effect("fail the process when the stream that it reads fails", () =>
    Effect.gen(function* () {
      const stream = Stream.concat(Stream.make(text("some")), Stream.fail(broken))
      const handle = yield* sh("cat <&3; exec sleep 600", [], { additionalFds: { fd3: { type: "input", stream } } })
      assert.deepStrictEqual(yield* soon(Effect.flip(handle.exitCode)), broken)
    }).pipe(Effect.scoped)
  )

  it.effect("go both ways, or say that they can't", () =>
    Effect.gen(function* () {
      const stream = Stream.make(text("question\n"))
      const command = sh('read -r l <&3; echo "<$l>" >&3', [], { additionalFds: { fd3: { type: "duplex", stream } } })
      if (!duplex) {
        yield* fails(run(command), "BadArgument")
        return
      }
      const handle = yield* command
      assert.strictEqual((yield* soon(collect(handle.getOutputFd(3)))).toString(), "<question>\n")
    }).pipe(Effect.scoped)
  )
}
