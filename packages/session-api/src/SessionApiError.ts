/**
 * The one error of this package: why a call of the session API failed, as one of a fixed list of reasons.
 *
 * @since 0.1.0
 */
import { Schema } from "effect"
import type { Outcome as Outcome_ } from "@toehold/shell/Outcome"
import { BadAnswer, Refusal, Unreachable } from "./internal/reason.ts"

export * from "./internal/reason.ts"

/**
 * What is known of the call when it failed: it certainly changed nothing, it may have, or it did its work.
 *
 * @since 0.1.0
 * @category models
 */
export type Outcome = Outcome_

/**
 * Every reason that a {@link SessionApiError} can hold.
 *
 * @since 0.1.0
 * @category reasons
 */
export const Reason = Schema.Union([...Refusal.members, Unreachable, BadAnswer])

/**
 * @since 0.1.0
 * @category reasons
 */
export type Reason = typeof Reason.Type

/**
 * What went wrong with a call. `reason` tells the cause apart, `message` says what happened in one line, `fix` what to do
 * next, `isRetryable` whether the same call may succeed later, and `outcome` whether it did anything.
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionApiError extends Schema.TaggedError<SessionApiError>("@toehold/session-api/SessionApiError")(
  "SessionApiError",
  { reason: Reason }
) {
  override get message(): string {
    return this.reason.message
  }

  get fix(): string {
    return this.reason.fix
  }

  get isRetryable(): boolean {
    return this.reason.isRetryable
  }

  get outcome(): Outcome {
    return this.reason.outcome
  }
}

/**
 * A {@link SessionApiError} for a reason.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (reason: Reason): SessionApiError => new SessionApiError({ reason })
