/**
 * The sessions of a service: durable, each brought to `ready` step by step, whichever worker runs it.
 *
 * @since 0.1.0
 */
import { Cause, Clock, Context, Duration, Effect, Layer, Option, type Scope } from "effect"
import type { WorkflowEngine } from "effect/workflow"
import * as BootstrapError from "./BootstrapError.ts"
import type { Run } from "./internal/runKey.ts"
import { BootstrapWorkflow, StopWorkflow, workflows } from "./internal/sessionWorkflow.ts"
import { aborted } from "./internal/stepRecords.ts"
import { isSettled, type Session } from "./Session.ts"
import type { SessionMachines } from "./SessionMachines.ts"
import type { SessionStep } from "./SessionStep.ts"
import { type NewSession, SessionStore } from "./SessionStore.ts"
import * as StepPolicy from "./StepPolicy.ts"

/**
 * What can be done with sessions. What there is to read is in the `SessionStore`.
 *
 * @since 0.1.0
 * @category services
 */
export class Sessions extends Context.Service<
  Sessions,
  {
    /** Makes a session and starts it; `SessionExists` where there is one of its id. */
    readonly create: (session: NewSession) => Effect.Effect<Session, BootstrapError.BootstrapError>
    /** Starts a session that is in `error` again, at the first step that is not done; `WrongStatus` for others. */
    readonly retry: (id: string) => Effect.Effect<Session, BootstrapError.BootstrapError>
    /** Stops a session that is being created, which is in `error` then and can be retried; `WrongStatus` for others. */
    readonly abort: (id: string) => Effect.Effect<Session, BootstrapError.BootstrapError>
    /** Stops a session for good, with what it runs on its machine. One that is archived stays so. */
    readonly archive: (id: string) => Effect.Effect<Session, BootstrapError.BootstrapError>
    /** Removes a session that is not being created, with its history; of an archived one once all is stopped. */
    readonly remove: (id: string) => Effect.Effect<void, BootstrapError.BootstrapError>
    /** Waits until nothing runs for the session any more: `ready`, `error` or `archived`. */
    readonly settled: (id: string) => Effect.Effect<Session, BootstrapError.BootstrapError>
  }
>()("@toehold/bootstrap-service/Sessions") {}

/**
 * Options of the service.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** What a step may take, where it is to differ from `StepPolicy.defaults`. */
  readonly policies?: Readonly<Partial<Record<SessionStep, Partial<StepPolicy.StepPolicy>>>> | undefined
  /** How often at most what a step reports is written down (default: 500 ms). */
  readonly reportInterval?: Duration.Input | undefined
  /**
   * How many reports of all sessions are written down in a second at most (default: 250). With more of them each session's
   * are written less often, the newest each time.
   */
  readonly reportsPerSecond?: number | undefined
  /** How often sessions are looked for whose start was lost with the worker that took it (default: 15 s). */
  readonly sweepInterval?: Duration.Input | undefined
}

/** More than a step needs to let go, and then what is left running to be stopped. */
const stopLimit = "90 seconds"

const runOf = ({ createdAt, id, run, vmId }: Session): Run => ({ sessionId: id, vmId, createdAt, run })

const make = Effect.fnUntraced(function* (
  sweepInterval: Duration.Input
): Effect.fn.Return<Sessions["Service"], never, SessionStore | WorkflowEngine.WorkflowEngine | Scope.Scope> {
  const store = yield* SessionStore
  const context = yield* Effect.context<WorkflowEngine.WorkflowEngine>()

  const begin = (session: Session) =>
    Effect.provideContext(BootstrapWorkflow.execute(runOf(session), { discard: true }), context)

  // A worker that was killed between writing a session down and starting it leaves one that nobody runs. The engine
  // takes no run up twice, so those that do run come to no harm.
  const sweep = Effect.gen(function* () {
    const before = (yield* Clock.currentTimeMillis) - Duration.toMillis(sweepInterval)
    let after: string | undefined
    do {
      const page: { readonly sessions: ReadonlyArray<Session>; readonly next: string | undefined } = yield* store.list({
        status: "creating",
        limit: 500,
        after
      })
      yield* Effect.forEach(
        page.sessions.filter(({ step, updatedAt }) => step === null && updatedAt < before),
        begin,
        { discard: true }
      )
      after = page.next
    } while (after !== undefined)
  })
  yield* sweep.pipe(
    Effect.catchCause((cause) => Effect.logWarning("Sessions whose start was lost could not be looked for", cause)),
    Effect.andThen(Effect.sleep(sweepInterval)),
    Effect.forever,
    Effect.forkScoped
  )

  /** Waits until all that runs for an archived session has come to its end, whichever worker runs it. */
  const stopped = (session: Session) =>
    Effect.andThen(BootstrapWorkflow.execute(runOf(session)), StopWorkflow.execute(runOf(session))).pipe(
      Effect.provideContext(context),
      Effect.timeoutOption(stopLimit),
      Effect.catchCauseIf(
        (cause) => !Cause.hasInterruptsOnly(cause),
        (cause) => Effect.logWarning(`Session ${session.id} is removed while something of it may run`, cause)
      )
    )

  /** The session after a change that only some statuses allow. */
  const only = Effect.fnUntraced(function* (
    id: string,
    action: "retry" | "abort",
    changed: Effect.Effect<Option.Option<Session>, BootstrapError.BootstrapError>
  ) {
    const session = yield* changed
    if (Option.isSome(session)) return session.value
    const { status } = yield* store.get(id)
    return yield* BootstrapError.make(new BootstrapError.WrongStatus({ id, status, action }))
  })

  return {
    create: Effect.fn("Sessions.create")(function* (session) {
      const created = yield* store.create(session)
      yield* begin(created)
      return created
    }),
    retry: Effect.fn("Sessions.retry")(function* (id) {
      const session = yield* only(
        id,
        "retry",
        store.modify(id, ({ run, status }) =>
          status === "error"
            ? Option.some({
                status: "creating",
                run: run + 1,
                failure: null,
                message: "Waiting to begin again",
                step: null
              })
            : Option.none()
        )
      )
      yield* begin(session)
      return session
    }),
    abort: Effect.fn("Sessions.abort")(function* (id) {
      return yield* only(id, "abort", store.modify(id, aborted))
    }),
    archive: Effect.fn("Sessions.archive")(function* (id) {
      let wasSettled = false
      const archived = yield* store.modify(id, (session) => {
        wasSettled = isSettled(session)
        return session.status === "archived" ? Option.none() : Option.some({ status: "archived", message: "Archived" })
      })
      if (Option.isNone(archived)) return yield* store.get(id)
      // One that was being created is stopped by whoever makes it.
      if (wasSettled) {
        yield* Effect.provideContext(StopWorkflow.execute(runOf(archived.value), { discard: true }), context)
      }
      return archived.value
    }),
    remove: Effect.fn("Sessions.remove")(function* (id) {
      const session = yield* store.get(id)
      const { status } = session
      if (status === "creating") {
        return yield* BootstrapError.make(new BootstrapError.WrongStatus({ id, status, action: "remove" }))
      }
      // Without the session nobody would know what to stop.
      if (status === "archived") yield* stopped(session)
      yield* store.remove(id)
    }),
    settled: (id) => store.waitFor(id, isSettled)
  }
})

/**
 * The service, which also takes its part in running the sessions; see `SessionEngine` for how several processes share
 * them.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWith = ({
  policies = {},
  reportInterval = "500 millis",
  reportsPerSecond = 250,
  sweepInterval = "15 seconds"
}: Options): Layer.Layer<Sessions, never, SessionStore | SessionMachines | WorkflowEngine.WorkflowEngine> =>
  Layer.effect(Sessions, make(sweepInterval)).pipe(
    // Registered first: what the engine finds in the database on its start it can run.
    Layer.provideMerge(workflows({ policies: StepPolicy.withChanges(policies), reportInterval, reportsPerSecond }))
  )

/**
 * The same as it is by default.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Sessions, never, SessionStore | SessionMachines | WorkflowEngine.WorkflowEngine> =
  layerWith({})
