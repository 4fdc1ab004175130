/**
 * The sessions of a service: durable, each brought to `ready` step by step, whichever worker runs it.
 *
 * @since 0.1.0
 */
import { Clock, Context, type Duration, Effect, Layer, Option } from "effect"
import type { WorkflowEngine } from "effect/workflow"
import * as BootstrapError from "./BootstrapError.ts"
import { makeSessionRun } from "./internal/sessionRun.ts"
import { BootstrapWorkflow, StopWorkflow } from "./internal/sessionWorkflow.ts"
import { failureOf } from "./internal/failure.ts"
import type { Session } from "./Session.ts"
import type { SessionMachines } from "./SessionMachines.ts"
import type { SessionStep } from "./SessionStep.ts"
import { type NewSession, SessionStore } from "./SessionStore.ts"
import type { StepPolicy } from "./StepPolicy.ts"

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
    /** Removes a session that is not being created, with its history. */
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
  readonly policies?: Readonly<Partial<Record<SessionStep, Partial<StepPolicy>>>> | undefined
  /** How often at most what a step reports is written down (default: 250 ms). */
  readonly reportInterval?: Duration.Input | undefined
  /** How often sessions are looked for whose start was lost with the worker that took it (default: 15 s). */
  readonly sweepInterval?: Duration.Input | undefined
}
