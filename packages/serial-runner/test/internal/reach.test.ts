import { expect, it } from "@effect/vitest"
import { Schema } from "effect"
import { Reach } from "../../src/internal/reach.ts"

const perSecond = (reach: Reach, ms: number) => {
  for (let times = 0; times < 20; times++) reach.grow(reach.blocks * 512, ms)
  return reach.blocks * 512
}

it("asks for more on a line that proves good, and for no more than comes in about a second", () => {
  const reach = new Reach()
  expect(reach.blocks).toBe(128)
  reach.grow(65_536, 1)
  expect(reach.blocks).toBe(512)
  expect(perSecond(new Reach(), 1)).toBe(16 * 1024 * 1024)
  // 11 bytes a millisecond, as 115200 baud.
  const slow = new Reach()
  slow.grow(65_536, 65_536 / 11)
  expect(slow.blocks * 512).toBe(8192)
})

it("asks for half of what came damaged", () => {
  const reach = new Reach()
  reach.shrink(64)
  expect(reach.blocks).toBe(32)
  for (let times = 0; times < 9; times++) reach.shrink(reach.blocks)
  expect(reach.blocks).toBe(1)
})

const Step = Schema.Struct({
  bytes: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 40 })),
  ms: Schema.Finite,
  isDamaged: Schema.Boolean
})

it.prop(
  "is always a whole number of blocks, a power of two, and bounded",
  { steps: Schema.Array(Step) },
  ({ steps }) => {
    const reach = new Reach()
    for (const { bytes, isDamaged, ms } of steps) {
      if (isDamaged) reach.shrink(reach.blocks)
      else reach.grow(bytes, ms)
      expect(Number.isInteger(Math.log2(reach.blocks))).toBe(true)
      expect(reach.blocks).toBeGreaterThanOrEqual(1)
      expect(reach.blocks).toBeLessThanOrEqual(32_768)
    }
  }
)
