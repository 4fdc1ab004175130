import { Schema } from "effect"
import { Outcome } from "@toehold/shell/Outcome"
import { oneLine } from "@toehold/shell/RemoteText"

/**
 * The console asks for a login. Nothing was typed: what is typed there is lost or taken for a name.
 *
 * @since 0.1.0
 * @category reasons
 */
export class LoginPrompt extends Schema.TaggedError<LoginPrompt>("@toehold/serial-runner/LoginPrompt")("LoginPrompt", {
  /** The end of what the console shows. */
  seen: Schema.String
}) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`The console asks for a login (${this.seen}); nobody is logged in on it.`)
  }
  get fix(): string {
    return "Enable autologin on the machine: ttyS0 autologin for user agent, by a drop-in of serial-getty@ttyS0.service with agetty --autologin agent."
  }
}

/**
 * There is no shell on the console that answers.
 *
 * @since 0.1.0
 * @category reasons
 */
export class NoShell extends Schema.TaggedError<NoShell>("@toehold/serial-runner/NoShell")("NoShell", {
  /** What the console seems to do: `booting`, `silent`, `busy`, `lost`. */
  state: Schema.String,
  /** The end of what it shows. */
  seen: Schema.String,
  /** What was tried to get at one, in this order: `^Q ^C`, `^U`, `^D`, … */
  tried: Schema.Array(Schema.String),
  /** How long it was asked, in milliseconds. */
  waitedMs: Schema.Finite
}) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = true
  override get message(): string {
    const seen = this.seen.trim() === "" ? "it shows nothing" : `it shows: ${this.seen}`
    const tried = this.tried.length === 0 ? "" : `; tried: ${this.tried.join(", ")}`
    return oneLine(`No shell answered on the console within ${this.waitedMs} ms (${this.state}${tried}); ${seen}`)
  }
  get fix(): string {
    if (this.state === "booting") return "The machine is still starting: try again, or wait longer."
    const other =
      "a program that takes no notice of any key must be ended by another way in (systemctl restart serial-getty@ttyS0), or by a restart of the machine"
    return this.state === "busy"
      ? `Another program has the console's terminal: ${other}.`
      : `Check that the machine runs and that its console is on this port (console=ttyS0) with a shell on it; ${other}.`
  }
}

/**
 * The shell text can't be parsed by the machine's shell; nothing of it ran.
 *
 * @since 0.1.0
 * @category reasons
 */
export class SyntaxError extends Schema.TaggedError<SyntaxError>("@toehold/serial-runner/SyntaxError")("SyntaxError", {
  /** The shell's own words. */
  detail: Schema.String
}) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`The machine's shell can't read the command: ${this.detail}`)
  }
  get fix(): string {
    return "Close every quote, bracket and heredoc of the command."
  }
}
