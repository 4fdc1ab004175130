import { expect, it } from "@effect/vitest"
import { Schema } from "effect"
import { ReplayRing } from "../../src/internal/replayRing.ts"

const Sizes = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 }))).check(
  Schema.isMaxLength(30)
)

it.prop(
  "keeps the last bytes of what was pushed, at their places",
  { sizes: Sizes, from: Schema.Int },
  ({ from, sizes }) => {
    const ring = new ReplayRing(16)
    let all = Buffer.alloc(0)
    for (const size of sizes) {
      const chunk = Buffer.from(Array.from({ length: size }, (_, index) => (all.length + index) % 251))
      ring.push(chunk)
      all = Buffer.concat([all, chunk])
      expect(ring.end).toBe(all.length)
      expect(ring.start).toBe(Math.max(0, all.length - 16))
      const whole = ring.read(0)
      expect(whole.offset).toBe(ring.start)
      expect(Buffer.from(whole.data)).toEqual(all.subarray(ring.start))
      const part = ring.read(from, 5)
      expect(part.offset).toBe(Math.min(Math.max(from, ring.start), ring.end))
      expect(Buffer.from(part.data)).toEqual(all.subarray(part.offset, part.offset + 5))
    }
  }
)
