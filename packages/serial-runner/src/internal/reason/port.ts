import { Schema } from "effect"
import { Outcome } from "@toehold/shell/Outcome"
import { oneLine } from "@toehold/shell/RemoteText"

/**
 * There is no such port, or it can't be opened.
 *
 * @since 0.1.0
 * @category reasons
 */
export class PortMissing extends Schema.TaggedError<PortMissing>("@toehold/serial-runner/PortMissing")("PortMissing", {
  /** The port as it was named. */
  port: Schema.String,
  detail: Schema.String,
  hint: Schema.optionalKey(Schema.String)
}) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(`The serial port ${this.port} can't be opened: ${this.detail}.`)
  }
  get fix(): string {
    return this.hint ?? "Check that the machine runs and that the port is named as its host side has it."
  }
}

/**
 * Another process has the port.
 *
 * @since 0.1.0
 * @category reasons
 */
export class PortBusy extends Schema.TaggedError<PortBusy>("@toehold/serial-runner/PortBusy")("PortBusy", {
  port: Schema.String,
  /** Who has it, as far as that is known. */
  owner: Schema.String
}) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(`The serial port ${this.port} is in use by ${this.owner}.`)
  }
  get fix(): string {
    return "A console has one owner: wait until it is done, or ask it to do the work."
  }
}

/**
 * The port ended: the machine is gone, or whoever connects it.
 *
 * @since 0.1.0
 * @category reasons
 */
export class PortClosed extends Schema.TaggedError<PortClosed>("@toehold/serial-runner/PortClosed")("PortClosed", {
  port: Schema.String,
  detail: Schema.String,
  outcome: Outcome
}) {
  get isRetryable(): boolean {
    return this.outcome === "did-not-run"
  }
  override get message(): string {
    return oneLine(`The serial port ${this.port} has ended: ${this.detail}.`)
  }
  get fix(): string {
    return this.outcome === "did-not-run"
      ? "Start the machine, then run it again."
      : "Look at the machine for what the command left behind before you run it again."
  }
}

/**
 * The name of a port can't be understood.
 *
 * @since 0.1.0
 * @category reasons
 */
export class InvalidTarget extends Schema.TaggedError<InvalidTarget>("@toehold/serial-runner/InvalidTarget")(
  "InvalidTarget",
  { word: Schema.String, detail: Schema.String }
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`"${this.word}": ${this.detail}.`)
  }
  get fix(): string {
    return "Write it as serial:fifo:IN,OUT, serial:bonfire:DIR/VMID, serial:unix:PATH, serial:tcp:HOST:PORT or serial:tty:PATH; IN is what the machine reads, OUT what it writes."
  }
}

/**
 * An argument can't be used as it is.
 *
 * @since 0.1.0
 * @category reasons
 */
export class InvalidArgument extends Schema.TaggedError<InvalidArgument>("@toehold/serial-runner/InvalidArgument")(
  "InvalidArgument",
  { argument: Schema.String, detail: Schema.String }
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`${this.argument}: ${this.detail}.`)
  }
  get fix(): string {
    return "Correct the argument and call again."
  }
}
