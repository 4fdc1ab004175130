import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { StatusMark } from "../../../src/internal/openssh/statusMark.ts"

const mark = "toehold-0123456789ab"

/** Text that begins like the mark again and again. */
const text = Schema.Array(Schema.Literals(["t", "to", "\n", " ", "x", "toehold-", mark.slice(0, 15), mark]))

const sizes = Schema.Array(Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 1, maximum: 30 }))))

describe("StatusMark", () => {
  it.prop(
    "takes out the line and gives back every other byte, however the stream is cut",
    { before: text, after: text, sizes },
    ({ after, before, sizes }) => {
      const [head, tail] = [before.join(""), after.join("")]
      const data = Buffer.from(`${head}${mark} 143\n${tail}`)
      const status = new StatusMark(mark)
      const bytes: Array<Buffer> = []
      const found: Array<number> = []
      let at = 0
      for (const size of [...sizes, data.length]) {
        const pushed = status.push(data.subarray(at, at + size))
        bytes.push(pushed.bytes)
        if (pushed.status !== undefined) found.push(pushed.status)
        at += size
      }
      bytes.push(status.rest())
      if (`${head}${tail}`.includes(`${mark} `)) return
      assert.deepStrictEqual([Buffer.concat(bytes).toString(), found], [`${head}${tail}`, [143]])
    },
    { arbitrary: { runs: 300 } }
  )
})
