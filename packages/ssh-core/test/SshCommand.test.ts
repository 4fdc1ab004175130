import { assert, describe, it } from "@effect/vitest"
import { Redacted, Result, Schema } from "effect"
import { spawnSync } from "node:child_process"
import * as SshCommand from "@toehold/ssh-core/SshCommand"

const run = (command: SshCommand.SshCommand, options: { readonly cwd?: string; readonly shell?: string } = {}) => {
  const script = Result.getOrThrow(SshCommand.toScript(command))
  assert.notInclude(script, "\n")
  return spawnSync(options.shell ?? "/bin/sh", ["-c", script], { encoding: "buffer", cwd: options.cwd ?? "/" })
}

const argument = Schema.String.pipe(Schema.check(Schema.isPattern(/^[^\0]*$/)))

const reasonOf = (command: SshCommand.SshCommand) => {
  const result = SshCommand.toScript(command)
  assert.isTrue(Result.isFailure(result))
  return Result.isFailure(result) ? result.failure : assert.fail()
}

describe("SshCommand", () => {
  it.prop(
    "passes any argument through a shell exactly as it is",
    { words: Schema.Array(argument) },
    ({ words }) => {
      const { status, stdout } = run(SshCommand.argv(["printf", "%s\\0", ...words]))
      assert.strictEqual(status, 0)
      // printf without arguments prints its format once, as for one empty argument.
      const expected = words.length === 0 ? [""] : words
      assert.strictEqual(stdout.toString("utf8"), expected.map((word) => `${word.toWellFormed()}\0`).join(""))
    },
    { arbitrary: { runs: 150 } }
  )

  it.prop(
    "passes any environment value and folder name",
    { value: argument },
    ({ value }) => {
      const { stdout } = run(SshCommand.argv(["sh", "-c", 'printf %s "$V"'], { env: { V: value }, cwd: "/" }))
      assert.strictEqual(stdout.toString("utf8"), value.toWellFormed())
    },
    { arbitrary: { runs: 80 } }
  )

  it("keeps newlines, quotes, !, $, backslashes and tabs", () => {
    const words = [
      "a\nb",
      "'",
      '"',
      "!x",
      "$HOME",
      "`id`",
      "\\",
      "\\n",
      "\t",
      "",
      "-n",
      "*",
      "~",
      "a\r\n",
      "é\u{1f600}"
    ]
    const { stdout } = run(SshCommand.argv(["printf", "%s|", ...words]))
    assert.strictEqual(stdout.toString("utf8"), words.map((word) => `${word}|`).join(""))
  })

  it("runs shell text whole", () => {
    const text = "for i in 1 2; do echo \"$i\" # comment\ndone; cat <<'E'\nhere\nE\nexit 3"
    const { status, stdout } = run(SshCommand.shell(text))
    assert.strictEqual(stdout.toString(), "1\n2\nhere\n")
    assert.strictEqual(status, 3)
  })

  it("changes to folders with odd names, and to the home folder for ~", () => {
    for (const [cwd, expected] of [
      ["/", "/"],
      ["~", process.env["HOME"]],
      ["/usr/bin/..", "/usr"]
    ] as const) {
      assert.strictEqual(
        run(SshCommand.argv(["sh", "-c", "pwd"], { cwd }))
          .stdout.toString()
          .trim(),
        expected
      )
    }
    const missing = run(SshCommand.argv(["echo", "ran"], { cwd: "/no/such 'folder" }))
    assert.strictEqual(missing.status, 126)
    assert.strictEqual(missing.stdout.length, 0)
    assert.include(missing.stderr.toString(), "/no/such 'folder")
  })

  it("ends with the status of a shell for a program that is missing", () => {
    assert.strictEqual(run(SshCommand.argv(["no-such-program-here"])).status, 127)
  })

  it("refuses a NUL wherever it stands, and names the place", () => {
    for (const [command, place] of [
      [SshCommand.argv(["a\0"]), "The command"],
      [SshCommand.argv(["a", "b", "c\0"]), "Argument 2"],
      [SshCommand.shell("a\0"), "The shell text"],
      [SshCommand.argv(["a"], { cwd: "\0" }), "The working folder"],
      [SshCommand.argv(["a"], { env: { A: "\0" } }), 'The environment variable "A"']
    ] as const) {
      const error = reasonOf(command)
      assert.strictEqual(error.reason._tag, "InvalidArgument")
      assert.include(error.message, place)
      assert.include(error.message, "NUL")
      assert.strictEqual(error.outcome, "did-not-run")
    }
  })

  it("refuses an empty command and names that are no variables", () => {
    assert.include(reasonOf(SshCommand.argv([""])).message, "empty")
    assert.include(reasonOf(SshCommand.shell("")).message, "empty")
    for (const name of ["", "1A", "A-B", "A=B", "A B", "é"]) {
      assert.include(reasonOf(SshCommand.argv(["a"], { env: { [name]: "x" } })).message, `"${name}"`)
    }
  })

  it("never shows a secret value", () => {
    const command = SshCommand.argv(["env"], { env: { TOKEN: Redacted.make("hunter2") } })
    assert.isTrue(SshCommand.hasSecrets(command))
    assert.strictEqual(SshCommand.display(command), "env")
    assert.notInclude(JSON.stringify(command), "hunter2")
    const nul = SshCommand.argv(["env"], { env: { TOKEN: Redacted.make("hunter2\0") } })
    assert.notInclude(JSON.stringify(reasonOf(nul)), "hunter2")
  })
})
