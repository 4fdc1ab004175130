/**
 * The one error of this package: what went wrong with the Vast.ai API, as one of a fixed list of reasons.
 *
 * @since 0.1.0
 */
import { Schema } from "effect"
import type { Outcome as Outcome_ } from "@toehold/shell/Outcome"
import {
  KeyMissing,
  Unauthorized,
  TwoFactorRequired,
  Forbidden,
  NotFound,
  Gone,
  InvalidRequest,
  RateLimited,
  NoSuchOffer,
  BilledButFailed,
  CreateUnknown,
  ServerError,
  Transport,
  InvalidResponse,
  ResultTimeout,
  InstanceFailed,
  WaitTimeout
} from "./internal/reason.ts"

export * from "./internal/reason.ts"

/**
 * What is known of the request when it failed: it certainly changed nothing, it may have, or it did its work.
 *
 * @since 0.1.0
 * @category models
 */
export type Outcome = Outcome_

/**
 * Every reason that a {@link VastError} can hold.
 *
 * @since 0.1.0
 * @category reasons
 */
export const Reason = Schema.Union([
  KeyMissing,
  Unauthorized,
  TwoFactorRequired,
  Forbidden,
  NotFound,
  Gone,
  InvalidRequest,
  RateLimited,
  NoSuchOffer,
  BilledButFailed,
  CreateUnknown,
  ServerError,
  Transport,
  InvalidResponse,
  ResultTimeout,
  InstanceFailed,
  WaitTimeout
])

/**
 * @since 0.1.0
 * @category reasons
 */
export type Reason = typeof Reason.Type

/**
 * What went wrong with the Vast.ai API. `reason` tells the cause apart, `message` says what happened in one line, `fix`
 * what to do next, `isRetryable` whether the same call may succeed later, and `outcome` whether it did anything.
 *
 * @since 0.1.0
 * @category errors
 */
export class VastError extends Schema.TaggedError<VastError>("@toehold/vast-api/VastError")("VastError", {
  reason: Reason
}) {
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
 * A {@link VastError} for a reason.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (reason: Reason): VastError => new VastError({ reason })
