import { Schema } from "effect"
import type { Outcome } from "@toehold/shell/Outcome"
import { oneLine } from "@toehold/shell/RemoteText"
import { SessionStep } from "../../SessionStep.ts"

/**
 * The machine has no OpenCode.
 *
 * @since 0.1.0
 * @category reasons
 */
export class OpenCodeMissing extends Schema.TaggedError<OpenCodeMissing>("@toehold/bootstrap-service/OpenCodeMissing")(
  "OpenCodeMissing",
  {}
) {
  readonly step: SessionStep = "openCode"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return "The machine has no OpenCode."
  }
  get fix(): string {
    return "Install opencode in the image: toehold image check says what it lacks."
  }
}

/**
 * OpenCode did not start, or ended again.
 *
 * @since 0.1.0
 * @category reasons
 */
export class OpenCodeFailed extends Schema.TaggedError<OpenCodeFailed>("@toehold/bootstrap-service/OpenCodeFailed")(
  "OpenCodeFailed",
  {
    step: SessionStep,
    detail: Schema.String,
    /** The last lines of its log. */
    log: Schema.Array(Schema.String)
  }
) {
  readonly outcome: Outcome = "finished"
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(`OpenCode does not run: ${this.detail}${lastWords(this.log)}.`)
  }
  get fix(): string {
    return "Read the last lines of its log, which come with this error."
  }
}

/**
 * Something else listens on OpenCode's port.
 *
 * @since 0.1.0
 * @category reasons
 */
export class PortTaken extends Schema.TaggedError<PortTaken>("@toehold/bootstrap-service/PortTaken")("PortTaken", {
  step: SessionStep,
  port: Schema.Int,
  log: Schema.Array(Schema.String)
}) {
  readonly outcome: Outcome = "finished"
  readonly isRetryable: boolean = false
  override get message(): string {
    return `Port ${this.port} of the machine is taken by another program.`
  }
  get fix(): string {
    return "Stop what listens there (an OpenCode of an earlier session?), or give the session another opencodePort."
  }
}

/**
 * OpenCode runs but did not answer in time.
 *
 * @since 0.1.0
 * @category reasons
 */
export class HealthTimeout extends Schema.TaggedError<HealthTimeout>("@toehold/bootstrap-service/HealthTimeout")(
  "HealthTimeout",
  {
    url: Schema.String,
    /** In milliseconds. */
    timeoutMs: Schema.Finite,
    /** What the last look saw. */
    seen: Schema.String,
    log: Schema.Array(Schema.String)
  }
) {
  readonly step: SessionStep = "health"
  readonly outcome: Outcome = "finished"
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(
      `OpenCode did not answer at ${this.url} within ${this.timeoutMs} ms: ${this.seen}${lastWords(this.log)}.`
    )
  }
  get fix(): string {
    return "Look whether the host can reach the machine's address, and read the last lines of OpenCode's log."
  }
}

/**
 * OpenCode runs with another password, or with one where none was given.
 *
 * @since 0.1.0
 * @category reasons
 */
export class PasswordRejected extends Schema.TaggedError<PasswordRejected>(
  "@toehold/bootstrap-service/PasswordRejected"
)("PasswordRejected", {
  url: Schema.String,
  /** Whether one was given. */
  given: Schema.Boolean,
  log: Schema.Array(Schema.String)
}) {
  readonly step: SessionStep = "health"
  readonly outcome: Outcome = "finished"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(
      this.given
        ? `OpenCode at ${this.url} does not take the password.`
        : `OpenCode at ${this.url} asks for a password.`
    )
  }
  get fix(): string {
    return "Give the password that this OpenCode was started with (OPENCODE_SERVER_PASSWORD), or stop it and retry."
  }
}

/** The last line alone: the others are in `log`. */
const lastWords = (log: ReadonlyArray<string>): string => {
  const last = log.at(-1)
  return last === undefined ? "" : ` ("${last.slice(0, 300)}")`
}
