import { Schema } from "effect"
import { CapturedOutput } from "@toehold/shell/CapturedOutput"
import { Outcome } from "@toehold/shell/Outcome"
import { oneLine } from "@toehold/shell/RemoteText"

const Partial = {
  /** The command as the caller named it, for display; never with secrets. */
  command: Schema.String,
  stdout: CapturedOutput,
  stderr: CapturedOutput
}

/** In which state a command that was given up left the console. */
const left = {
  /** `true` when the command's process group is known to be gone. */
  killed: Schema.Boolean,
  /** What the console is now: `shell` when the next command can run, else what is in its way. */
  consoleState: Schema.String
}

const leftText = (error: { readonly killed: boolean; readonly consoleState: string }): string =>
  `${error.killed ? "it was killed" : "whether it is gone could not be confirmed"}, and the console is ${error.consoleState === "shell" ? "ready for the next command" : error.consoleState}`

/**
 * The command ran past its time limit.
 *
 * @since 0.1.0
 * @category reasons
 */
export class CommandTimeout extends Schema.TaggedError<CommandTimeout>("@toehold/serial-runner/CommandTimeout")(
  "CommandTimeout",
  {
    ...Partial,
    ...left,
    /** The limit, in milliseconds. */
    timeoutMs: Schema.Finite,
    outcome: Outcome
  }
) {
  get isRetryable(): boolean {
    return this.outcome === "did-not-run"
  }
  override get message(): string {
    return this.outcome === "did-not-run"
      ? `The command's turn on the console did not come within ${this.timeoutMs} ms.`
      : `The command did not end within ${this.timeoutMs} ms; ${leftText(this)}.`
  }
  get fix(): string {
    return this.outcome === "did-not-run"
      ? "Run it again when the console is free, or allow more with --timeout."
      : "Allow more with --timeout, or start long work as a job. What it had done until now stays."
  }
}

/**
 * The command printed nothing for longer than allowed.
 *
 * @since 0.1.0
 * @category reasons
 */
export class IdleTimeout extends Schema.TaggedError<IdleTimeout>("@toehold/serial-runner/IdleTimeout")("IdleTimeout", {
  ...Partial,
  ...left,
  /** The limit, in milliseconds. */
  timeoutMs: Schema.Finite
}) {
  readonly outcome: Outcome = "may-have-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return `The command printed nothing for ${this.timeoutMs} ms; ${leftText(this)}.`
  }
  get fix(): string {
    return "It may wait for input that nobody gives: pass --stdin, or flags that answer its questions; or allow more with --idle-timeout."
  }
}

/**
 * The command ended, but its output came damaged and could not be had again.
 *
 * @since 0.1.0
 * @category reasons
 */
export class OutputDamaged extends Schema.TaggedError<OutputDamaged>("@toehold/serial-runner/OutputDamaged")(
  "OutputDamaged",
  { ...Partial, detail: Schema.String, outcome: Outcome }
) {
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`The command's output came damaged: ${this.detail}.`)
  }
  get fix(): string {
    return "Something else writes to the console (kernel messages, a person). Run the command as a job: its output is kept on the machine and read with checksums."
  }
}

/**
 * The shell on the console ended in the middle of a command: somebody logged it out or killed it, or the machine went back
 * to an earlier state of its own.
 *
 * @since 0.1.0
 * @category reasons
 */
export class ShellEnded extends Schema.TaggedError<ShellEnded>("@toehold/serial-runner/ShellEnded")("ShellEnded", {
  ...Partial,
  detail: Schema.String,
  outcome: Outcome
}) {
  get isRetryable(): boolean {
    return this.outcome === "did-not-run"
  }
  override get message(): string {
    return oneLine(`The shell on the console ended in the middle of a command: ${this.detail}`)
  }
  get fix(): string {
    return this.outcome === "did-not-run"
      ? "Run it again."
      : "Look at the machine for what the command left behind before you run it again."
  }
}

/**
 * The machine restarted.
 *
 * @since 0.1.0
 * @category reasons
 */
export class Rebooted extends Schema.TaggedError<Rebooted>("@toehold/serial-runner/Rebooted")("Rebooted", {
  ...Partial,
  outcome: Outcome
}) {
  get isRetryable(): boolean {
    return this.outcome === "did-not-run"
  }
  override get message(): string {
    return "The machine restarted."
  }
  get fix(): string {
    return this.outcome === "did-not-run"
      ? "Run it again."
      : "Look at the machine for what the command left behind before you run it again."
  }
}

/**
 * The machine's kernel stopped with a panic.
 *
 * @since 0.1.0
 * @category reasons
 */
export class Panicked extends Schema.TaggedError<Panicked>("@toehold/serial-runner/Panicked")("Panicked", {
  ...Partial,
  /** The kernel's own words. */
  detail: Schema.String,
  outcome: Outcome
}) {
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`The machine's kernel panicked: ${this.detail}`)
  }
  get fix(): string {
    return "Restart the machine, and look at its console log for the cause (toehold serial log)."
  }
}
