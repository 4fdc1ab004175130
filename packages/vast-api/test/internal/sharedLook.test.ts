import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Stream } from "effect"
import type { Instance } from "../../src/Instance.ts"
import * as sharedLook from "../../src/internal/sharedLook.ts"
import * as VastError from "../../src/VastError.ts"

/** As much of an instance as the look itself looks at, and in what call it was seen. */
const instanceOf = (id: number, seenIn: string): Instance => ({ id, label: seenIn }) as Instance

const gone = (id: number) =>
  VastError.make(new VastError.NotFound({ call: "GET", what: `instance ${id}`, detail: "it is gone" }))

/** A service with these instances, whose calls are counted and wait for the gate. */
const make = (ids: ReadonlyArray<number>, gate: Effect.Effect<unknown> = Effect.void) => {
  const calls: Array<string> = []
  const look = sharedLook.make(
    (id) =>
      Effect.suspend(() => {
        const call = `show ${id} (${calls.push(`show ${id}`)})`
        return Effect.andThen(gate, ids.includes(id) ? Effect.succeed(instanceOf(id, call)) : Effect.fail(gone(id)))
      }),
    Stream.suspend(() => {
      const call = `list (${calls.push("list")})`
      const half = Math.ceil(ids.length / 2)
      return Stream.make(ids.slice(0, half), ids.slice(half)).pipe(
        Stream.tap(() => gate),
        Stream.map((page) => page.map((id) => instanceOf(id, call)))
      )
    })
  )
  return { calls, look }
}

const many = Array.from({ length: 40 }, (_, index) => index + 1)

describe("sharedLook", () => {
  it.effect("asks for one instance alone", () =>
    Effect.gen(function* () {
      const { calls, look } = make(many)
      assert.strictEqual((yield* look(7)).id, 7)
      assert.deepStrictEqual(calls, ["show 7"])
    })
  )

  it.effect("takes one list for many, and asks again for those that are not in it", () =>
    Effect.gen(function* () {
      const { calls, look } = make(many)
      const seen = yield* Effect.forEach([...many, 99], (id) => Effect.exit(look(id)), { concurrency: "unbounded" })
      const found = seen.flatMap((exit) => (Exit.isSuccess(exit) ? [exit.value.id] : []))
      assert.deepStrictEqual(found, many)
      assert.deepStrictEqual(seen.at(-1), Exit.fail(gone(99)))
      assert.deepStrictEqual(calls, ["list", "show 99"])
    })
  )

  it.effect("gives nobody what was asked before they came", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const { calls, look } = make(many, Deferred.await(gate))
      const first = yield* Effect.forkChild(look(3), { startImmediately: true })
      while (calls.length === 0) yield* Effect.yieldNow
      const second = yield* Effect.forkChild(look(3), { startImmediately: true })
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual((yield* Fiber.join(first)).label, "show 3 (1)")
      assert.strictEqual((yield* Fiber.join(second)).label, "show 3 (2)")
      assert.deepStrictEqual(calls, ["show 3", "show 3"])
    })
  )

  it.effect("goes on when the one who asked first goes away", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const { calls, look } = make(many, Deferred.await(gate))
      const fibers = yield* Effect.forEach(many, (id) => Effect.forkChild(look(id), { startImmediately: true }))
      const [first, second, ...others] = fibers
      if (first === undefined || second === undefined) return assert.fail("there are no lookers")
      while (calls.length === 0) yield* Effect.yieldNow
      yield* Fiber.interrupt(first)
      while (calls.length === 1) yield* Effect.yieldNow
      yield* Fiber.interrupt(second)
      yield* Deferred.succeed(gate, undefined)
      const seen = yield* Effect.forEach(others, Fiber.join)
      assert.deepStrictEqual(
        seen.map(({ id }) => id),
        many.slice(2)
      )
    })
  )

  it.effect("fails for all when the list fails, and works again afterwards", () =>
    Effect.gen(function* () {
      let fails = true
      const error = VastError.make(new VastError.Unauthorized({ call: "GET", detail: "" }))
      const look = sharedLook.make(
        (id) => Effect.succeed(instanceOf(id, "show")),
        Stream.suspend(() => (fails ? Stream.fail(error) : Stream.make(many.map((id) => instanceOf(id, "list")))))
      )
      const all = Effect.forEach(many, (id) => Effect.exit(look(id)), { concurrency: "unbounded" })
      const seen = yield* all
      assert.isTrue(seen.every((exit) => Exit.isFailure(exit)))
      fails = false
      assert.isTrue((yield* all).every((exit) => Exit.isSuccess(exit)))
    })
  )
})
