import { Schema } from "effect"
import { Outcome } from "@toehold/shell/Outcome"
import { oneLine } from "@toehold/shell/RemoteText"

/**
 * There is no such program, folder or file on the machine.
 *
 * @since 0.1.0
 * @category reasons
 */
export class NotFound extends Schema.TaggedError<NotFound>("@toehold/serial-runner/NotFound")("NotFound", {
  path: Schema.String
}) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`${this.path}: there is no such program or folder on the machine.`)
  }
  get fix(): string {
    return "Check the name on the machine: command -v NAME, or ls -ld FOLDER."
  }
}

/**
 * The machine does not let the account use the program, folder or file.
 *
 * @since 0.1.0
 * @category reasons
 */
export class PermissionDenied extends Schema.TaggedError<PermissionDenied>("@toehold/serial-runner/PermissionDenied")(
  "PermissionDenied",
  { path: Schema.String, detail: Schema.String }
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`${this.path}: permission denied (${this.detail}).`)
  }
  get fix(): string {
    return "Check who owns it and its modes, or run the command by sudo."
  }
}

/**
 * The machine could not do what a process needs there.
 *
 * @since 0.1.0
 * @category reasons
 */
export class FileFailed extends Schema.TaggedError<FileFailed>("@toehold/serial-runner/FileFailed")("FileFailed", {
  path: Schema.String,
  detail: Schema.String,
  outcome: Outcome
}) {
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`${this.path}: ${this.detail}.`)
  }
  get fix(): string {
    return "Look at the machine's folder for temporary files: whether it can be written to, and has space left."
  }
}

/**
 * The process takes no more input.
 *
 * @since 0.1.0
 * @category reasons
 */
export class InputClosed extends Schema.TaggedError<InputClosed>("@toehold/serial-runner/InputClosed")("InputClosed", {
  /** The command as the caller named it, for display; never with secrets. */
  command: Schema.String
}) {
  readonly outcome: Outcome = "may-have-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`${this.command} takes no more input: it has ended, or has closed its standard input.`)
  }
  get fix(): string {
    return "Look at its exit code and at what it printed."
  }
}

/**
 * The process could not be signalled.
 *
 * @since 0.1.0
 * @category reasons
 */
export class SignalFailed extends Schema.TaggedError<SignalFailed>("@toehold/serial-runner/SignalFailed")(
  "SignalFailed",
  {
    /** The command as the caller named it, for display; never with secrets. */
    command: Schema.String,
    /** `TERM`, `INT`, … */
    signal: Schema.String,
    detail: Schema.String
  }
) {
  readonly outcome: Outcome = "may-have-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`SIG${this.signal} could not be sent to ${this.command}: ${this.detail}.`)
  }
  get fix(): string {
    return "It may have ended by itself: ask how it ended."
  }
}
