/**
 * The one error of this package: what went wrong with a job, as one of a fixed list of reasons.
 *
 * @since 0.1.0
 */
import { Schema } from "effect"
import type { Outcome as Outcome_ } from "@toehold/shell/Outcome"
import {
  AlreadyExists,
  BadReply,
  CommandNotFound,
  FileFailed,
  InvalidArgument,
  KillFailed,
  NoSpace,
  NotFound,
  NotStarted,
  PermissionDenied,
  StillRunning,
  Transport,
  Unsupported,
  WaitTimeout
} from "./internal/reason.ts"

export {
  AlreadyExists,
  BadReply,
  CommandNotFound,
  FileFailed,
  InvalidArgument,
  KillFailed,
  NoSpace,
  NotFound,
  NotStarted,
  PermissionDenied,
  StillRunning,
  Transport,
  Unsupported,
  WaitTimeout
} from "./internal/reason.ts"

/**
 * What is known of the request when it failed: it certainly changed nothing, it may have, or it did its work. To start a
 * job again under its own id is always safe.
 *
 * @since 0.1.0
 * @category models
 */
export type Outcome = Outcome_

/**
 * Every reason that a {@link JobsError} can hold.
 *
 * @since 0.1.0
 * @category reasons
 */
export const Reason = Schema.Union([
  NotFound,
  AlreadyExists,
  StillRunning,
  CommandNotFound,
  InvalidArgument,
  NoSpace,
  PermissionDenied,
  FileFailed,
  Unsupported,
  NotStarted,
  KillFailed,
  WaitTimeout,
  BadReply,
  Transport
])

/**
 * @since 0.1.0
 * @category reasons
 */
export type Reason = typeof Reason.Type

/**
 * What went wrong with a job. `reason` tells the cause apart, `message` says what happened in one line, `fix` what to do
 * next, `isRetryable` whether the same call may succeed later, and `outcome` whether it took effect.
 *
 * @since 0.1.0
 * @category errors
 */
export class JobsError extends Schema.TaggedError<JobsError>("@toehold/jobs/JobsError")("JobsError", {
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
 * A {@link JobsError} for a reason.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (reason: Reason): JobsError => new JobsError({ reason })
