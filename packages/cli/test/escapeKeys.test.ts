import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { EscapeKeys } from "../src/internal/escapeKeys.ts"

const type = (...typed: ReadonlyArray<string>) => {
  const escape = new EscapeKeys()
  let out = ""
  for (const keys of typed) {
    const passed = escape.push(Buffer.from(keys))
    if (passed === undefined) return `${out}<left>`
    out += Buffer.from(passed).toString()
  }
  return out
}

describe("EscapeKeys", () => {
  it("leaves at ~. after Enter and at the beginning, and only there", () => {
    assert.strictEqual(type("~."), "<left>")
    assert.strictEqual(type("ls\r~", "."), "ls\r<left>")
    assert.strictEqual(type("ls\r", "~", ".", "more"), "ls\r<left>")
    assert.strictEqual(type("cd ~/a\r", "echo ~.\r"), "cd ~/a\recho ~.\r")
  })

  it("makes one ~ of two, and passes on what follows another", () => {
    assert.strictEqual(type("~~."), "~.")
    assert.strictEqual(type("\r~a~."), "\r~a~.")
    assert.strictEqual(type("\r~", "\r", "~."), "\r~\r<left>")
  })

  it.prop("passes on every byte where there is no ~", { text: Schema.String }, ({ text }) => {
    const plain = text.toWellFormed().replaceAll("~", "-")
    assert.strictEqual(type(...plain), Buffer.from([...plain].join("")).toString())
  })
})
