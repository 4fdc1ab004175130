import { Clock, type Duration, Effect, Option, Queue, type Scope } from "effect"
import type { Session } from "../Session.ts"
import type { Report, SessionStep } from "../SessionStep.ts"
import type { SessionStore } from "../SessionStore.ts"
import { withStep } from "./stepRecords.ts"
import { beginnings } from "./takeStep.ts"

/** Milliseconds from one beat to the next. */
const beatEvery = 50

/** Reports of all sessions are written on one beat, so that they share a transaction. */
const beat = Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.sleep(beatEvery - (now % beatEvery)))

/** What a reporter needs to know of the step that it is for. */
export interface Reported {
  readonly id: string
  readonly name: SessionStep
  /** Whether the session is still to be written to. */
  readonly isMine: (session: Session) => boolean
  /** Milliseconds without news that count as a stall. */
  readonly stallAfter: number
  /** How often at most a report is written. */
  readonly interval: Duration.Input
}

/**
 * Writes down what a step reports until the scope closes, the newest where they come fast, and tells the log and the
 * session's readers when the step has fallen silent.
 */
export const makeReporter = Effect.fnUntraced(function* (
  store: SessionStore["Service"],
  { id, interval, isMine, name, stallAfter }: Reported
): Effect.fn.Return<Report, never, Scope.Scope> {
  const reports = yield* Queue.sliding<string>(1)
  let last = beginnings[name]
  let silence = 0

  // A report that can't be written is no reason to fail the step.
  const write = (message: string) =>
    store
      .modify(id, (session) =>
        isMine(session) && session.message !== message
          ? Option.some({ message, steps: withStep(session, name, (record) => ({ ...record, message })) })
          : Option.none()
      )
      .pipe(Effect.ignore)

  const tellStall = Effect.suspend(() => {
    silence += stallAfter
    const seconds = Math.round(silence / 1000)
    return Effect.andThen(
      Effect.logWarning(`The step "${name}" of session ${id} has said nothing for ${seconds} s`),
      write(`${last} (no news for ${seconds} s)`)
    )
  })

  const pass = (message: string) =>
    Effect.suspend(() => {
      last = message
      silence = 0
      return Effect.andThen(Effect.andThen(beat, write(message)), Effect.sleep(interval))
    })

  yield* Queue.take(reports).pipe(
    Effect.timeoutOption(stallAfter),
    Effect.flatMap(Option.match({ onNone: () => tellStall, onSome: pass })),
    Effect.forever,
    Effect.forkScoped
  )
  return (message) => Effect.asVoid(Queue.offer(reports, message))
})
