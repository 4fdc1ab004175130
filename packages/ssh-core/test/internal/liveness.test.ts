import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import { silence } from "../../src/internal/liveness.ts"

const byDefault = { interval: Duration.seconds(3), countMax: 3 }

/** How long after its death a connection is found dead, whose peer was heard every so many milliseconds until then. */
const foundAfter = (diesAtMs: number, everyMs: number) =>
  Effect.gen(function* () {
    let receivedBytes = 0
    const begin = yield* Clock.currentTimeMillis
    const watching = yield* Effect.forkChild(
      silence({ ...byDefault, receivedBytes: () => receivedBytes }).pipe(Effect.andThen(Clock.currentTimeMillis))
    )
    const step = 50
    for (let ms = 0; ms < diesAtMs + 60_000; ms += step) {
      if (ms % everyMs === 0 && ms <= diesAtMs) receivedBytes += 64
      yield* TestClock.adjust(step)
    }
    return (yield* Fiber.join(watching)) - begin - diesAtMs
  })

describe("silence", () => {
  it.effect.prop(
    "finds a dead connection within 10 seconds, whenever it died",
    { diesAtMs: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20_000 })) },
    ({ diesAtMs }) =>
      Effect.gen(function* () {
        const found = yield* foundAfter(diesAtMs, 3000)
        assert.isAtMost(found, 10_000)
        // Never before three requests were left without an answer.
        assert.isAtLeast(found, 6000)
      }),
    { arbitrary: { runs: 30 } }
  )

  it.effect("goes by the last byte, however far apart they come within the limit", () =>
    Effect.gen(function* () {
      assert.isAtLeast(yield* foundAfter(40_000, 8500), 0)
      assert.isBelow(yield* foundAfter(40_000, 9500), 0)
    })
  )
})
