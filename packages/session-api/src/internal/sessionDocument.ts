/** A session as the API shows it: without its owner's secrets, with times that people read. */
import { Schema } from "effect"
import * as Session from "@toehold/bootstrap-service/Session"
import * as SessionConfig from "@toehold/bootstrap-service/SessionConfig"
import { SessionStep } from "@toehold/bootstrap-service/SessionStep"

const { sessionId, vmId, ...storable } = SessionConfig.Storable.fields
const { credentials, openCodePassword, sshKey } = SessionConfig.Secrets.fields

/** A session's id, which is also the name of its folder on the machine. */
export const SessionId = sessionId

/** The name of a machine. */
export const MachineName = vmId

/**
 * What a new session is made from. `machine` is a name out of `GET /v1/machines`. `id` makes the call safe to repeat:
 * asked for again with the same content, the session that is there is the answer.
 *
 * @since 0.1.0
 * @category models
 */
export const NewSession = Schema.Struct({
  id: Schema.optionalKey(sessionId),
  machine: vmId,
  ...storable,
  credentials,
  openCodePassword,
  sshKey
}).annotate({ identifier: "NewSession" })

/**
 * @since 0.1.0
 * @category models
 */
export type NewSession = typeof NewSession.Type

const Time = Schema.String.annotate({ description: "Time in UTC, as of RFC 3339", format: "date-time" })

/**
 * What is known of one step of a session.
 *
 * @since 0.1.0
 * @category models
 */
export const Step = Schema.Struct({
  name: SessionStep,
  state: Session.StepRecord.fields.state,
  attempts: Schema.Int,
  message: Schema.String,
  startedAt: Time,
  endedAt: Schema.NullOr(Time)
}).annotate({ identifier: "Step" })

/**
 * A session. `revision` grows with each change and is the id of the event that tells of it; `run` counts the starts.
 *
 * @since 0.1.0
 * @category models
 */
export const ShownSession = Schema.Struct({
  id: Schema.String,
  status: Session.Status,
  run: Schema.Int,
  step: Schema.NullOr(SessionStep),
  message: Schema.String,
  failure: Schema.NullOr(Session.Failure),
  machine: Schema.String,
  repoUrl: Schema.String,
  branch: Schema.NullOr(Schema.String),
  workspacePath: Schema.NullOr(Schema.String),
  steps: Schema.Array(Step),
  createdAt: Time,
  updatedAt: Time,
  revision: Schema.Int
}).annotate({ identifier: "Session" })

/**
 * @since 0.1.0
 * @category models
 */
export type ShownSession = typeof ShownSession.Type

/**
 * One change of a session. `id` is the session's revision after it.
 *
 * @since 0.1.0
 * @category models
 */
export const ShownEvent = Schema.Struct({
  sessionId: Schema.String,
  id: Schema.Int,
  at: Time,
  status: Session.Status,
  step: Schema.NullOr(SessionStep),
  message: Schema.String,
  failure: Schema.NullOr(Session.Failure)
}).annotate({ identifier: "SessionEvent" })

/**
 * @since 0.1.0
 * @category models
 */
export type ShownEvent = typeof ShownEvent.Type

const timeOf = (milliseconds: number): string => new Date(milliseconds).toISOString()

export const ofSession = (session: Session.Session): ShownSession => ({
  id: session.id,
  status: session.status,
  run: session.run,
  step: session.step,
  message: session.message,
  failure: session.failure,
  machine: session.vmId,
  repoUrl: session.config.repoUrl,
  branch: session.config.branch ?? null,
  workspacePath: session.workspacePath,
  steps: session.steps.map(({ attempts, endedAt, message, name, startedAt, state }) => ({
    name,
    state,
    attempts,
    message,
    startedAt: timeOf(startedAt),
    endedAt: endedAt === null ? null : timeOf(endedAt)
  })),
  createdAt: timeOf(session.createdAt),
  updatedAt: timeOf(session.updatedAt),
  revision: session.revision
})

export const ofEvent = (event: Session.SessionEvent): ShownEvent => ({ ...event, at: timeOf(event.at) })
