import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { parseDuration } from "../src/internal/duration.ts"

const read = (text: string) => Result.getOrElse(parseDuration(text), () => undefined)

describe("parseDuration", () => {
  it("reads a number with its unit", () => {
    assert.deepStrictEqual(["500ms", "15s", "2m", "1h", "1.5s"].map(read), [500, 15_000, 120_000, 3_600_000, 1500])
    for (const text of ["", "5", "s", "5 s", "-5s", "5d", "1e3s", "0s", "0.0ms", "999h", "5S", "٣s"]) {
      assert.isUndefined(read(text), text)
    }
  })

  it.prop(
    "reads every count of every unit",
    {
      count: Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 1, maximum: 500 }))),
      unit: Schema.Literals(["ms", "s", "m", "h"])
    },
    ({ count, unit }) => {
      const factor = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit]
      assert.deepStrictEqual(parseDuration(`${count}${unit}`), Result.succeed(count * factor))
    },
    { arbitrary: { runs: 100 } }
  )

  it.prop("answers any text", { text: Schema.String }, ({ text }) => {
    assert.isBoolean(Result.isSuccess(parseDuration(text)))
  })
})
