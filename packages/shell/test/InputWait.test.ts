import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { execFileSync } from "node:child_process"
import { describeWith, path } from "@toehold/lab/RealPart"
import * as InputWait from "@toehold/shell/InputWait"

const command: InputWait.Command = { pid: 10, tty: "/dev/pts/3", startedSilent: false }

/** A line for a process: its parent, group, session, foreground group, threads, call, input and the call's descriptor. */
const line = (pid: number, fields: string): string => `process ${pid} S ${fields}`

const verdict = (lines: ReadonlyArray<string>, of = command) =>
  InputWait.verdict(["machine x86_64", "session 10 /dev/pts/3", ...lines].join("\n"), of)

describe("InputWait.verdict", () => {
  it("knows who reads the terminal, however far down", () => {
    assert.strictEqual(verdict([line(10, "1 10 10 10 1 0 /dev/pts/3 /dev/pts/3")]), "waiting")
    const nested = [
      line(10, "1 10 10 10 1 61 /dev/pts/3"),
      line(11, "10 11 11 11 1 7 /dev/pts/4"),
      line(12, "11 11 11 11 1 0 /dev/pts/4 /dev/pts/4")
    ]
    assert.strictEqual(verdict(nested), "waiting")
    assert.strictEqual(verdict(["hidden"]), "waiting")
  })

  it("knows who works: sleeps, computes, reads something else, or is in the background", () => {
    for (const lines of [
      [line(10, "1 10 10 10 1 230 /dev/pts/3")],
      [line(10, "1 10 10 10 1 running /dev/pts/3")],
      [line(10, "1 10 10 10 1 0 pipe:[5] pipe:[5]")],
      [line(10, "1 10 10 10 1 7 pipe:[5]")],
      [line(10, "1 10 10 10 1 61 /dev/pts/3"), line(11, "10 11 10 10 1 0 /dev/pts/3 /dev/pts/3")]
    ]) {
      assert.strictEqual(verdict(lines), "working")
    }
  })

  it("does not guess", () => {
    for (const lines of [
      [],
      [line(10, "1 10 10 10 1 ? ?")],
      [line(10, "1 10 10 10 1 7 /dev/pts/3")],
      [line(10, "1 10 10 10 5 202 pipe:[5]")]
    ]) {
      assert.strictEqual(verdict(lines), "unknown")
    }
    assert.strictEqual(InputWait.verdict("", command), "unknown")
    assert.strictEqual(
      InputWait.verdict("machine vax\nsession 10 x\nprocess 10 S 1 10 10 10 1 0 x x", command),
      "unknown"
    )
  })

  it("looks for the command's own input where there is no terminal", () => {
    const piped = { ...command, tty: undefined }
    const output = "machine aarch64\nsession 10 socket:[7]\nprocess 10 S 1 10 10 -1 1 63 socket:[7]"
    assert.strictEqual(InputWait.verdict(`${output} socket:[7]`, piped), "waiting")
    assert.strictEqual(InputWait.verdict(`${output} pipe:[8]`, piped), "working")
  })

  const word = Schema.Union([
    Schema.Literals(["process", "session", "machine", "x86_64", "hidden", "10", "-1", "S", "?", "0", "7"]),
    Schema.String
  ])
  it.prop(
    "takes any text",
    { lines: Schema.Array(Schema.Array(word)) },
    ({ lines }) => {
      const text = lines.map((words) => words.join(" ")).join("\n")
      assert.include(["waiting", "working", "unknown"], InputWait.verdict(text, command))
    },
    { arbitrary: { runs: 300 } }
  )
})

const asked = (shell: ReadonlyArray<string>, of: InputWait.Command): string => {
  const [program = "", ...args] = shell
  return execFileSync(program, [...args, "-c", InputWait.script(of)], { encoding: "utf8" })
}

describeWith(["dash", "bash", "busybox"], "InputWait.script", () => {
  for (const shell of [["dash"], ["bash"], ["busybox", "sh"]] as const) {
    it(`finds the process that asks in ${shell.join(" ")}`, () => {
      const [part, ...args] = shell
      const program = [path(part), ...args]
      const own = { pid: process.pid, tty: undefined, startedSilent: false }
      const output = asked(program, own)
      assert.match(output, new RegExp(`^process ${process.pid} `, "m"))
      // Node has threads, of which any may read.
      assert.strictEqual(InputWait.verdict(output, own), "unknown")
      assert.strictEqual(InputWait.verdict(asked(program, { ...own, pid: 2 ** 30 }), own), "unknown")
      assert.notInclude(asked(program, { ...own, tty: "/dev/none" }), "hidden")
    })
  }
})
