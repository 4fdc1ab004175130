/**
 * The one error of this package: why a transfer ended, as one of a fixed list of reasons.
 *
 * @since 0.1.0
 */
import type { Outcome } from "@toehold/shell/Outcome"
import { Schema } from "effect"
import { NotAFile, NotFound, SourceChanged, SourceVanished, UnsafeName } from "./internal/reason/source.ts"
import {
  ChecksumMismatch,
  ConnectionLost,
  FileFailed,
  InvalidArgument,
  IsADirectory,
  NoSpace,
  NotADirectory,
  PermissionDenied,
  TakenOver
} from "./internal/reason/target.ts"

export * from "./internal/reason/source.ts"
export * from "./internal/reason/target.ts"

/**
 * Every reason that a {@link TransferError} can hold.
 *
 * @since 0.1.0
 * @category reasons
 */
export const Reason = Schema.Union([
  NotFound,
  SourceVanished,
  SourceChanged,
  NotAFile,
  UnsafeName,
  NoSpace,
  PermissionDenied,
  NotADirectory,
  IsADirectory,
  ChecksumMismatch,
  TakenOver,
  FileFailed,
  ConnectionLost,
  InvalidArgument
])

/**
 * @since 0.1.0
 * @category reasons
 */
export type Reason = typeof Reason.Type

/**
 * Why a transfer ended. `reason` tells the cause apart, `message` says what happened in one line, `fix` what to do next,
 * `isRetryable` whether the same call may succeed later, and `outcome` whether anything at the target's final paths is another
 * than before (`did-not-run` says that nothing is). Each file at its final path is whole, whatever happened:
 * `placed` is how many were put there before the end.
 *
 * @since 0.1.0
 * @category errors
 */
export class TransferError extends Schema.TaggedError<TransferError>("@toehold/transfer/TransferError")(
  "TransferError",
  {
    reason: Reason,
    /** Files that appeared, changed or went at the target. */
    placed: Schema.Int,
    /** What the file system or the process said. */
    cause: Schema.optionalKey(Schema.Defect())
  }
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
    return this.placed === 0 ? "did-not-run" : "may-have-run"
  }
}

/**
 * A {@link TransferError} for a reason, before anything was put in place.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (reason: Reason, cause?: unknown): TransferError =>
  new TransferError({ reason, placed: 0, ...(cause === undefined ? {} : { cause }) })
