/**
 * The one error of this package: what kept a session from being ready, as one of a fixed list of reasons.
 *
 * @since 0.1.0
 */
import { Schema, type SchemaIssue } from "effect"
import type { Outcome as Outcome_ } from "@toehold/shell/Outcome"
import { firstIssue } from "./internal/issue.ts"
import {
  InvalidConfig,
  MachineBusy,
  Aborted,
  StepTimeout,
  ConnectionLost,
  BadAnswer,
  NoSpace
} from "./internal/reason/run.ts"
import {
  MachineMissing,
  MachineNotRunning,
  MachineHasNoIp,
  MachineUnknown,
  LoginPrompt,
  ConsoleFailed
} from "./internal/reason/machine.ts"
import {
  InterfaceMissing,
  AddressOutsideNetwork,
  NotPermitted,
  ToolMissing,
  NetworkSetupFailed,
  GatewaySilent
} from "./internal/reason/network.ts"
import { WorkspaceReadOnly, WorkspaceTaken } from "./internal/reason/workspace.ts"
import {
  GitMissing,
  SshMissing,
  RepositoryPrivate,
  RepositoryMissing,
  RepositoryUnreachable,
  RepositoryUntrusted,
  RepositoryHostUnknown,
  RepositoryHostChanged,
  BranchUnknown,
  RepositoryEmpty,
  RepositoryTimeout,
  RepositoryFailed
} from "./internal/reason/repository.ts"
import {
  OpenCodeMissing,
  OpenCodeFailed,
  PortTaken,
  HealthTimeout,
  PasswordRejected
} from "./internal/reason/openCode.ts"
import {
  SessionExists,
  SessionNotFound,
  SecretsUnreadable,
  StepCrashed,
  StoreFailed,
  WrongStatus
} from "./internal/reason/session.ts"
import type { SessionStep } from "./SessionStep.ts"

export * from "./internal/reason/run.ts"
export * from "./internal/reason/machine.ts"
export * from "./internal/reason/network.ts"
export * from "./internal/reason/workspace.ts"
export * from "./internal/reason/repository.ts"
export * from "./internal/reason/openCode.ts"
export * from "./internal/reason/session.ts"

/**
 * What is known of the step when it failed: it certainly changed nothing, it may have, or it came to its end. To take a
 * step again is always safe.
 *
 * @since 0.1.0
 * @category models
 */
export type Outcome = Outcome_

/**
 * Every reason that a {@link BootstrapError} can hold. All of them can be encoded as JSON.
 *
 * @since 0.1.0
 * @category reasons
 */
export const Reason = Schema.Union([
  InvalidConfig,
  MachineBusy,
  Aborted,
  StepTimeout,
  ConnectionLost,
  BadAnswer,
  NoSpace,
  MachineMissing,
  MachineNotRunning,
  MachineHasNoIp,
  MachineUnknown,
  LoginPrompt,
  ConsoleFailed,
  InterfaceMissing,
  AddressOutsideNetwork,
  NotPermitted,
  ToolMissing,
  NetworkSetupFailed,
  GatewaySilent,
  WorkspaceReadOnly,
  WorkspaceTaken,
  GitMissing,
  SshMissing,
  RepositoryPrivate,
  RepositoryMissing,
  RepositoryUnreachable,
  RepositoryUntrusted,
  RepositoryHostUnknown,
  RepositoryHostChanged,
  BranchUnknown,
  RepositoryEmpty,
  RepositoryTimeout,
  RepositoryFailed,
  OpenCodeMissing,
  OpenCodeFailed,
  PortTaken,
  HealthTimeout,
  PasswordRejected,
  SessionNotFound,
  SessionExists,
  WrongStatus,
  StoreFailed,
  SecretsUnreadable,
  StepCrashed
])

/**
 * @since 0.1.0
 * @category reasons
 */
export type Reason = typeof Reason.Type

/**
 * What kept a session from being ready. `reason` tells the cause apart, `message` says what happened in one line, `fix`
 * what to do next, `isRetryable` whether the same step may succeed later, `step` where it was, and `outcome` whether it
 * did anything.
 *
 * @since 0.1.0
 * @category errors
 */
export class BootstrapError extends Schema.TaggedError<BootstrapError>("@toehold/bootstrap-service/BootstrapError")(
  "BootstrapError",
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

  /** Absent where no step was taken. */
  get step(): SessionStep | undefined {
    return this.reason.step
  }

  get outcome(): Outcome {
    return this.reason.outcome
  }
}

/**
 * A {@link BootstrapError} for a reason.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (reason: Reason): BootstrapError => new BootstrapError({ reason })

/**
 * `InvalidConfig` for what a schema found wrong: the field and the rule, never the value.
 *
 * @since 0.1.0
 * @category constructors
 */
export const ofIssue = ({ issue }: { readonly issue: SchemaIssue.Issue }): BootstrapError =>
  make(new InvalidConfig(firstIssue(issue)))
