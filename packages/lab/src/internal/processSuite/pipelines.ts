/** Processes of which one reads what another prints. */
import { assert } from "@effect/vitest"
import { Effect, Exit, Scope, Stream } from "effect"
import { ChildProcess } from "effect/process"
import { awaitGone, bytes, collect, fails, type Group, pieces, run, sameBytes, sh, soon, text } from "./machine.ts"

export const pipelines: Group = (it, { descriptors = true, floodBytes = 8 * 1024 * 1024 }) => {
  it.effect("joins two and three", () =>
    Effect.gen(function* () {
      const echo = ChildProcess.make("printf", ["b\\nc\\na\\n"])
      const two = echo.pipe(ChildProcess.pipeTo(ChildProcess.make("sort")))
      assert.strictEqual((yield* soon(run(two))).text, "a\nb\nc\n")
      const three = two.pipe(ChildProcess.pipeTo(ChildProcess.make("head", ["-n", "1"])))
      assert.strictEqual((yield* soon(run(three))).text, "a\n")
      const right = ChildProcess.make("sort").pipe(ChildProcess.pipeTo(ChildProcess.make("tail", ["-n", "1"])))
      assert.strictEqual((yield* soon(run(ChildProcess.pipeTo(echo, right)))).text, "c\n")
    })
  )

  it.effect("passes a flood on, every byte of it", () =>
    Effect.gen(function* () {
      const data = bytes(floodBytes)
      const pipeline = ChildProcess.make("cat", [], { stdin: pieces(data) }).pipe(
        ChildProcess.pipeTo(ChildProcess.make("cat")),
        ChildProcess.pipeTo(ChildProcess.make("cat"))
      )
      sameBytes((yield* soon(run(pipeline), 30_000)).stdout, data)
    })
  )

  it.effect("ends when the last one has enough", () =>
    Effect.gen(function* () {
      const pipeline = ChildProcess.make("yes").pipe(ChildProcess.pipeTo(ChildProcess.make("head", ["-n", "2"])))
      const { exitCode, text } = yield* soon(run(pipeline))
      assert.deepStrictEqual([exitCode, text], [0, "y\ny\n"])
    })
  )

  it.effect("has the input of the first, and the outputs, id and exit code of the last", () =>
    Effect.gen(function* () {
      const last = sh("echo $$ >&2; cat; exit 4")
      const handle = yield* sh("cat; exit 3").pipe(ChildProcess.pipeTo(sh("cat; exit 5")), ChildProcess.pipeTo(last))
      yield* Stream.run(Stream.make(text("through all\n")), handle.stdin)
      const [stdout, stderr, exitCode] = yield* soon(
        Effect.all([collect(handle.stdout), collect(handle.stderr), handle.exitCode], { concurrency: "unbounded" })
      )
      assert.strictEqual(stdout.toString(), "through all\n")
      assert.strictEqual(stderr.toString(), `${handle.pid}\n`)
      assert.strictEqual(Number(exitCode), 4)
    }).pipe(Effect.scoped)
  )

  it.effect("takes stderr, or both outputs, of the one before", () =>
    Effect.gen(function* () {
      const both = sh("echo out; echo err >&2")
      const sorted = ChildProcess.make("sort")
      const joined = (from: ChildProcess.PipeFromOption) =>
        Effect.map(soon(run(ChildProcess.pipeTo(both, sorted, { from }))), ({ text }) => text)
      assert.strictEqual(yield* joined("stdout"), "out\n")
      assert.strictEqual(yield* joined("stderr"), "err\n")
      assert.strictEqual(yield* joined("all"), "err\nout\n")
    })
  )

  it.effect("gives each its own folder and variables", () =>
    Effect.gen(function* () {
      const first = sh('pwd; echo "$A"', [], { cwd: "/", env: { A: "1" }, extendEnv: true })
      const second = sh('cat; pwd; echo "$A"', [], { cwd: "/tmp", env: { A: "2" }, extendEnv: true })
      assert.strictEqual((yield* soon(run(ChildProcess.pipeTo(first, second)))).text, "/\n1\n/tmp\n2\n")
    })
  )

  it.effect("is killed, and ends with its scope, as a whole", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const wait = sh("echo $$; cat; exec sleep 600")
      const handle = yield* Scope.provide(wait.pipe(ChildProcess.pipeTo(wait), ChildProcess.pipeTo(wait)), scope)
      const pids: Array<number> = []
      yield* soon(
        Stream.runForEachWhile(Stream.splitLines(Stream.decodeText(handle.stdout)), (line) =>
          Effect.sync(() => pids.push(Number.parseInt(line, 10)) < 3)
        )
      )
      yield* soon(Scope.close(scope, Exit.void))
      yield* soon(awaitGone(pids))
      const other = yield* ChildProcess.make("cat").pipe(ChildProcess.pipeTo(ChildProcess.make("cat")))
      yield* soon(other.kill())
      yield* soon(awaitGone([other.pid]))
    }).pipe(Effect.scoped)
  )

  it.effect("is not begun where one of them can't be", () =>
    Effect.gen(function* () {
      const nothing = ChildProcess.make("no-such-program")
      yield* fails(soon(run(ChildProcess.pipeTo(ChildProcess.make("cat"), nothing))), "NotFound")
      yield* fails(soon(run(ChildProcess.pipeTo(nothing, ChildProcess.make("cat")))), "NotFound")
    })
  )

  if (descriptors) {
    it.effect("joins further file descriptors as well", () =>
      Effect.gen(function* () {
        const source = sh("echo three >&3; echo out", [], { additionalFds: { fd3: { type: "output" } } })
        const fromThree = ChildProcess.pipeTo(source, ChildProcess.make("cat"), { from: "fd3" })
        assert.strictEqual((yield* soon(run(fromThree))).text, "three\n")
        const target = sh("cat <&4; cat", [], { stdin: Stream.make(text("stdin\n")) })
        const toFour = ChildProcess.pipeTo(sh("echo four"), target, { to: "fd4" })
        assert.strictEqual((yield* soon(run(toFour))).text, "four\nstdin\n")
        const both = ChildProcess.pipeTo(source, sh("cat <&5"), { from: "fd3", to: "fd5" })
        assert.strictEqual((yield* soon(run(both))).text, "three\n")
      })
    )
  }
}
