import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as PollingWatch from "@toehold/shell/PollingWatch"

describe("PollingWatch", () => {
  it("tells what came, went and changed, in the order of the paths", () => {
    const before = new Map([
      ["b", "1"],
      ["c", "1"],
      ["d", "1"]
    ])
    const after = new Map([
      ["d", "2"],
      ["a", "1"],
      ["c", "1"]
    ])
    assert.deepStrictEqual(PollingWatch.changes(before, after), [
      { _tag: "Create", path: "a" },
      { _tag: "Remove", path: "b" },
      { _tag: "Update", path: "d" }
    ])
    assert.deepStrictEqual(PollingWatch.changes(after, after), [])
  })

  it.effect("looks again after each interval, says when it begins, and fails as the looking does", () =>
    Effect.gen(function* () {
      const answers: Array<Effect.Effect<PollingWatch.Snapshot, string>> = [
        Effect.succeed(new Map([["a", "1"]])),
        Effect.succeed(new Map([["a", "1"]])),
        Effect.succeed(new Map([["a", "2"]])),
        Effect.fail("gone")
      ]
      let ready = 0
      const snapshot = Effect.suspend(() => answers.shift() ?? Effect.die("asked once more"))
      const watch = PollingWatch.make({ snapshot, interval: "1 second", onReady: () => (ready += 1) })
      const events: Array<unknown> = []
      const fiber = yield* Effect.forkChild(
        Effect.flip(Stream.runForEach(watch, (event) => Effect.sync(() => events.push(event))))
      )
      yield* TestClock.adjust("1500 millis")
      assert.deepStrictEqual([ready, events, answers.length], [1, [], 2])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(events, [{ _tag: "Update", path: "a" }])
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(fiber), "gone")
    })
  )
})
