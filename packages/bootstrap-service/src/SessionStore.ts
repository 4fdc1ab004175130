/**
 * Where sessions are kept. `SqlStore` keeps them in SQLite or PostgreSQL, `MemoryStore` in memory.
 *
 * @since 0.1.0
 */
import { Context, type Effect, type Option, type Stream } from "effect"
import type * as BootstrapError from "./BootstrapError.ts"
import type { Failure, Session, SessionEvent, Status, StepRecord } from "./Session.ts"
import type { Secrets, SessionConfig } from "./SessionConfig.ts"
import type { SessionStep } from "./SessionStep.ts"

/**
 * A session that is to be.
 *
 * @since 0.1.0
 * @category models
 */
export interface NewSession {
  /** Its `sessionId` is the session's id. */
  readonly config: SessionConfig
  /** Whose it is (default: nobody's). */
  readonly owner?: string | undefined
}

/**
 * What to change; what is absent stays.
 *
 * @since 0.1.0
 * @category models
 */
export interface Patch {
  readonly status?: Status | undefined
  readonly run?: number | undefined
  readonly step?: SessionStep | null | undefined
  readonly message?: string | undefined
  readonly failure?: Failure | null | undefined
  readonly workspacePath?: string | null | undefined
  readonly steps?: ReadonlyArray<StepRecord> | undefined
}

/**
 * What must hold for a change to be made.
 *
 * @since 0.1.0
 * @category models
 */
export interface Condition {
  /** The session has this status, or one of these. */
  readonly ifStatus?: Status | ReadonlyArray<Status> | undefined
  /** The session is in this run. */
  readonly ifRun?: number | undefined
}

/**
 * Which sessions to list, newest first.
 *
 * @since 0.1.0
 * @category models
 */
export interface ListOptions {
  readonly status?: Status | undefined
  readonly owner?: string | undefined
  readonly vmId?: string | undefined
  /** How many at most: 1 to 500 (default: 50). */
  readonly limit?: number | undefined
  /** `next` of the page before. */
  readonly after?: string | undefined
}

/**
 * A page of a list. `next` is there when more may follow.
 *
 * @since 0.1.0
 * @category models
 */
export interface Page {
  readonly sessions: ReadonlyArray<Session>
  readonly next: string | undefined
}

/**
 * The sessions and their history. Changes of one session happen one after the other, whoever makes them; each writes its
 * event in the same transaction.
 *
 * @since 0.1.0
 * @category services
 */
export class SessionStore extends Context.Service<
  SessionStore,
  {
    /** A new session in `creating`; `SessionExists` where there is one of this id. */
    readonly create: (session: NewSession) => Effect.Effect<Session, BootstrapError.BootstrapError>
    /** `SessionNotFound` where there is none. */
    readonly get: (id: string) => Effect.Effect<Session, BootstrapError.BootstrapError>
    /** The secrets that the session was made with; none once it is archived. */
    readonly secrets: (id: string) => Effect.Effect<Secrets, BootstrapError.BootstrapError>
    /** The session after the change; nothing where the condition doesn't hold, and then nothing was changed. */
    readonly update: (
      id: string,
      patch: Patch,
      condition?: Condition
    ) => Effect.Effect<Option.Option<Session>, BootstrapError.BootstrapError>
    /** The same with a change that follows from what the session is; the function may be called more than once. */
    readonly modify: (
      id: string,
      change: (session: Session) => Option.Option<Patch>
    ) => Effect.Effect<Option.Option<Session>, BootstrapError.BootstrapError>
    readonly list: (options?: ListOptions) => Effect.Effect<Page, BootstrapError.BootstrapError>
    /** Removes a session with its history. One that is not there is no error. */
    readonly remove: (id: string) => Effect.Effect<void, BootstrapError.BootstrapError>
    /** The events whose id is beyond `after` (default: 0, so all), oldest first, 1,000 at most. */
    readonly events: (
      id: string,
      options?: { readonly after?: number | undefined }
    ) => Effect.Effect<ReadonlyArray<SessionEvent>, BootstrapError.BootstrapError>
    /** The same as they come, without an end; `SessionNotFound` when the session is removed. */
    readonly watch: (
      id: string,
      options?: { readonly after?: number | undefined }
    ) => Stream.Stream<SessionEvent, BootstrapError.BootstrapError>
    /** Waits until a session is as asked, and answers how it is then. */
    readonly waitFor: (
      id: string,
      predicate: (session: Session) => boolean
    ) => Effect.Effect<Session, BootstrapError.BootstrapError>
    /** Takes a machine for a session unless another has it, and answers the id of the one that has it then. */
    readonly holdMachine: (vmId: string, id: string) => Effect.Effect<string, BootstrapError.BootstrapError>
    /** Gives a machine back, if the session has it. */
    readonly releaseMachine: (vmId: string, id: string) => Effect.Effect<void, BootstrapError.BootstrapError>
  }
>()("@toehold/bootstrap-service/SessionStore") {}
