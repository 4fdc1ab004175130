import { Effect } from "effect"
import * as BootstrapError from "../BootstrapError.ts"
import type { Failure, Session, SessionEvent, Status, StepRecord } from "../Session.ts"
import type { Storable } from "../SessionConfig.ts"
import type { SessionStep } from "../SessionStep.ts"

// Rows are read and written many times for each step, of thousands of sessions at once. What is in them was checked when
// it came in, so it is not checked again; only what isn't of its type at all is refused.

/** A row of `toehold_sessions`. PostgreSQL's driver hands 64-bit integers over as text. */
export interface SessionRow {
  readonly id: string
  readonly owner: string
  readonly status: Status
  readonly run: number
  readonly step: SessionStep | null
  readonly message: string
  readonly failure: string | null
  readonly vm_id: string
  readonly workspace_path: string | null
  readonly config: string
  readonly steps: string
  readonly created_at: number | string
  readonly updated_at: number | string
  readonly revision: number
}

/** A row of `toehold_session_events`. */
export interface EventRow {
  readonly session_id: string
  readonly id: number
  readonly at: number | string
  readonly status: Status
  readonly step: SessionStep | null
  readonly message: string
  readonly failure: string | null
}

const failureText = (failure: Failure | null): string | null => (failure === null ? null : JSON.stringify(failure))

// Written by `rowOf` below.
const parse = <A extends object>(text: string): A => JSON.parse(text) as A

const failureOf = (text: string | null): Failure | null => (text === null ? null : parse<Failure>(text))

export const rowOf = (session: Session): Record<string, unknown> => ({
  id: session.id,
  owner: session.owner,
  status: session.status,
  run: session.run,
  step: session.step,
  message: session.message,
  failure: failureText(session.failure),
  vm_id: session.vmId,
  workspace_path: session.workspacePath,
  config: JSON.stringify(session.config),
  steps: JSON.stringify(session.steps),
  created_at: session.createdAt,
  updated_at: session.updatedAt,
  revision: session.revision
})

export const eventRowOf = (session: Session): Record<string, unknown> => ({
  session_id: session.id,
  id: session.revision,
  at: session.updatedAt,
  status: session.status,
  step: session.step,
  message: session.message,
  failure: failureText(session.failure)
})

const read = <Row, A>(rows: ReadonlyArray<Row>, one: (row: Row) => A) =>
  Effect.try({
    try: () => rows.map(one),
    catch: () =>
      BootstrapError.make(new BootstrapError.StoreFailed({ detail: "what it holds can't be read", isRetryable: false }))
  })

export const sessionsOf = (
  rows: ReadonlyArray<SessionRow>
): Effect.Effect<ReadonlyArray<Session>, BootstrapError.BootstrapError> =>
  read(rows, (row) => ({
    id: row.id,
    owner: row.owner,
    status: row.status,
    run: row.run,
    step: row.step,
    message: row.message,
    failure: failureOf(row.failure),
    vmId: row.vm_id,
    workspacePath: row.workspace_path,
    config: parse<Storable>(row.config),
    steps: parse<ReadonlyArray<StepRecord>>(row.steps),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
    revision: row.revision
  }))

export const eventsOf = (
  rows: ReadonlyArray<EventRow>
): Effect.Effect<ReadonlyArray<SessionEvent>, BootstrapError.BootstrapError> =>
  read(rows, (row) => ({
    sessionId: row.session_id,
    id: row.id,
    at: Number(row.at),
    status: row.status,
    step: row.step,
    message: row.message,
    failure: failureOf(row.failure)
  }))
