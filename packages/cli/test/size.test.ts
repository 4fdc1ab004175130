import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { parseSize } from "../src/internal/size.ts"

const read = (text: string) => Result.getOrElse(parseSize(text), () => undefined)

describe("parseSize", () => {
  it("reads bytes, and a number with its unit", () => {
    const known = ["0", "4096", "64KiB", "10MB", "1.5kib", "2gb", "7b"]
    assert.deepStrictEqual(known.map(read), [0, 4096, 65_536, 10_000_000, 1536, 2_000_000_000, 7])
    for (const text of ["", "KiB", "-1", "1 KB", "1TB", "1e6", "999999999999999GiB"])
      assert.isUndefined(read(text), text)
  })

  it.prop(
    "reads every count of every unit",
    {
      count: Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))),
      unit: Schema.Literals(["", "B", "kB", "MB", "KiB", "MiB"])
    },
    ({ count, unit }) => {
      const factor = { "": 1, B: 1, kB: 1000, MB: 1_000_000, KiB: 1024, MiB: 1_048_576 }[unit]
      assert.deepStrictEqual(parseSize(`${count}${unit}`), Result.succeed(count * factor))
    },
    { arbitrary: { runs: 100 } }
  )

  it.prop("answers any text", { text: Schema.String }, ({ text }) => {
    assert.isBoolean(Result.isSuccess(parseSize(text)))
  })
})
