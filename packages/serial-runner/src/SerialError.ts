/**
 * The one error of this package: what went wrong on a serial console, as one of a fixed list of reasons.
 *
 * @since 0.1.0
 */
import { Schema } from "effect"
import type { Outcome } from "@toehold/shell/Outcome"
import {
  CommandTimeout,
  IdleTimeout,
  OutputDamaged,
  Panicked,
  Rebooted,
  ShellEnded
} from "./internal/reason/execute.ts"
import { InvalidArgument, InvalidTarget, PortBusy, PortClosed, PortMissing } from "./internal/reason/port.ts"
import { FileFailed, InputClosed, NotFound, PermissionDenied, SignalFailed } from "./internal/reason/process.ts"
import { LoginPrompt, NoShell, SyntaxError } from "./internal/reason/shell.ts"

export * from "./internal/reason/execute.ts"
export * from "./internal/reason/port.ts"
export * from "./internal/reason/process.ts"
export * from "./internal/reason/shell.ts"

/**
 * Every reason that a {@link SerialError} can hold.
 *
 * @since 0.1.0
 * @category reasons
 */
export const Reason = Schema.Union([
  PortMissing,
  PortBusy,
  PortClosed,
  LoginPrompt,
  NoShell,
  SyntaxError,
  CommandTimeout,
  IdleTimeout,
  OutputDamaged,
  ShellEnded,
  Rebooted,
  Panicked,
  NotFound,
  PermissionDenied,
  FileFailed,
  InputClosed,
  SignalFailed,
  InvalidTarget,
  InvalidArgument
])

/**
 * @since 0.1.0
 * @category reasons
 */
export type Reason = typeof Reason.Type

/**
 * What went wrong on a serial console. `reason` tells the cause apart, `message` says what happened in one line, `fix`
 * what to do next, `isRetryable` whether the same call may succeed later, and `outcome` whether the command ran.
 *
 * @since 0.1.0
 * @category errors
 */
export class SerialError extends Schema.TaggedError<SerialError>("@toehold/serial-runner/SerialError")("SerialError", {
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
 * A {@link SerialError} for a reason.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (reason: Reason): SerialError => new SerialError({ reason })
