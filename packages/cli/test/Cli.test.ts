import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { parseArguments } from "../src/internal/parseArguments.ts"
import { root } from "../src/internal/tree.ts"
import type { CommandSpec } from "../src/internal/commandSpec.ts"
import { toehold, toeholdJson } from "./support/program.ts"

const fails = (...words: ReadonlyArray<string>) =>
  Effect.map(toehold(words), ({ exitCode, stderr, stdout }) => {
    assert.deepStrictEqual([exitCode, stdout], [64, ""], words.join(" "))
    return stderr
  })

describe("toehold", () => {
  it.effect("tells its version and shows its help on standard output", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* toehold(["--version"]), { exitCode: 0, stdout: "1.2.3\n", stderr: "" })
      for (const words of [[], ["--help"], ["-h"], ["help"]]) {
        const { exitCode, stderr, stdout } = yield* toehold(words)
        assert.deepStrictEqual([exitCode, stderr], [0, ""])
        assert.include(stdout, "exec        Run a command on a machine")
      }
    })
  )

  const everyCommand = (command: CommandSpec, path: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> => [
    path,
    ...(command.children ?? []).flatMap((child) => everyCommand(child, [...path, child.name]))
  ]

  it.effect("explains every command, with examples where there are some", () =>
    Effect.gen(function* () {
      for (const path of everyCommand(root, [])) {
        const { exitCode, stdout } = yield* toehold([...path, "--help"])
        assert.strictEqual(exitCode, 0)
        assert.include(stdout, `  ${["toehold", ...path].join(" ")} `)
        assert.isTrue(
          stdout.split("\n").every((line) => line.length <= 160),
          `${path.join(" ")} has long lines`
        )
      }
    })
  )

  it("has examples that its own parser takes", () => {
    const examples = (command: CommandSpec): ReadonlyArray<string> => [
      ...(command.examples ?? []).map((example) => example.command),
      ...(command.children ?? []).flatMap(examples)
    ]
    for (const example of examples(root)) {
      const line = example.replace(/^source <\((.*)\)$/, "$1").replace(/ [|>] [^']*$/, "")
      const words = (line.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replaceAll("'", ""))
      assert.isTrue(Result.isSuccess(parseArguments(root, words.slice(1))), example)
    }
  })

  it.effect("answers a wrong command line with what was meant, on standard error, with 64", () =>
    Effect.gen(function* () {
      assert.include(yield* fails("exce"), 'toehold has no command "exce".\nDid you mean "exec"?')
      assert.include(yield* fails("keys", "generat"), 'Did you mean "generate"? See: toehold keys --help')
      assert.include(yield* fails("doctor", "web", "--jsn"), "Did you mean --json?")
      assert.include(yield* fails("exec", "web", "-Z", "--", "ls"), "toehold exec has no flag -Z.")
      assert.include(yield* fails("exec"), "needs MACHINE")
      assert.include(yield* fails("exec", "web"), "There is no command: put it after --")
      assert.include(yield* fails("exec", "web", "ls", "-la"), "put -- before the command")
      assert.include(yield* fails("exec", "web", "--timeout", "5", "--", "ls"), "--timeout 5: it is no duration")
      assert.include(yield* fails("exec", "web", "--max-output", "big", "--", "ls"), "it is no size")
      assert.include(yield* fails("exec", "web", "--timeout", "--pty", "--", "ls"), "--timeout needs a value")
      assert.include(yield* fails("exec", "web", "--cwd", "a", "--cwd", "b", "--", "ls"), "--cwd is given twice")
      assert.include(yield* fails("exec", "web", "--json=1", "--", "ls"), "--json takes no value")
      assert.include(yield* fails("exec", "web", "--host-key", "of", "--", "ls"), "Did you mean off?")
      assert.include(yield* fails("exec", "web", "--env", "=x", "--", "ls"), "write it as NAME=VALUE")
      assert.include(yield* fails("completion", "tcsh"), "SHELL is one of bash")
      assert.include(yield* fails("help", "agent"), "Did you mean agents?")
    })
  )

  it.effect("refuses machines that there can't be, and says what to use", () =>
    Effect.gen(function* () {
      assert.include(yield* fails("exec", "serial:fifo:a", "--", "ls"), "a FIFO pair is two paths")
      assert.include(yield* fails("forward", "serial:unix:/a", "-L", "1:a:1"), "not reached by SSH")
      for (const machine of ["vast:x", "vast:0", "vast:x,web"]) {
        assert.include(yield* fails("exec", machine, "--", "ls"), "Write the number of an instance")
      }
      assert.include(yield* fails("doctor", "root@a,root@b"), "one machine at a time")
      assert.include(yield* fails("doctor", "local:"), "the way to another machine")
      assert.include(yield* fails("exec", "web,web", "--", "ls"), "stands there twice")
      assert.include(yield* fails("exec", "web,,db", "--", "ls"), "a name is missing")
      for (const count of ["0", "-1", "1.5", "many"]) {
        assert.include(yield* fails("exec", "web,db", `--parallel=${count}`, "--", "ls"), "--parallel")
      }
      assert.include(yield* fails("doctor", "ssh -D 1080 -W x:1 host"), "-W")
    })
  )

  it.effect("gives the failure document with --json, for a command line that can't be understood too", () =>
    Effect.gen(function* () {
      const ran = yield* toeholdJson<unknown>(["doctor", "vast:x", "--json"])
      assert.deepStrictEqual([ran.exitCode, ran.stderr], [64, ""])
      assert.deepStrictEqual(ran.json, {
        error: {
          reason: "InvalidTarget",
          message: '"vast:x": it is no instance of Vast.ai that can be reached so.',
          fix: "Write the number of an instance: vast:41000001.",
          isRetryable: false,
          outcome: "did-not-run",
          details: {
            word: "vast:x",
            detail: "it is no instance of Vast.ai that can be reached so",
            hint: "Write the number of an instance: vast:41000001."
          }
        }
      })
      const usage = yield* toeholdJson<{ error: { reason: string } }>(["exec", "--json"])
      assert.deepStrictEqual([usage.exitCode, usage.stderr, usage.json.error.reason], [64, "", "InvalidArgument"])
      const event = yield* toeholdJson<{ event: string }>(["exec", "web", "--ndjson", "--nope"])
      assert.deepStrictEqual([event.exitCode, event.json.event], [64, "error"])
    })
  )

  it.effect("does not take the flags of the remote command for its own", () =>
    Effect.gen(function* () {
      const parsed = Result.getOrThrow(parseArguments(root, ["exec", "web", "--", "ls", "--json", "--", "-p"]))
      assert.deepStrictEqual(parsed.rest, ["ls", "--json", "--", "-p"])
      assert.isFalse(parsed.flags.has("json"))
      const { stderr } = yield* toehold(["exec", "vast:1", "--", "ls", "--json"])
      assert.include(stderr, "toehold: ")
    })
  )

  it("reads the flags of ssh as ssh does", () => {
    const parsed = Result.getOrThrow(
      parseArguments(root, [
        "exec",
        "-p2222",
        "-iFILE",
        "-i",
        "other",
        "-oA=b",
        "-o",
        "C=d",
        "-l",
        "me",
        "web",
        "--",
        "x"
      ])
    )
    assert.deepStrictEqual(
      ["port", "identity", "option", "user"].map((name) => parsed.flags.get(name)),
      [["2222"], ["FILE", "other"], ["A=b", "C=d"], ["me"]]
    )
    assert.deepStrictEqual(parsed.arguments, ["web"])
  })

  it.prop("answers any words", { words: Schema.Array(Schema.String) }, ({ words }) => {
    assert.isBoolean(Result.isSuccess(parseArguments(root, ["exec", ...words])))
    assert.isBoolean(Result.isSuccess(parseArguments(root, words)))
  })
})
