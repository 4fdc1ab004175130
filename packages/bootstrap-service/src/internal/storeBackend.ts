import { type Effect, Result } from "effect"
import type * as BootstrapError from "../BootstrapError.ts"
import type { Session, SessionEvent } from "../Session.ts"
import type { ListOptions } from "../SessionStore.ts"

/**
 * A change of one session: what it is to become, given what it is. The same session back means no change, a failure
 * refuses it.
 */
export interface Change {
  readonly id: string
  readonly apply: (current: Session | undefined, now: number) => Result.Result<Session, BootstrapError.BootstrapError>
  /** To be kept with a session that the change makes, until it is archived. */
  readonly secrets?: string | undefined
}

/** What became of a change. */
export interface Applied {
  readonly before: Session | undefined
  readonly after: Session
}

export type Outcomes = ReadonlyArray<Result.Result<Applied, BootstrapError.BootstrapError>>

export interface Cursor {
  readonly createdAt: number
  readonly id: string
}

/** What a place to keep sessions must be able to do. */
export interface Backend {
  /** All changes in one transaction, in their order, each with its event; the outcomes in the same order. */
  readonly commit: (changes: ReadonlyArray<Change>) => Effect.Effect<Outcomes, BootstrapError.BootstrapError>
  readonly find: (id: string) => Effect.Effect<Session | undefined, BootstrapError.BootstrapError>
  readonly secrets: (id: string) => Effect.Effect<string | undefined, BootstrapError.BootstrapError>
  /** Whether another process may have changed something since this was asked last. */
  readonly mayHaveChanged: Effect.Effect<boolean, BootstrapError.BootstrapError>
  readonly revisions: (
    ids: ReadonlyArray<string>
  ) => Effect.Effect<ReadonlyMap<string, number>, BootstrapError.BootstrapError>
  /** Newest first, beyond the cursor. */
  readonly list: (
    filter: Pick<ListOptions, "status" | "owner" | "vmId">,
    limit: number,
    beyond: Cursor | undefined
  ) => Effect.Effect<ReadonlyArray<Session>, BootstrapError.BootstrapError>
  readonly remove: (id: string) => Effect.Effect<void, BootstrapError.BootstrapError>
  readonly events: (
    id: string,
    after: number,
    limit: number
  ) => Effect.Effect<ReadonlyArray<SessionEvent>, BootstrapError.BootstrapError>
  readonly hold: (vmId: string, id: string) => Effect.Effect<string, BootstrapError.BootstrapError>
  readonly release: (vmId: string, id: string) => Effect.Effect<void, BootstrapError.BootstrapError>
}

/**
 * Applies changes to sessions in their order: the outcomes, every state that a session came to (for its event), what
 * each is at the end, and the secrets of those that are new.
 */
export const applyAll = (
  changes: ReadonlyArray<Change>,
  current: ReadonlyMap<string, Session>,
  now: number
): {
  readonly outcomes: Outcomes
  readonly states: ReadonlyArray<Session>
  readonly last: ReadonlyMap<string, Session>
  readonly secrets: ReadonlyMap<string, string>
} => {
  const sessions = new Map(current)
  const last = new Map<string, Session>()
  const states: Array<Session> = []
  const kept = new Map<string, string>()
  const outcomes = changes.map(({ apply, id, secrets }) => {
    const before = sessions.get(id)
    return Result.map(apply(before, now), (after): Applied => {
      if (after !== before) {
        sessions.set(id, after)
        last.set(id, after)
        states.push(after)
        if (before === undefined && secrets !== undefined) kept.set(id, secrets)
      }
      return { before, after }
    })
  })
  return { outcomes, states, last, secrets: kept }
}
