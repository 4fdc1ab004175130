import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { OutputCapture } from "@toehold/shell/OutputCapture"

const counts = Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: 200 })))

/** On both sides of what is worth keeping. */
const sizes = Schema.Literals([0, 1, 100, 2047, 2048, 5000, 20_000])

describe("OutputCapture", () => {
  it.prop(
    "keeps the first and the last bytes, and counts the rest, however the stream is cut",
    { limit: counts, sizes: Schema.Array(counts) },
    ({ limit, sizes }) => {
      const capture = new OutputCapture(limit)
      let next = 0
      for (const size of sizes) capture.push(Buffer.from(Array.from({ length: size }, () => next++ % 251)))
      const all = Buffer.from(Array.from({ length: next }, (_, index) => index % 251))
      const { head, omittedBytes, tail, totalBytes } = capture.result()
      const headSize = Math.min(all.length, Math.ceil(limit / 2))
      const tailSize = Math.min(all.length - headSize, Math.floor(limit / 2))
      assert.strictEqual(totalBytes, all.length)
      assert.strictEqual(omittedBytes, all.length - headSize - tailSize)
      assert.deepStrictEqual(Buffer.from(head), all.subarray(0, headSize))
      assert.deepStrictEqual(Buffer.from(tail), all.subarray(all.length - tailSize))
    },
    { arbitrary: { runs: 300 } }
  )

  it.prop(
    "keeps the same bytes where chunks need not be copied",
    {
      limit: Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: 60_000 }))),
      sizes: Schema.Array(sizes)
    },
    ({ limit, sizes }) => {
      const [copied, kept] = [new OutputCapture(limit), new OutputCapture(limit)]
      for (const [index, size] of sizes.entries()) {
        const chunk = Buffer.alloc(size, String.fromCharCode(97 + (index % 26)))
        copied.push(chunk)
        kept.push(chunk, true)
      }
      assert.deepStrictEqual(kept.result(), copied.result())
    },
    { arbitrary: { runs: 200 } }
  )

  it("joins head and tail without anything between them", () => {
    const capture = new OutputCapture(4)
    capture.push(Buffer.from("abcdefgh"))
    const result = capture.result()
    assert.strictEqual(result.text, "abgh")
    assert.isTrue(result.truncated)
    assert.strictEqual(result.omittedBytes, 4)
  })
})
