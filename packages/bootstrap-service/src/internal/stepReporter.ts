import { Clock, Duration, Effect, Latch, Option, type Scope } from "effect"
import type { Session } from "../Session.ts"
import type { Report, SessionStep } from "../SessionStep.ts"
import type { SessionStore } from "../SessionStore.ts"
import { withStep } from "./stepRecords.ts"
import { beginnings } from "./takeStep.ts"

/** Milliseconds from one round to the next: what is written in a round shares a transaction. */
const round = 100

/** What a reporter needs to know of the step that it is for. */
export interface Reported {
  readonly id: string
  readonly name: SessionStep
  /** Whether the session is still to be written to. */
  readonly isMine: (session: Session) => boolean
  /** Milliseconds without news that count as a stall. */
  readonly stallAfter: number
}

export interface Options {
  /** How often at most the reports of one session are written. */
  readonly interval: Duration.Input
  /** How many reports of all sessions are written in a second at most: with more of them each is written less often. */
  readonly perSecond: number
}

interface Entry extends Reported {
  /** What was said last, written or not. */
  last: string
  /** When. */
  newsAt: number
  /** How many times over it was told that nothing is said. */
  stalls: number
  /** What is to be written, the newest where more was said than may be written. */
  pending: string | undefined
  /** When the next may be written. */
  dueAt: number
}

/** Writes down what the steps report. */
export interface Reporter {
  /**
   * Until the scope closes; the newest where reports come fast. When the step has fallen silent the log and the session's
   * readers are told.
   */
  readonly of: (step: Reported) => Effect.Effect<Report, never, Scope.Scope>
}

/** One for all the sessions of a worker, so that a thousand that report at once don't keep it from everything else. */
export const makeReporter = Effect.fnUntraced(function* (
  store: SessionStore["Service"],
  { interval, perSecond }: Options
): Effect.fn.Return<Reporter, never, Scope.Scope> {
  const pause = Duration.toMillis(interval)
  const perRound = Math.max(1, Math.floor((perSecond * round) / 1000))
  const entries = new Set<Entry>()
  // Whoever has waited for longest is first.
  const waiting = new Set<Entry>()
  const someThere = yield* Latch.make(false)

  const say = (entry: Entry, message: string): void => {
    entry.pending = message
    waiting.add(entry)
  }

  // A report that can't be written is no reason to fail the step.
  const write = (entry: Entry) =>
    Effect.suspend(() => {
      const message = entry.pending
      entry.pending = undefined
      if (message === undefined) return Effect.void
      const { id, isMine, name } = entry
      return Effect.ignore(
        store.modify(id, (session) =>
          isMine(session) && session.message !== message
            ? Option.some({ message, steps: withStep(session, name, (record) => ({ ...record, message })) })
            : Option.none()
        )
      )
    })

  const tellStall = (entry: Entry) =>
    Effect.suspend(() => {
      entry.stalls += 1
      const seconds = Math.round((entry.stalls * entry.stallAfter) / 1000)
      say(entry, `${entry.last} (no news for ${seconds} s)`)
      return Effect.logWarning(`The step "${entry.name}" of session ${entry.id} has said nothing for ${seconds} s`)
    })

  const oneRound = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const silent = [...entries].filter(
      // What was said is written before it is said that nothing is.
      ({ newsAt, pending, stallAfter, stalls }) => pending === undefined && now - newsAt >= (stalls + 1) * stallAfter
    )
    yield* Effect.forEach(silent, tellStall, { discard: true })
    const due: Array<Entry> = []
    for (const entry of waiting) {
      if (entry.dueAt > now) continue
      if (due.length === perRound) break
      due.push(entry)
    }
    for (const entry of due) {
      waiting.delete(entry)
      entry.dueAt = now + pause
    }
    yield* Effect.forEach(due, write, { concurrency: "unbounded", discard: true })
  })

  yield* Effect.suspend(() => {
    if (entries.size > 0) return Effect.delay(oneRound, round)
    someThere.closeUnsafe()
    return someThere.await
  }).pipe(Effect.forever, Effect.forkScoped)

  return {
    of: Effect.fnUntraced(function* (step) {
      const entry: Entry = {
        ...step,
        last: beginnings[step.name],
        newsAt: yield* Clock.currentTimeMillis,
        stalls: 0,
        pending: undefined,
        dueAt: 0
      }
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          entries.add(entry)
          someThere.openUnsafe()
        }),
        () =>
          Effect.sync(() => {
            entries.delete(entry)
            waiting.delete(entry)
          })
      )
      return (message) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          entry.last = message
          entry.newsAt = now
          entry.stalls = 0
          say(entry, message)
        })
    })
  }
})
