import { assert, it } from "@effect/vitest"
import { Effect, Redacted, Result, Schema } from "effect"
import * as RealPart from "@toehold/lab/RealPart"
import * as ChildProcess from "node:child_process"
import { describe as digestOf, specLine } from "../../src/internal/specLine.ts"
import * as JobSpec from "../../src/JobSpec.ts"

const Word = Schema.String.check(Schema.isPattern(/^[^\0]*$/))

/** What a shell makes of the line: the variable, and each word, with a NUL after each. */
const through = (shell: "dash" | "bash" | "busybox", line: string): ReadonlyArray<string> => {
  const program = RealPart.path(shell)
  const script = `IFS= read -r line; eval "$line"; printf '%s\\0' "$A" "$@"`
  const args = [...(shell === "busybox" ? ["sh"] : []), "-c", script]
  const out = ChildProcess.execFileSync(program, args, { input: `${line}\n`, encoding: "utf8" })
  return out.split("\0").slice(0, -1)
}

for (const shell of ["dash", "bash", "busybox"] as const) {
  RealPart.describeWith([shell], `specLine through ${shell}`, () => {
    it.prop(
      "hands over every word and value as it is, on one line",
      { words: Schema.Array(Word), value: Word },
      ({ value, words }) => {
        const line = specLine(JobSpec.argv(["x", ...words], { env: { A: Redacted.make(value) } }))
        assert(Result.isSuccess(line))
        assert.notInclude(line.success, "\n")
        assert.deepStrictEqual(
          through(shell, line.success),
          [value, "x", ...words].map((word) => word.toWellFormed())
        )
      },
      { arbitrary: { runs: 60 } }
    )
  })
}

const of = (env: JobSpec.Options["env"], word = "a") =>
  Effect.map(digestOf(JobSpec.argv(["x", word], { env })), ({ digest }) => digest)

it.effect("the digest of a command has no part of its secrets, and all of the rest", () =>
  Effect.gen(function* () {
    const first = yield* of({ A: "1", S: Redacted.make("one") })
    assert.strictEqual(yield* of({ S: Redacted.make("two"), A: "1" }), first)
    assert.notStrictEqual(yield* of({ A: "2", S: Redacted.make("one") }), first)
    assert.notStrictEqual(yield* of({ A: "1" }), first)
    assert.notStrictEqual(yield* of({ A: "1", S: Redacted.make("one") }, "b"), first)
  })
)
