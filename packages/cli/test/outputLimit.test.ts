import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { OutputLimit } from "../src/internal/outputLimit.ts"

const run = (limit: number | undefined, chunks: ReadonlyArray<Uint8Array>) => {
  const limited = new OutputLimit(limit)
  const pieces = chunks.flatMap((chunk) => limited.push(chunk) ?? [])
  const { gap, tail } = limited.end()
  return { pieces: tail === undefined ? pieces : [...pieces, tail], gap, total: limited.total }
}

describe("OutputLimit", () => {
  it("passes everything on without a limit", () => {
    const { gap, pieces } = run(undefined, [Buffer.from("ab"), Buffer.from("cd")])
    assert.strictEqual(Buffer.concat(pieces.map(({ bytes }) => bytes)).toString(), "abcd")
    assert.isUndefined(gap)
  })

  it("keeps head and tail, and says what is missing between them", () => {
    const { gap, pieces } = run(5, [Buffer.from("0123"), Buffer.from("4567"), Buffer.from("89")])
    assert.deepStrictEqual(
      pieces.map(({ bytes, offset }) => [Buffer.from(bytes).toString(), offset]),
      [
        ["012", 0],
        ["89", 8]
      ]
    )
    assert.deepStrictEqual(gap, { offset: 3, bytes: 5 })
  })

  it.prop(
    "accounts for every byte",
    {
      chunks: Schema.Array(Schema.Array(Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: 255 }))))),
      limit: Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: 20 })))
    },
    ({ chunks, limit }) => {
      const whole = chunks.flat()
      const { gap, pieces, total } = run(
        limit,
        chunks.map((chunk) => Uint8Array.from(chunk))
      )
      assert.strictEqual(total, whole.length)
      const kept = pieces.reduce((sum, { bytes }) => sum + bytes.length, 0)
      assert.strictEqual(kept + (gap?.bytes ?? 0), whole.length)
      assert.strictEqual(kept, Math.min(limit, whole.length))
      for (const { bytes, offset } of pieces) {
        assert.deepStrictEqual([...bytes], whole.slice(offset, offset + bytes.length))
      }
    },
    { arbitrary: { runs: 200 } }
  )

  it("keeps the tail of very many small chunks", () => {
    const limited = new OutputLimit(2000)
    for (let at = 0; at < 20_000; at++) limited.push(Uint8Array.of(at & 0xff))
    const { gap, tail } = limited.end()
    assert.deepStrictEqual(gap, { offset: 1000, bytes: 18_000 })
    assert.strictEqual(tail?.bytes.length, 1000)
    assert.strictEqual(tail?.bytes[999], 19_999 & 0xff)
  })
})
