import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as Fleet from "../src/Fleet.ts"

const machines = Array.from({ length: 10 }, (_, index) => `m${index}`)
const place = (machine: string) => Number(machine.slice(1))

const collect = <A, E>(
  work: (machine: string) => Effect.Effect<A, E>,
  options?: Fleet.Options<A>
): Effect.Effect<ReadonlyArray<Fleet.Result<A, E>>> =>
  Effect.gen(function* () {
    const running = yield* Effect.forkChild(Stream.runCollect(Fleet.run(machines, work, options)))
    yield* TestClock.adjust("1 minute")
    return yield* Fiber.join(running)
  })

describe("Fleet", () => {
  it.effect("hands out each result when it is there, the failures among them", () =>
    Effect.gen(function* () {
      const results = yield* collect((machine) =>
        Effect.sleep(1000 - place(machine) * 10).pipe(
          Effect.andThen(place(machine) === 4 ? Effect.fail("no") : Effect.succeed(place(machine)))
        )
      )
      assert.deepStrictEqual(
        results.map(({ machine }) => machine),
        machines.toReversed()
      )
      assert.deepStrictEqual(
        results.map((result) => (result._tag === "Done" ? result.value : result._tag)),
        [9, 8, 7, 6, 5, "Failed", 3, 2, 1, 0]
      )
    })
  )

  it.effect("works on so many at a time", () =>
    Effect.gen(function* () {
      let now = 0
      let most = 0
      const work = Effect.acquireUseRelease(
        Effect.sync(() => (most = Math.max(most, ++now))),
        () => Effect.sleep("1 second"),
        () => Effect.sync(() => now--)
      )
      yield* collect(() => work, { concurrency: 3 })
      assert.deepStrictEqual([now, most], [0, 3])
    })
  )

  it.effect("stops at the first failure when told to, and says of each what became of it", () =>
    Effect.gen(function* () {
      const ended: Array<string> = []
      const results = yield* collect(
        (machine) =>
          Effect.sleep(place(machine) === 1 ? 500 : 1000).pipe(
            Effect.as(place(machine)),
            Effect.onInterrupt(() => Effect.sync(() => ended.push(machine)))
          ),
        { concurrency: 4, failFast: true, isFailure: (value) => value === 1 }
      )
      const byTag = (tag: string) => results.filter(({ _tag }) => _tag === tag).map(({ machine }) => machine)
      assert.deepStrictEqual(byTag("Done"), ["m1"])
      assert.deepStrictEqual(byTag("Stopped").toSorted(), ["m0", "m2", "m3"])
      assert.deepStrictEqual(ended.toSorted(), ["m0", "m2", "m3"])
      assert.deepStrictEqual(byTag("NotStarted").length, 6)
    })
  )

  it.effect("interrupts what is under way when nobody wants further results", () =>
    Effect.gen(function* () {
      let interrupted = 0
      const work = (machine: string) =>
        Effect.sleep(place(machine) === 0 ? 10 : 5000).pipe(
          Effect.onInterrupt(() => Effect.sync(() => (interrupted += 1)))
        )
      const first = yield* Effect.forkChild(Stream.runHead(Fleet.run(machines, work)))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(first)
      assert.strictEqual(interrupted, 9)
    })
  )
})
