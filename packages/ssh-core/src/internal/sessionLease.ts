import { Context, type Deferred } from "effect"

/** What a pool knows of the one session that a call of its was given. */
export interface SessionLease {
  /**
   * For the first session that the call opens: it never waits for a free one here, as the pool may have one elsewhere.
   * `undefined` once it was claimed.
   */
  readonly claim: () => Claim | undefined
}

export interface Claim {
  /** The session is over, though the call's scope may go on. */
  readonly ended: () => void
  /** None was free; the connection has so many at most, `aside` of them for itself. */
  readonly refused: (limit: number, aside: number) => void
  /** Done when another call needs a session and there is none left. */
  readonly wanted: Deferred.Deferred<void>
}

/** The lease of the call that is under way; no connection but a pool's has one. */
export const SessionLease = Context.Reference<SessionLease | undefined>("@toehold/ssh-core/internal/SessionLease", {
  defaultValue: () => undefined
})
