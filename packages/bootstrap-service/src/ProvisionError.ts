/**
 * What keeps a machine from being ready, as one of a fixed list of reasons.
 *
 * @since 0.1.0
 */
import { Schema } from "effect"
import type { Outcome } from "@toehold/shell/Outcome"
import * as Account from "./internal/provision/reason/account.ts"
import * as Machine from "./internal/provision/reason/machine.ts"
import * as Way from "./internal/provision/reason/way.ts"

export * from "./internal/provision/reason/account.ts"
export * from "./internal/provision/reason/machine.ts"
export * from "./internal/provision/reason/way.ts"

/**
 * Every reason that a {@link ProvisionError} can hold.
 *
 * @since 0.1.0
 * @category reasons
 */
export const Reason = Schema.Union([
  Account.NoIdentity,
  Account.IdentityUnusable,
  Account.KeyNotRegistered,
  Account.InstanceStopped,
  Account.InstanceFailed,
  Account.ApiFailed,
  Way.NoAddress,
  Way.PortFiltered,
  Way.PortClosed,
  Way.JumpFailed,
  Way.LoginDenied,
  Way.HostKeyChanged,
  Way.LoginFailed,
  Machine.StepTimeout,
  Machine.MachineFailed,
  Machine.JobFailed,
  Machine.NoWorkspace,
  Machine.SecretsMissing,
  Machine.ProvisioningFailed,
  Machine.ServiceMissing,
  Machine.ServiceFailed,
  Machine.TunnelProgramMissing,
  Machine.TunnelRateLimited,
  Machine.TunnelFailed,
  Machine.RecipeInvalid,
  Machine.GuardUnavailable
])

/**
 * @since 0.1.0
 * @category reasons
 */
export type Reason = typeof Reason.Type

/**
 * Why a machine is not ready. `reason` tells the cause apart, `step` where it was met, `message` says what happened in
 * one line, `fix` what to do next, `isRetryable` whether the same may succeed later, and `outcome` what is known of what
 * the step ran. To run the same again is always safe.
 *
 * @since 0.1.0
 * @category errors
 */
export class ProvisionError extends Schema.TaggedError<ProvisionError>("@toehold/bootstrap-service/ProvisionError")(
  "ProvisionError",
  { reason: Reason }
) {
  override get message(): string {
    return this.reason.message
  }

  get step(): string {
    return this.reason.step
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
 * A {@link ProvisionError} for a reason.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (reason: Reason): ProvisionError => new ProvisionError({ reason })
