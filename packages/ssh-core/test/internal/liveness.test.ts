import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import { silence } from "../../src/internal/liveness.ts"

const byDefault = { interval: Duration.seconds(3), countMax: 3 }

/** How long after its death a connection is found dead, whose peer answered a request every three seconds until then. */
const foundAfter = (diesAtMs: number, sends: (ms: number) => number) =>
  Effect.gen(function* () {
    let receivedBytes = 0
    let sentBytes = 0
    const begin = yield* Clock.currentTimeMillis
    const watching = yield* Effect.forkChild(
      silence({ ...byDefault, receivedBytes: () => receivedBytes, sentBytes: () => sentBytes }).pipe(
        Effect.andThen(Clock.currentTimeMillis)
      )
    )
    const step = 50
    for (let ms = 0; ms < diesAtMs + 60_000; ms += step) {
      if (ms % 3000 === 0) {
        sentBytes += 64
        if (ms <= diesAtMs) receivedBytes += 64
      }
      sentBytes += sends(ms)
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
        const found = yield* foundAfter(diesAtMs, () => 0)
        assert.isAtMost(found, 10_000)
        // Never before three requests were left without an answer.
        assert.isAtLeast(found, 6000)
      }),
    { arbitrary: { runs: 30 } }
  )

  it.effect("waits for what was sent to get out, and for no more than a window of it", () =>
    Effect.gen(function* () {
      const once = yield* foundAfter(9000, (ms) => (ms === 9000 ? 1_000_000 : 0))
      assert.isAtLeast(once, 9000 + 5000)
      for (const until of [9000, Number.POSITIVE_INFINITY]) {
        assert.isAtMost(yield* foundAfter(9000, (ms) => (ms <= until ? 1_000_000 : 0)), 21_000)
      }
    })
  )
})
