/** What this process holds open, to find what a test leaves behind. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"

const kinds = ["TCPSocketWrap", "TCPServerWrap", "PipeWrap", "PipeServerWrap"]

type Held = Readonly<Record<string, number>>

const held = (): Held => {
  const resources = process.getActiveResourcesInfo()
  return Object.fromEntries(kinds.map((kind) => [kind, resources.filter((resource) => resource === kind).length]))
}

/** Runs an effect with all that it opens, and waits until no more sockets and listeners are open here than before. */
export const leavesNothing = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const before = held()
    const value = yield* Effect.scoped(effect)
    const isMore = (now: Held) => kinds.some((kind) => (now[kind] ?? 0) > (before[kind] ?? 0))
    for (let left = 400; isMore(held()); left--) {
      if (left === 0) assert.deepStrictEqual(held(), before, "what is left open")
      yield* Effect.sleep("10 millis")
    }
    return value
  })
