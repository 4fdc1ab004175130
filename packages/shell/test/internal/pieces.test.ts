import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema, Stream } from "effect"
import { pieces } from "../../src/internal/pieces.ts"

const sizes = Schema.Array(Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: 50 }))))

describe("pieces", () => {
  it.effect.prop(
    "keeps every byte in pieces of one size, the last one apart",
    { sizes, size: Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 1, maximum: 40 }))) },
    ({ size, sizes }) =>
      Effect.gen(function* () {
        let next = 0
        const chunks = sizes.map((length) => Uint8Array.from({ length }, () => next++ % 256))
        const cut = yield* Stream.runCollect(pieces(size)(Stream.fromIterable(chunks)))
        assert.deepStrictEqual(Buffer.concat(cut), Buffer.concat(chunks))
        assert.isTrue(cut.every(({ length }, at) => (at === cut.length - 1 ? length > 0 : true) && length <= size))
        assert.isTrue(cut.slice(0, -1).every(({ length }) => length === size))
      }),
    { arbitrary: { runs: 200 } }
  )
})
