/** What is started, and with which words. */
import { assert } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import * as Arbitrary from "effect/Arbitrary"
import { ChildProcess } from "effect/process"
import { type Group, run, sh } from "./machine.ts"

/** What some shell or other reads as more than itself. */
const hard: ReadonlyArray<string> = [
  "a\nb",
  "\n",
  "\n\n",
  "trailing\n",
  "a\r\nb",
  "'",
  "''",
  "'\"'",
  '"',
  "!",
  "!!",
  "!x'y",
  "$HOME",
  "${IFS}",
  "$(id)",
  "`id`",
  "\\",
  "\\\\",
  "\\'",
  "\\n",
  "%s%n",
  "\t",
  "",
  " ",
  "-n",
  "--",
  "*",
  "/*",
  "~",
  "~root",
  "^a^b",
  "#c",
  "a=b",
  "é\u{1f600}\u0081\u2028",
  "a;b&c|d>e<f(g){h}[i]?"
]

const everyCharacter = Array.from({ length: 255 }, (_, index) => String.fromCharCode(index + 1)).join("")

const argument = Schema.String.pipe(Schema.check(Schema.isPattern(/^[^\0]*$/)))

export const words: Group = (it, { argumentRuns = 40 }) => {
  const arrive = Effect.fnUntraced(function* (given: ReadonlyArray<string>) {
    const { exitCode, stderr, text } = yield* run(ChildProcess.make("printf", ["%s\\0", "", ...given]))
    assert.strictEqual(text, ["", ...given].map((word) => `${word.toWellFormed()}\0`).join(""))
    assert.strictEqual(stderr.toString(), "")
    assert.strictEqual(exitCode, 0)
    return true
  })

  it.effect("hands over arguments exactly as they are", () =>
    Effect.gen(function* () {
      yield* arrive([])
      yield* arrive(hard)
      yield* arrive([everyCharacter, [...everyCharacter].toReversed().join("")])
    })
  )

  it.effect("hands over whatever arguments", () =>
    Effect.gen(function* () {
      const checked = yield* Arbitrary.checkEffect(Arbitrary.schema(Schema.Array(argument)), arrive, {
        runs: argumentRuns
      })
      assert.strictEqual(checked._tag, "Passed", Arbitrary.formatCheckFailure(checked))
    })
  )

  it.effect("hands over long and many arguments", () =>
    Effect.gen(function* () {
      const long = "x".repeat(100_000)
      assert.strictEqual((yield* run(sh('printf %s "$1"', [long]))).text, long)
      const many = Array.from({ length: 3000 }, (_, index) => `argument ${index}`)
      assert.strictEqual(
        (yield* run(sh('printf %s "$#:$3000"; shift 2999; printf ":%s" "$1"', many))).text.split(":").at(-1),
        many.at(-1)
      )
    })
  )

  it.effect("hands over secret arguments, and shows none in an error", () =>
    Effect.gen(function* () {
      const secret = Redacted.make("hunter2 '\n")
      assert.strictEqual((yield* run(ChildProcess.make("printf", ["%s", secret]))).text, "hunter2 '\n")
      const error = yield* Effect.flip(run(ChildProcess.make("/no/such/program", [secret])))
      assert.notInclude(JSON.stringify(error) + String(error), "hunter2")
    })
  )

  it.effect("finds a program by its name, and by its path", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* run(ChildProcess.make("echo", ["found"]))).text, "found\n")
      assert.strictEqual((yield* run(ChildProcess.make("/bin/echo", ["found"]))).text, "found\n")
      assert.strictEqual((yield* run(ChildProcess.make("./echo", ["found"], { cwd: "/bin" }))).text, "found\n")
      // A word of the shell's own is no program.
      assert.strictEqual((yield* Effect.flip(run(ChildProcess.make("exit", ["7"])))).reason._tag, "NotFound")
      assert.strictEqual((yield* run(ChildProcess.make`echo ${"one word"} two`)).text, "one word two\n")
    })
  )

  it.effect("runs a script by the machine's shell, or by the one that is named", () =>
    Effect.gen(function* () {
      const script = "for i in 1 2; do echo \"$i\" # comment\ndone; cat <<'E'\nhere\nE\nexit 3"
      for (const shell of [true, "/bin/sh"]) {
        const { exitCode, text } = yield* run(ChildProcess.make(script, { shell }))
        assert.strictEqual(text, "1\n2\nhere\n")
        assert.strictEqual(exitCode, 3)
      }
      assert.strictEqual((yield* run(ChildProcess.make("echo", ["$HOME;"], { shell: false }))).text, "$HOME;\n")
    })
  )
}
