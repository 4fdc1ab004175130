import { Effect, Schedule } from "effect"
import * as BootstrapError from "../BootstrapError.ts"
import type { SessionRow, SessionRowPatch, SessionRows, SessionStatus } from "./bonfireModel.ts"

const failed = (cause: unknown): BootstrapError.BootstrapError =>
  BootstrapError.make(
    new BootstrapError.StoreFailed({
      detail: cause instanceof Error ? cause.message : String(cause),
      isRetryable: true
    })
  )

const again = { times: 3, schedule: Schedule.exponential("200 millis") }

/** What a session is doing, for the column that there is. */
export const progress = (rows: SessionRows, message: string): Pick<SessionRowPatch, "step" | "errorMessage"> =>
  rows.hasStep === true ? { step: message, errorMessage: null } : { errorMessage: message }

/** The row of a session, tried again where the caller's database fails. */
export const find = (
  rows: SessionRows,
  id: string
): Effect.Effect<SessionRow | undefined, BootstrapError.BootstrapError> =>
  Effect.tryPromise({ try: () => rows.get(id), catch: failed }).pipe(
    Effect.retry(again),
    Effect.map((row) => row ?? undefined)
  )

/** Whether the row was changed, which it is only from one of these statuses. */
export const write = (
  rows: SessionRows,
  id: string,
  patch: Omit<SessionRowPatch, "updatedAt">,
  updatedAt: Date,
  ifStatus: ReadonlyArray<SessionStatus>
): Effect.Effect<boolean, BootstrapError.BootstrapError> =>
  Effect.tryPromise({ try: () => rows.update(id, { ...patch, updatedAt }, { ifStatus }), catch: failed }).pipe(
    Effect.retry(again),
    Effect.map((changed) => changed !== false)
  )
