import { Cause, Clock, Data, Duration, Effect, Option, Ref, Result, Schedule, Scope, Semaphore } from "effect"
import * as BootstrapError from "../BootstrapError.ts"
import { type Session, stepOf } from "../Session.ts"
import * as SessionConfig from "../SessionConfig.ts"
import { SessionMachines } from "../SessionMachines.ts"
import { inOrder, type SessionStep } from "../SessionStep.ts"
import type { SessionSteps } from "../SessionSteps.ts"
import { type Patch, SessionStore } from "../SessionStore.ts"
import type { StepPolicies } from "../StepPolicy.ts"
import { keyOf, type Run } from "./runKey.ts"
import * as StepRecords from "./stepRecords.ts"
import { makeReporter } from "./stepReporter.ts"
import { outputOf, takeStep, type Taken } from "./takeStep.ts"

/** How a step ended: `stopped` when the session was archived, aborted or removed, or is in a later run. */
export type StepEnd = "done" | "failed" | "stopped"

class Stopped extends Data.TaggedError("Stopped") {}

/** The machine was started anew since the steps that are done. */
class Rebooted extends Data.TaggedError("Rebooted") {}

/** The machine of a run. */
interface Opened {
  readonly config: SessionConfig.SessionConfig
  readonly steps: SessionSteps["Service"]
  /** Whether the machine is known to be in the boot in which the steps were done. */
  readonly isSameBoot: Ref.Ref<boolean>
}

/** The machine of a run, opened when it is first asked for and closed with the run. */
export type Open = Effect.Effect<Opened, BootstrapError.BootstrapError>

export interface RunOptions {
  readonly policies: StepPolicies
  readonly reportInterval: Duration.Input
  /** How many reports of all sessions are written in a second at most. */
  readonly reportsPerSecond: number
}

const holdPause = Duration.seconds(1)
const stopLimit = Duration.seconds(30)
const longestPause = Duration.seconds(30)
const defaultHealthTimeoutMs = 120_000

/** A machine that starts anew time and again is not waited for. */
const mostReboots = 3

const growing = (pause: Duration.Input) => Schedule.min([Schedule.exponential(pause), Schedule.spaced(longestPause)])

/** A database that is away for a while must not fail a session that does well. */
const durable = <A>(effect: Effect.Effect<A, BootstrapError.BootstrapError>) =>
  Effect.retry(effect, { while: ({ reason }) => reason._tag === "StoreFailed", schedule: growing("200 millis") })

/** The same, of a session that may have been removed. */
const orStopped = <A>(effect: Effect.Effect<A, BootstrapError.BootstrapError>) =>
  Effect.catchIf(
    durable(effect),
    ({ reason }) => reason._tag === "SessionNotFound",
    () => Effect.fail(new Stopped())
  )

const isMine =
  (run: Run) =>
  (session: Session): boolean =>
    session.status === "creating" && session.createdAt === run.createdAt && session.run === run.run

const isDone = (session: Session, name: SessionStep): boolean =>
  Option.exists(stepOf(session, name), ({ state }) => state === "done")

/** The first step up to this one that is not done. */
const firstLeft = (session: Session, name: SessionStep): SessionStep | undefined =>
  inOrder.slice(0, inOrder.indexOf(name) + 1).find((step) => !isDone(session, step))

const crash = (step: SessionStep, cause: Cause.Cause<unknown>) =>
  Effect.andThen(
    Effect.logError(`The step "${step}" failed by a fault of this program`, cause),
    Effect.fail(
      BootstrapError.make(new BootstrapError.StepCrashed({ step, detail: String(Cause.squash(cause)).slice(0, 500) }))
    )
  )

/** What a worker does in one run of a session. Each part may be done again after a worker that was killed in it. */
export const makeSessionRun = Effect.fnUntraced(function* ({ policies, reportInterval, reportsPerSecond }: RunOptions) {
  const store = yield* SessionStore
  const machines = yield* SessionMachines
  const reporter = yield* makeReporter(store, { interval: reportInterval, perSecond: reportsPerSecond })

  const opener = (run: Run): Effect.Effect<Open, never, Scope.Scope> =>
    Effect.map(Effect.all([Effect.scope, Semaphore.make(1)]), ([scope, turn]) => {
      let opened: Opened | undefined
      const open = Effect.gen(function* () {
        if (opened !== undefined) return opened
        const session = yield* durable(store.get(run.sessionId))
        const secrets = yield* durable(store.secrets(run.sessionId))
        const config = SessionConfig.join(session.config, secrets)
        const steps = yield* Scope.provide(machines.steps(config), scope)
        opened = { config, steps, isSameBoot: yield* Ref.make(false) }
        return opened
      })
      return turn.withPermit(open)
    })

  /** The session after a change, as long as it is this run's. */
  const change = Effect.fnUntraced(function* (run: Run, patch: (session: Session, now: number) => Patch) {
    const now = yield* Clock.currentTimeMillis
    const changed = yield* orStopped(
      store.modify(run.sessionId, (session) =>
        isMine(run)(session) ? Option.some(patch(session, now)) : Option.none()
      )
    )
    return Option.isSome(changed) ? changed.value : yield* new Stopped()
  })

  const current = Effect.fnUntraced(function* (run: Run) {
    const session = yield* orStopped(store.get(run.sessionId))
    return isMine(run)(session) ? session : yield* new Stopped()
  })

  /**
   * Finds out whether the machine was started anew since the session's shell was looked at, by an earlier worker or run or
   * before something failed: then nothing counts as done any more but the shell.
   */
  const sameBoot = Effect.fnUntraced(function* (run: Run, { config, isSameBoot, steps }: Opened) {
    if (yield* Ref.get(isSameBoot)) return
    const before = outputOf(yield* current(run), "console")
    if (Result.isSuccess(before) && before.success.bootId !== undefined) {
      const now = yield* steps.console(config, {})
      if (now.bootId !== undefined && now.bootId !== before.success.bootId) {
        yield* change(run, (session) => StepRecords.rebooted(session, now))
        return yield* new Rebooted()
      }
    }
    yield* Ref.set(isSameBoot, true)
  })

  const attempt = (run: Run, name: SessionStep, open: Open) =>
    Effect.gen(function* () {
      const session = yield* change(run, (found, now) => StepRecords.begun(found, name, now))
      const opened = yield* open
      const { config, steps } = opened
      const { stallAfter, timeLimit } = policies[name]
      const report = yield* reporter.of({ id: run.sessionId, name, isMine: isMine(run), stallAfter })
      const ownLimit = name === "health" ? (config.healthPollTimeoutMs ?? defaultHealthTimeoutMs) : 0
      const timeoutMs = timeLimit + ownLimit
      const taken = Effect.gen(function* () {
        // The shell's own step says which boot it is.
        if (name !== "machine" && name !== "console") yield* sameBoot(run, opened)
        const done = yield* takeStep(name, steps, session, config, report)
        if (name === "console") yield* Ref.set(opened.isSameBoot, true)
        return done
      })
      return yield* Effect.timeoutOrElse(taken, {
        duration: timeoutMs,
        orElse: () => Effect.fail(BootstrapError.make(new BootstrapError.StepTimeout({ step: name, timeoutMs })))
      }).pipe(Effect.tapError(() => Ref.set(opened.isSameBoot, false)))
    }).pipe(
      Effect.scoped,
      Effect.catchCauseIf(Cause.hasDies, (cause) => crash(name, cause)),
      Effect.retry({
        times: policies[name].attempts - 1,
        while: (error) => error._tag === "BootstrapError" && error.isRetryable,
        schedule: growing(policies[name].pause)
      })
    )

  /** Takes one step and writes down what it came to. */
  const take = (
    run: Run,
    name: SessionStep,
    open: Open
  ): Effect.Effect<StepEnd, BootstrapError.BootstrapError | Stopped | Rebooted> =>
    Effect.gen(function* () {
      const stopped = Effect.andThen(
        orStopped(store.waitFor(run.sessionId, (now) => !isMine(run)(now))),
        Effect.fail(new Stopped())
      )
      const taken: Taken | BootstrapError.BootstrapError = yield* Effect.raceFirst(
        attempt(run, name, open),
        stopped
      ).pipe(Effect.catchTag("BootstrapError", Effect.succeed))
      if (taken instanceof BootstrapError.BootstrapError) {
        yield* change(run, (found, now) => StepRecords.failed(found, name, taken, now))
        return "failed"
      }
      yield* change(run, (found, now) => StepRecords.done(found, name, taken, now))
      return "done"
    })

  /** Takes a step unless it is done already, and before it those that a reboot has undone. */
  const step = (run: Run, name: SessionStep, open: Open): Effect.Effect<StepEnd, BootstrapError.BootstrapError> =>
    Effect.gen(function* () {
      let reboots = 0
      while (true) {
        const left = firstLeft(yield* current(run), name)
        if (left === undefined) return "done"
        const end = yield* take(run, left, open).pipe(Effect.catchTag("Rebooted", () => Effect.undefined))
        if (end === undefined) {
          if (++reboots < mostReboots) continue
          const error = BootstrapError.make(
            new BootstrapError.ConnectionLost({
              step: left,
              detail: "the machine is started anew time and again",
              isRetryable: true,
              outcome: "may-have-run"
            })
          )
          yield* change(run, (found, now) => StepRecords.failed(found, left, error, now))
          return "failed"
        }
        // After the last one the session is nobody's run any more.
        if (end !== "done" || left === name) return end
      }
    }).pipe(Effect.catchTag("Stopped", () => Effect.succeed<StepEnd>("stopped")))

  /** Waits until the run has its machine alone. */
  const hold = (run: Run): Effect.Effect<StepEnd, BootstrapError.BootstrapError> => {
    const own = keyOf(run)
    const turn: Effect.Effect<StepEnd, BootstrapError.BootstrapError | Stopped> = Effect.gen(function* () {
      const session = yield* current(run)
      const holder = yield* durable(store.holdMachine(run.vmId, own))
      if (holder === own) return "done"
      const message = `Waiting for session ${holder.split("/")[0] ?? ""}, which is being made on this machine`
      if (holder !== "" && session.message !== message) yield* change(run, () => ({ message }))
      yield* Effect.sleep(holdPause)
      return yield* turn
    })
    return Effect.catchTag(turn, "Stopped", () => Effect.succeed<StepEnd>("stopped"))
  }

  const release = (run: Run) => durable(store.releaseMachine(run.vmId, keyOf(run)))

  /** Ends what the session has left running on its machine, as well as that can be done. */
  const stop = (run: Run, open: Open): Effect.Effect<void> =>
    Effect.gen(function* () {
      const session = yield* durable(store.get(run.sessionId))
      const reached = outputOf(session, "console")
      // Where no shell was ever reached nothing was started.
      if (reached._tag === "Failure") return
      const { config, steps } = yield* open
      yield* steps.stop(config, { console: reached.success })
    }).pipe(
      Effect.timeout(stopLimit),
      Effect.catchCause((cause) =>
        Cause.hasInterruptsOnly(cause)
          ? Effect.interrupt
          : Effect.logWarning(`What session ${run.sessionId} runs on its machine could not be stopped`, cause)
      )
    )

  return { opener, step, hold, release, stop }
})
