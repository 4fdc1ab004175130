import { expect, it } from "@effect/vitest"
import { Clock, Effect, Redacted } from "effect"
import { describeWith } from "@toehold/lab/RealPart"
import { sharedPostgres } from "./support/sharedPostgres.ts"
import { inOrder } from "../src/SessionStep.ts"
import { expectWhole, type Note, notes, start, traces, until } from "./support/workers.ts"

const by =
  (pid: number) =>
  (note: Note): boolean =>
    note.pid === pid

const patience = { timeout: 120_000 }

describeWith(["postgres", "setpriv"], "workers on PostgreSQL", () => {
  const { freshDatabase } = sharedPostgres()

  it.live(
    "share the sessions, and take over those of one that is killed",
    () =>
      Effect.gen(function* () {
        const folder = yield* traces
        const url = Redacted.value(yield* freshDatabase)
        const sessions = 16
        const killed = yield* start(url, folder, sessions, 800)
        const other = yield* start(url, folder, sessions, 800)
        yield* until(() => notes(folder).some(by(killed.pid)) && notes(folder).some(by(other.pid)))
        yield* Effect.sleep(1000)
        yield* killed.kill("SIGKILL")
        const before = notes(folder)
        const doneOf = (id: string) => before.filter(({ session, what }) => session === id && what === "done").length
        const had = [...new Set(before.filter(by(killed.pid)).map(({ session }) => session))].filter(
          (id) => doneOf(id) < inOrder.length
        )
        expect(had.length).toBeGreaterThan(0)
        const from = yield* Clock.currentTimeMillis
        const isResumed = (id: string) =>
          notes(folder)
            .slice(before.length)
            .some((note) => by(other.pid)(note) && note.session === id)
        // Every one of them, not only the first.
        yield* until(() => had.every(isResumed))
        expect((yield* Clock.currentTimeMillis) - from).toBeLessThan(15_000)
        yield* until(() => other.ready() === sessions)
        expectWhole(folder, sessions)
      }).pipe(Effect.scoped),
    patience
  )
})
