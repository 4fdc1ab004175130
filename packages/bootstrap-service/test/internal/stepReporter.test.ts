import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { makeReporter } from "../../src/internal/stepReporter.ts"
import * as MemoryStore from "../../src/MemoryStore.ts"
import { SessionStore } from "../../src/SessionStore.ts"
import { configOf } from "../support/fakeMachines.ts"

const sessions = 30

/** Sessions whose step `machine` reports to one reporter, and what became of it. */
const site = Effect.gen(function* () {
  const store = yield* SessionStore
  const reporter = yield* makeReporter(store, { interval: "200 millis", perSecond: 100 })
  const ids = Array.from({ length: sessions }, (_, at) => `s${at}`)
  const reports = yield* Effect.forEach(ids, (id) =>
    Effect.andThen(
      store.create({ config: configOf(id) }),
      reporter.of({ id, name: "machine", isMine: ({ status }) => status === "creating", stallAfter: 60_000 })
    )
  )
  const say = (text: string) => Effect.forEach(reports, (report) => report(text), { discard: true })
  const messages = Effect.forEach(ids, (id) =>
    Effect.map(store.events(id), (events) => events.slice(1).map(({ message }) => message))
  )
  return { store, reporter, say, messages }
})

describe("the reporter of a worker", () => {
  it.effect("writes no more than it may, each session in its turn and each with its newest", () =>
    Effect.gen(function* () {
      const { messages, say } = yield* site
      for (let at = 0; at < 20; at++) {
        yield* say(`report ${at}`)
        yield* TestClock.adjust("50 millis")
      }
      const written = yield* messages
      // Ten rounds of ten.
      assert.strictEqual(written.flat().length, 100)
      for (const own of written) assert.isTrue(own.length === 3 || own.length === 4, String(own.length))
      yield* say("the last")
      yield* TestClock.adjust("1 second")
      for (const own of yield* messages) assert.strictEqual(own.at(-1), "the last")
      const before = (yield* messages).flat().length
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* messages).flat().length, before, "nothing is written where nothing is said")
    }).pipe(Effect.scoped, Effect.provide(MemoryStore.layer))
  )

  it.effect("tells of a step that is silent, until it is over", () =>
    Effect.gen(function* () {
      const { messages, reporter, store } = yield* site
      yield* store.create({ config: configOf("silent") })
      const own = Effect.map(store.events("silent"), (events) => events.slice(1).map(({ message }) => message))
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* reporter.of({ id: "silent", name: "machine", isMine: () => true, stallAfter: 2000 })
          yield* TestClock.adjust("5 seconds")
        })
      )
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* own, [
        "Waiting for the machine (no news for 2 s)",
        "Waiting for the machine (no news for 4 s)"
      ])
      assert.deepStrictEqual((yield* messages).flat(), [])
    }).pipe(Effect.scoped, Effect.provide(MemoryStore.layer))
  )
})
