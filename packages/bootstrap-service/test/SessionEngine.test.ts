import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Clock, Effect, Random } from "effect"
import { inOrder } from "../src/SessionStep.ts"
import { expectWhole, notes, start, traces, until } from "./support/workers.ts"

const patience = { timeout: 120_000 }

describe("workers on SQLite", () => {
  it.live(
    "lose no session and double no step, killed at random moments",
    () =>
      Effect.gen(function* () {
        const folder = yield* traces
        const file = join(folder, "sessions.db")
        const [sessions, kills] = [30, 4]
        for (let round = 0; round < kills; round++) {
          const before = notes(folder).length
          const worker = yield* start(file, folder, sessions, 60)
          yield* until(() => notes(folder).length > before)
          yield* Effect.sleep(yield* Random.nextIntBetween(0, 150))
          yield* worker.kill("SIGKILL")
        }
        // What was killed in the middle was begun again, or the test has tested nothing.
        const last = yield* start(file, folder, sessions, 1)
        yield* until(() => last.ready() === sessions)
        expectWhole(folder, sessions)
        const begun = notes(folder).filter(({ what }) => what === "begin").length
        expect(begun).toBeGreaterThan(sessions * inOrder.length)
      }).pipe(Effect.scoped),
    patience
  )

  it.live(
    "hand over what they do when they are told to end",
    () =>
      Effect.gen(function* () {
        const folder = yield* traces
        const file = join(folder, "sessions.db")
        const worker = yield* start(file, folder, 3, 20_000)
        yield* until(() => notes(folder).length === 3)
        const from = yield* Clock.currentTimeMillis
        yield* worker.kill("SIGTERM")
        expect((yield* Clock.currentTimeMillis) - from).toBeLessThan(15_000)
        const next = yield* start(file, folder, 3, 1)
        yield* until(() => next.ready() === 3)
        expectWhole(folder, 3)
      }).pipe(Effect.scoped),
    patience
  )

  it.live(
    "are one at a time",
    () =>
      Effect.gen(function* () {
        const folder = yield* traces
        const file = join(folder, "sessions.db")
        const first = yield* start(file, folder, 2, 1)
        yield* until(() => first.ready() === 2)
        const second = yield* start(file, folder, 2, 1)
        expect(yield* second.ended).toBe(1)
        expect(second.said()).toContain("another process runs the sessions")
      }).pipe(Effect.scoped),
    patience
  )
})
