import { assert, describe, it } from "@effect/vitest"
import { Redacted, Schema } from "effect"
import { type Entry, toJson, toText } from "../src/internal/logLine.ts"

const entry = (message: string, fields: Readonly<Record<string, unknown>>): Entry => ({
  time: "2026-01-01T00:00:00.000Z",
  level: "debug",
  message,
  fields
})

describe("logLine", () => {
  it("writes fields as words, lists with commas, objects by dotted names", () => {
    const fields = { n: 1.5, text: "two words", list: ["a", "b"], ours: { kex: ["x"], none: [] }, gone: undefined }
    const line = '2026-01-01T00:00:00.000Z debug ssh Offered n=1.5 text="two words" list=a,b ours.kex=x ours.none=""'
    assert.strictEqual(toText(entry("ssh Offered", fields)), line)
    assert.deepStrictEqual(JSON.parse(toJson(entry("m", { n: 1, time: "not this one" }))), {
      n: 1,
      time: "2026-01-01T00:00:00.000Z",
      level: "debug",
      message: "m"
    })
  })

  it("never shows what is redacted, and survives what can't be written", () => {
    const circle: Record<string, unknown> = { big: 1n }
    circle["self"] = new Map([["secret", Redacted.make("hunter2")]])
    const secret = { password: Redacted.make("hunter2"), deep: { list: [Redacted.make("hunter2")] }, circle }
    for (const write of [toText, toJson]) assert.notInclude(write(entry("m", secret)), "hunter2")
    const loop: Record<string, unknown> = {}
    loop["loop"] = [loop]
    assert.deepInclude(JSON.parse(toJson(entry("m", { loop, kept: 1 }))), { loop: "?", kept: 1, message: "m" })
    const knot: Record<string, unknown> = {}
    knot["knot"] = knot
    assert.include(toText(entry("m", { knot, kept: 1 })), "kept=1")
  })

  it.prop(
    "is one line, whatever a server says",
    { text: Schema.String, message: Schema.String },
    ({ message, text }) => {
      for (const write of [toText, toJson]) {
        const line = write(entry(`${message}\r\n\u001b[2J`, { text: `${text}\n\u001b`, list: [text, "\n"] }))
        assert.notMatch(line, /[\n\r\u001b]/)
      }
    },
    { arbitrary: { runs: 100 } }
  )
})
