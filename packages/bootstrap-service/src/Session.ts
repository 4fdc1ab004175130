/**
 * An agent session: what is known of bringing one machine from "exists" to "its agent answers".
 *
 * @since 0.1.0
 */
import { Option, Schema } from "effect"
import { Outcome } from "@toehold/shell/Outcome"
import { Storable } from "./SessionConfig.ts"
import { SessionStep } from "./SessionStep.ts"

/**
 * Where a session is: `creating` becomes `ready` or `error`, and any of them `archived`, which is final. `error` becomes
 * `creating` again by a retry.
 *
 * @since 0.1.0
 * @category models
 */
export const Status = Schema.Literals(["creating", "ready", "error", "archived"])

/**
 * @since 0.1.0
 * @category models
 */
export type Status = typeof Status.Type

/**
 * What is known of one step. Times are milliseconds since 1970; `startedAt` is of the first attempt. `output` is what a
 * later run needs not to do the step again.
 *
 * @since 0.1.0
 * @category models
 */
export const StepRecord = Schema.Struct({
  name: SessionStep,
  state: Schema.Literals(["running", "done", "failed"]),
  /** How often it was begun, over all runs and workers. */
  attempts: Schema.Int,
  message: Schema.String,
  startedAt: Schema.Finite,
  endedAt: Schema.NullOr(Schema.Finite),
  output: Schema.Json
})

/**
 * @since 0.1.0
 * @category models
 */
export type StepRecord = typeof StepRecord.Type

/**
 * Why a session is in `error`: the reason's tag, what happened in one line and what to do next.
 *
 * @since 0.1.0
 * @category models
 */
export const Failure = Schema.Struct({
  reason: Schema.String,
  message: Schema.String,
  fix: Schema.String,
  isRetryable: Schema.Boolean,
  outcome: Outcome,
  step: Schema.NullOr(SessionStep)
})

/**
 * @since 0.1.0
 * @category models
 */
export type Failure = typeof Failure.Type

/**
 * A session as the store has it. `revision` grows by one with each change and is the id of the event that tells of it;
 * `run` counts the starts: 1, and one more with each retry. Times are milliseconds since 1970.
 *
 * @since 0.1.0
 * @category models
 */
export const Session = Schema.Struct({
  id: Schema.String,
  /** Whose it is, for callers that see only their own; empty where there is nobody to tell apart. */
  owner: Schema.String,
  status: Status,
  run: Schema.Int,
  /** The step that runs or ran last. */
  step: Schema.NullOr(SessionStep),
  /** What goes on, for people. */
  message: Schema.String,
  failure: Schema.NullOr(Failure),
  vmId: Schema.String,
  workspacePath: Schema.NullOr(Schema.String),
  /** What it is made from, without the secrets. */
  config: Storable,
  steps: Schema.Array(StepRecord),
  createdAt: Schema.Finite,
  updatedAt: Schema.Finite,
  revision: Schema.Int
})

/**
 * @since 0.1.0
 * @category models
 */
export type Session = typeof Session.Type

/**
 * One change of a session, as readers of its history see it. `id` is the session's revision after it.
 *
 * @since 0.1.0
 * @category models
 */
export const SessionEvent = Schema.Struct({
  sessionId: Schema.String,
  id: Schema.Int,
  at: Schema.Finite,
  status: Status,
  step: Schema.NullOr(SessionStep),
  message: Schema.String,
  failure: Schema.NullOr(Failure)
})

/**
 * @since 0.1.0
 * @category models
 */
export type SessionEvent = typeof SessionEvent.Type

/**
 * The event that tells of the session's last change.
 *
 * @since 0.1.0
 * @category accessors
 */
export const eventOf = (session: Session): SessionEvent => ({
  sessionId: session.id,
  id: session.revision,
  at: session.updatedAt,
  status: session.status,
  step: session.step,
  message: session.message,
  failure: session.failure
})

/**
 * What is known of a step, if it was ever begun.
 *
 * @since 0.1.0
 * @category accessors
 */
export const stepOf = (session: Session, name: SessionStep): Option.Option<StepRecord> =>
  Option.fromUndefinedOr(session.steps.find((step) => step.name === name))

/**
 * Whether nothing runs for the session any more, until somebody retries it.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isSettled = ({ status }: Pick<Session, "status">): boolean => status !== "creating"
