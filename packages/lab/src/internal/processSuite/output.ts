/** What a process prints. */
import { assert } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { collect, fails, type Group, lineReader, run, sh, soon } from "./machine.ts"

export const output: Group = (it, { concurrency = 24, floodBytes = 8 * 1024 * 1024, inherit = true }) => {
  it.effect("keeps stdout and stderr apart, and every byte of them", () =>
    Effect.gen(function* () {
      const everyByte = Buffer.from(Uint8Array.from({ length: 256 }, (_, index) => index))
      const octal = [...everyByte].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("")
      const { exitCode, stderr, stdout } = yield* run(sh(`printf '${octal}'; printf 'e${octal}' >&2; exit 4`))
      assert.isTrue(stdout.equals(everyByte))
      assert.isTrue(stderr.equals(Buffer.concat([Buffer.from("e"), everyByte])))
      assert.strictEqual(exitCode, 4)
    })
  )

  it.effect("has both in one stream as well", () =>
    Effect.gen(function* () {
      const handle = yield* sh("echo out; echo err >&2; exit 1")
      const lines = (yield* soon(collect(handle.all))).toString().split("\n").filter(Boolean)
      assert.sameMembers(lines, ["out", "err"])
    }).pipe(Effect.scoped)
  )

  it.effect("passes a flood on either of them, and both at once", () =>
    Effect.gen(function* () {
      const flood = `head -c ${floodBytes} /dev/zero`
      for (const [script, out, err] of [
        [flood, floodBytes, 0],
        [`${flood} >&2`, 0, floodBytes],
        [`${flood} & ${flood} >&2; wait`, floodBytes, floodBytes],
        [`${flood} >&2; ${flood}`, floodBytes, floodBytes]
      ] as const) {
        const { exitCode, stderr, stdout } = yield* run(sh(script))
        assert.deepStrictEqual([exitCode, stdout.length, stderr.length], [0, out, err], script)
      }
    })
  )

  it.effect("streams what is printed as it is printed", () =>
    Effect.gen(function* () {
      const handle = yield* sh("echo one; sleep 0.3; echo two; exec sleep 600")
      const { next } = yield* lineReader(handle.stdout)
      assert.strictEqual(yield* soon(next), "one")
      assert.strictEqual(yield* soon(next), "two")
      assert.isTrue(yield* handle.isRunning)
    }).pipe(Effect.scoped)
  )

  it.effect("knows the exit code though nobody reads the output", () =>
    Effect.gen(function* () {
      const handle = yield* sh("echo unread; echo unread >&2; exit 9")
      assert.strictEqual(Number(yield* soon(handle.exitCode)), 9)
      assert.strictEqual((yield* soon(collect(handle.stderr))).toString(), "unread\n")
      assert.strictEqual((yield* soon(collect(handle.stdout))).toString(), "unread\n")
    }).pipe(Effect.scoped)
  )

  it.effect("ends one stream while nobody reads the other", () =>
    Effect.gen(function* () {
      const handle = yield* sh("head -c 30000 /dev/zero >&2; echo done")
      assert.strictEqual((yield* soon(collect(handle.stdout))).toString(), "done\n")
      assert.strictEqual((yield* soon(collect(handle.stderr))).length, 30_000)
    }).pipe(Effect.scoped)
  )

  it.effect("holds a flood back while nobody reads", () =>
    Effect.gen(function* () {
      const handle = yield* sh(`head -c ${64 * 1024 * 1024} /dev/zero; echo past the flood >&2`)
      const { next } = yield* lineReader(handle.stderr)
      const early = yield* Effect.timeoutOption(next, "500 millis")
      assert.strictEqual(early._tag, "None")
      assert.isTrue(yield* handle.isRunning)
    }).pipe(Effect.scoped)
  )

  it.effect("throws away what is ignored", () =>
    Effect.gen(function* () {
      const script = `head -c ${floodBytes} /dev/zero; echo err >&2`
      const { stderr, stdout } = yield* run(sh(script, [], { stdout: "ignore" }))
      assert.deepStrictEqual([stdout.length, stderr.toString()], [0, "err\n"])
      assert.strictEqual(
        (yield* run(sh("echo out; echo err >&2", [], { stderr: { stream: "ignore" } }))).stderr.length,
        0
      )
    })
  )

  it.effect("shares the streams of the caller, or says that it can't", () =>
    Effect.gen(function* () {
      for (const option of [{ stdin: "inherit" }, { stdout: "inherit" }, { stderr: "inherit" }] as const) {
        const ran = run(ChildProcess.make("true", [], option))
        if (inherit) assert.strictEqual((yield* ran).exitCode, 0)
        else assert.match((yield* fails(ran, "BadArgument")).message, /inherit/)
      }
    })
  )

  it.effect("is a text, lines, a stream of lines or an exit code", () =>
    Effect.gen(function* () {
      const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
      const command = sh("echo é1; echo err >&2; printf '2\\n\\n3'; exit 5")
      assert.strictEqual(yield* spawner.string(command), "é1\n2\n\n3")
      assert.deepStrictEqual(yield* spawner.lines(command), ["é1", "2", "", "3"])
      assert.deepStrictEqual(yield* Stream.runCollect(spawner.streamLines(command)), ["é1", "2", "", "3"])
      assert.include(yield* spawner.string(command, { includeStderr: true }), "err\n")
      assert.strictEqual(Number(yield* spawner.exitCode(command)), 5)
      const flood = `head -c ${floodBytes} /dev/zero >&2; echo end`
      assert.strictEqual(yield* spawner.string(sh(flood)), "end\n")
      assert.strictEqual(Number(yield* spawner.exitCode(sh(`${flood}; exit 3`))), 3)
      assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(spawner.streamLines(sh("yes")), 2)), ["y", "y"])
    })
  )

  it.effect("is everyone's own where many run at once", () =>
    Effect.gen(function* () {
      const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
      const numbers = Array.from({ length: concurrency }, (_, index) => index)
      const texts = yield* Effect.forEach(
        numbers,
        (number) => spawner.string(sh('sleep 0.1; echo "$1"', [`${number}`])),
        {
          concurrency: "unbounded"
        }
      )
      assert.deepStrictEqual(
        texts,
        numbers.map((number) => `${number}\n`)
      )
    })
  )
}
