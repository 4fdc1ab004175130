import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { type Column, tableLines } from "../src/internal/table.ts"

interface Row {
  readonly id: number
  readonly name: string
  readonly note: string
}

const columns: ReadonlyArray<Column<Row>> = [
  { title: "ID", value: ({ id }) => `${id}`, isNumber: true },
  { title: "NAME", value: ({ name }) => name },
  { title: "NOTE", value: ({ note }) => note, spare: 1 }
]

const rows: ReadonlyArray<Row> = [
  { id: 7, name: "one", note: "long words" },
  { id: 123, name: "two", note: "" }
]

describe("a table", () => {
  it("has its columns in line, numbers on the right, and a sign for nothing", () => {
    assert.deepStrictEqual(tableLines(columns, rows), [" ID  NAME  NOTE", "  7  one   long words", "123  two   -"])
  })

  it("leaves out what does not fit, and cuts what must stay", () => {
    assert.deepStrictEqual(tableLines(columns, rows, 12), [" ID  NAME", "  7  one", "123  two"])
    assert.deepStrictEqual(tableLines(columns, rows, 6), [" ID  …", "  7  …", "123  …"])
  })

  it.prop(
    "is never wider than it may be, and no cell of it makes a line of its own",
    {
      rows: Schema.Array(Schema.Struct({ id: Schema.Int, name: Schema.String, note: Schema.String })),
      width: Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 1, maximum: 60 })))
    },
    ({ rows, width }) => {
      const lines = tableLines(columns, rows, width)
      assert.strictEqual(lines.length, rows.length + 1)
      for (const line of lines) {
        assert.isAtMost([...line].length, width)
        assert.notMatch(line, /[\n\r\u001b]/)
      }
    },
    { arbitrary: { runs: 200 } }
  )
})
