import { Schema } from "effect"
import type { Outcome } from "@toehold/shell/Outcome"
import { oneLine } from "@toehold/shell/RemoteText"
import type { SessionStep } from "../../SessionStep.ts"

/**
 * There is no such machine.
 *
 * @since 0.1.0
 * @category reasons
 */
export class MachineMissing extends Schema.TaggedError<MachineMissing>("@toehold/bootstrap-service/MachineMissing")(
  "MachineMissing",
  {
    vmId: Schema.String
  }
) {
  readonly step: SessionStep = "machine"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`There is no machine ${this.vmId}.`)
  }
  get fix(): string {
    return "It may have been deleted: create the session on a machine that exists."
  }
}

/**
 * The machine does not run.
 *
 * @since 0.1.0
 * @category reasons
 */
export class MachineNotRunning extends Schema.TaggedError<MachineNotRunning>(
  "@toehold/bootstrap-service/MachineNotRunning"
)("MachineNotRunning", {
  vmId: Schema.String,
  state: Schema.String
}) {
  readonly step: SessionStep = "machine"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(`The machine ${this.vmId} does not run (${this.state}).`)
  }
  get fix(): string {
    return "Start the machine, then retry."
  }
}

/**
 * The machine runs but has no address, or none that could be one.
 *
 * @since 0.1.0
 * @category reasons
 */
export class MachineHasNoIp extends Schema.TaggedError<MachineHasNoIp>("@toehold/bootstrap-service/MachineHasNoIp")(
  "MachineHasNoIp",
  {
    vmId: Schema.String,
    /** What is wrong with the one that it has. */
    detail: Schema.optionalKey(Schema.String)
  }
) {
  readonly step: SessionStep = "machine"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(
      this.detail === undefined
        ? `The machine ${this.vmId} has no IP address.`
        : `The machine ${this.vmId} has no IP address that can be used: ${this.detail}.`
    )
  }
  get fix(): string {
    return "Look whether the machine was given an address (10.0.100.x), then retry."
  }
}

/**
 * Nobody could say how the machine is.
 *
 * @since 0.1.0
 * @category reasons
 */
export class MachineUnknown extends Schema.TaggedError<MachineUnknown>("@toehold/bootstrap-service/MachineUnknown")(
  "MachineUnknown",
  {
    vmId: Schema.String,
    detail: Schema.String
  }
) {
  readonly step: SessionStep = "machine"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(`The state of machine ${this.vmId} could not be found out: ${this.detail}.`)
  }
  get fix(): string {
    return "Look whether the service that runs the machines answers, then retry."
  }
}

/**
 * The console asks for a login instead of being logged in.
 *
 * @since 0.1.0
 * @category reasons
 */
export class LoginPrompt extends Schema.TaggedError<LoginPrompt>("@toehold/bootstrap-service/LoginPrompt")(
  "LoginPrompt",
  {}
) {
  readonly step: SessionStep = "console"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return "The console asks for a login."
  }
  get fix(): string {
    return "Enable ttyS0 autologin in the image: toehold image check says what it lacks."
  }
}

/**
 * No shell answers on the console. `cause` is the tag of the transport's own reason, where it has one.
 *
 * @since 0.1.0
 * @category reasons
 */
export class ConsoleFailed extends Schema.TaggedError<ConsoleFailed>("@toehold/bootstrap-service/ConsoleFailed")(
  "ConsoleFailed",
  {
    cause: Schema.optionalKey(Schema.String),
    detail: Schema.String,
    isRetryable: Schema.Boolean
  }
) {
  readonly step: SessionStep = "console"
  readonly outcome: Outcome = "did-not-run"
  override get message(): string {
    return oneLine(`The console gives no shell: ${this.detail}`)
  }
  get fix(): string {
    return "Look whether the machine has booted and nobody else holds its console, then retry."
  }
}
