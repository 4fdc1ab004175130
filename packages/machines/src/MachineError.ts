/**
 * The one error of this package: why a machine that has several ways in could not be opened by any of them.
 *
 * @since 0.1.0
 */
import { Schema } from "effect"
import { NotRunning, RoutesFailed } from "./internal/reason.ts"
import type { Outcome as Outcome_ } from "@toehold/shell/Outcome"

export * from "./internal/reason.ts"

/**
 * What is known of the work when it failed: opening a machine runs nothing on it.
 *
 * @since 0.1.0
 * @category models
 */
export type Outcome = Outcome_

/**
 * Every reason that a {@link MachineError} can hold.
 *
 * @since 0.1.0
 * @category reasons
 */
export const Reason = Schema.Union([NotRunning, RoutesFailed])

/**
 * @since 0.1.0
 * @category reasons
 */
export type Reason = typeof Reason.Type

/**
 * Why a machine could not be opened. `reason` tells the cause apart, `message` says what happened in one line, `fix` what
 * to do next, and `isRetryable` whether the same call may succeed later.
 *
 * @since 0.1.0
 * @category errors
 */
export class MachineError extends Schema.TaggedError<MachineError>("@toehold/machines/MachineError")("MachineError", {
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
 * A {@link MachineError} for a reason.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (reason: Reason): MachineError => new MachineError({ reason })
