import { Schema } from "effect"
import { Outcome } from "@toehold/shell/Outcome"
import { oneLine } from "@toehold/shell/RemoteText"
import { SessionStep } from "../../SessionStep.ts"

/**
 * The configuration can't be used. Nothing of it has reached a machine.
 *
 * @since 0.1.0
 * @category reasons
 */
export class InvalidConfig extends Schema.TaggedError<InvalidConfig>("@toehold/bootstrap-service/InvalidConfig")(
  "InvalidConfig",
  {
    /** The field at fault, such as `repoUrl`. */
    field: Schema.String,
    /** What it must be. The value itself is never told. */
    detail: Schema.String
  }
) {
  readonly step: undefined = undefined
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`${this.field}: ${this.detail}.`)
  }
  get fix(): string {
    return "Correct the field and create the session again."
  }
}

/**
 * Another session is being made on this machine.
 *
 * @since 0.1.0
 * @category reasons
 */
export class MachineBusy extends Schema.TaggedError<MachineBusy>("@toehold/bootstrap-service/MachineBusy")(
  "MachineBusy",
  {
    vmId: Schema.String,
    sessionId: Schema.String
  }
) {
  readonly step: undefined = undefined
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(`The machine ${this.vmId} is busy with session ${this.sessionId}.`)
  }
  get fix(): string {
    return "Wait for that session to be ready, or archive it, and retry."
  }
}

/**
 * Somebody stopped it: the session was archived, or the caller gave up.
 *
 * @since 0.1.0
 * @category reasons
 */
export class Aborted extends Schema.TaggedError<Aborted>("@toehold/bootstrap-service/Aborted")("Aborted", {
  step: SessionStep
}) {
  readonly outcome: Outcome = "may-have-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return `The session was stopped in its step "${this.step}".`
  }
  get fix(): string {
    return "Nothing to do, unless it was stopped by mistake: then create it again."
  }
}

/**
 * A step did not end within its time.
 *
 * @since 0.1.0
 * @category reasons
 */
export class StepTimeout extends Schema.TaggedError<StepTimeout>("@toehold/bootstrap-service/StepTimeout")(
  "StepTimeout",
  {
    step: SessionStep,
    /** In milliseconds. */
    timeoutMs: Schema.Finite
  }
) {
  readonly outcome: Outcome = "may-have-run"
  readonly isRetryable: boolean = true
  override get message(): string {
    return `The step "${this.step}" did not end within ${this.timeoutMs} ms.`
  }
  get fix(): string {
    return "Retry: it goes on where it was. If it happens again, look at what the machine is busy with."
  }
}

/**
 * The machine could not be reached, or not for long enough. `cause` is the tag of the transport's own reason, where it has one.
 *
 * @since 0.1.0
 * @category reasons
 */
export class ConnectionLost extends Schema.TaggedError<ConnectionLost>("@toehold/bootstrap-service/ConnectionLost")(
  "ConnectionLost",
  {
    step: SessionStep,
    cause: Schema.optionalKey(Schema.String),
    detail: Schema.String,
    outcome: Outcome,
    isRetryable: Schema.Boolean
  }
) {
  override get message(): string {
    return oneLine(`The machine could not be reached: ${this.detail}`)
  }
  get fix(): string {
    return this.isRetryable
      ? "Retry when the machine can be reached; what is done already isn't done again."
      : "Mend the way to the machine, then retry."
  }
}

/**
 * What came back from the machine is not what the step's script prints.
 *
 * @since 0.1.0
 * @category reasons
 */
export class BadAnswer extends Schema.TaggedError<BadAnswer>("@toehold/bootstrap-service/BadAnswer")("BadAnswer", {
  step: SessionStep,
  detail: Schema.String
}) {
  readonly outcome: Outcome = "may-have-run"
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(`The machine's answer can't be understood: ${this.detail}.`)
  }
  get fix(): string {
    return "Retry. The machine needs a POSIX shell as sh, and the tools that come with one."
  }
}

/**
 * The machine's disk is full.
 *
 * @since 0.1.0
 * @category reasons
 */
export class NoSpace extends Schema.TaggedError<NoSpace>("@toehold/bootstrap-service/NoSpace")("NoSpace", {
  step: SessionStep,
  path: Schema.String,
  detail: Schema.String
}) {
  readonly outcome: Outcome = "may-have-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`There is no room on the machine's disk for ${this.path}: ${this.detail}.`)
  }
  get fix(): string {
    return "Free some space there or give the machine a larger disk, then retry; shallow: true needs less."
  }
}
