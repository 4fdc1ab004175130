import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as RateLimiter from "../../src/internal/rateLimiter.ts"

const times = (limiter: RateLimiter.RateLimiter, endpoint: string, count: number) =>
  Effect.forEach(
    Array.from({ length: count }),
    () => limiter.limit(endpoint, Effect.andThen(Effect.sleep("200 millis"), Clock.currentTimeMillis)),
    { concurrency: "unbounded" }
  )

describe("rateLimiter", () => {
  it.effect("keeps calls of an endpoint apart, from the answer on, and loses none", () =>
    Effect.gen(function* () {
      const limiter = RateLimiter.make(() => "1 second")
      const calls = yield* Effect.forkChild(times(limiter, "a", 4))
      const others = yield* Effect.forkChild(times(limiter, "b", 1))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* Fiber.join(calls), [200, 1400, 2600, 3800])
      assert.deepStrictEqual(yield* Fiber.join(others), [200])
    })
  )

  it.effect("heeds a longer pause that the service names", () =>
    Effect.gen(function* () {
      const limiter = RateLimiter.make(() => 0)
      yield* limiter.slowDown("a", Duration.seconds(3))
      const calls = yield* Effect.forkChild(times(limiter, "a", 2))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* Fiber.join(calls), [3200, 6400])
    })
  )

  it.effect(
    "gives the turn on when a call is given up, later than after an answer, for it may still be on its way",
    () =>
      Effect.gen(function* () {
        const limiter = RateLimiter.make(() => "1 second")
        const stuck = yield* Effect.forkChild(limiter.limit("a", Effect.never))
        const calls = yield* Effect.forkChild(times(limiter, "a", 1))
        yield* TestClock.adjust("5 seconds")
        yield* Fiber.interrupt(stuck)
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(yield* Fiber.join(calls), [7200])
      })
  )
})
