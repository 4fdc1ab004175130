/**
 * The one error of this package: what went wrong over SSH, as one of a fixed list of reasons.
 *
 * @since 0.1.0
 */
import { Schema } from "effect"
import { AuthRejected, PasswordExpired } from "./internal/reason/auth.ts"
import {
  ConnectionClosed,
  ConnectionRefused,
  ConnectTimeout,
  DnsFailed,
  HostUnreachable,
  NoCommonAlgorithm,
  PacketTooLong,
  NotSsh
} from "./internal/reason/connect.ts"
import {
  ChannelRefused,
  CommandTimeout,
  ConnectionLost,
  IdleTimeout,
  InputClosed,
  SignalFailed
} from "./internal/reason/execute.ts"
import { PortInUse } from "./internal/reason/forward.ts"
import { ExpectEnded, ExpectTimeout, ProgramMissing, PromptDetected, SudoRefused } from "./internal/reason/interact.ts"
import { HostKeyChanged, HostKeyRevoked, HostKeyUnknown } from "./internal/reason/hostKey.ts"
import {
  FileFailed,
  FileLocked,
  InvalidArgument,
  InvalidTarget,
  NoSpace,
  NotFound,
  PermissionDenied
} from "./internal/reason/input.ts"
import {
  KeyFormatUnsupported,
  KeyIsPublic,
  KeyPassphraseMissing,
  KeyPassphraseWrong,
  KeyPermissions,
  KeyUnreadable
} from "./internal/reason/key.ts"
import type { Outcome as Outcome_ } from "./internal/reason/outcome.ts"

export * from "./internal/reason/auth.ts"
export * from "./internal/reason/connect.ts"
export * from "./internal/reason/execute.ts"
export * from "./internal/reason/forward.ts"
export * from "./internal/reason/hostKey.ts"
export * from "./internal/reason/input.ts"
export * from "./internal/reason/interact.ts"
export * from "./internal/reason/key.ts"

/**
 * What is known of the command when an operation failed: it certainly did not run, it may have run, or it finished.
 * Only `did-not-run` is ever safe to repeat without looking.
 *
 * @since 0.1.0
 * @category models
 */
export type Outcome = Outcome_

/**
 * Every reason that an {@link SshError} can hold.
 *
 * @since 0.1.0
 * @category reasons
 */
export const Reason = Schema.Union([
  DnsFailed,
  ConnectionRefused,
  ConnectTimeout,
  HostUnreachable,
  NotSsh,
  ConnectionClosed,
  NoCommonAlgorithm,
  PacketTooLong,
  HostKeyUnknown,
  HostKeyChanged,
  HostKeyRevoked,
  KeyUnreadable,
  KeyPassphraseMissing,
  KeyPassphraseWrong,
  KeyFormatUnsupported,
  KeyIsPublic,
  KeyPermissions,
  AuthRejected,
  PasswordExpired,
  ChannelRefused,
  ConnectionLost,
  CommandTimeout,
  IdleTimeout,
  InputClosed,
  SignalFailed,
  PortInUse,
  PromptDetected,
  ExpectTimeout,
  ExpectEnded,
  SudoRefused,
  ProgramMissing,
  PermissionDenied,
  NotFound,
  NoSpace,
  FileLocked,
  FileFailed,
  InvalidTarget,
  InvalidArgument
])

/**
 * @since 0.1.0
 * @category reasons
 */
export type Reason = typeof Reason.Type

/**
 * What went wrong over SSH. `reason` tells the cause apart, `message` says what happened in one line, `fix` what to do
 * next, `isRetryable` whether the same call may succeed later, and `outcome` whether the command ran.
 *
 * @since 0.1.0
 * @category errors
 */
export class SshError extends Schema.TaggedError<SshError>("@toehold/ssh-core/SshError")("SshError", {
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

  /** For what went wrong with a file, the name that errno(3) has for it, such as `ENOENT`. */
  get code(): string | undefined {
    return "code" in this.reason ? this.reason.code : undefined
  }
}

/**
 * An {@link SshError} for a reason.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (reason: Reason): SshError => new SshError({ reason })
