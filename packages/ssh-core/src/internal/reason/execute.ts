import { Effect, Schema } from "effect"
import { oneLine } from "@toehold/shell/RemoteText"
import { Outcome } from "./outcome.ts"
import { killedText, Partial } from "./partial.ts"

/**
 * The server did not open the channel or start the command.
 *
 * @since 0.1.0
 * @category reasons
 */
export class ChannelRefused extends Schema.TaggedError<ChannelRefused>("@toehold/ssh-core/ChannelRefused")(
  "ChannelRefused",
  {
    /**
     * What was asked for: `session`, `exec`, `sftp`, `pty`, `shell`; for a stream beyond the machine `direct-tcpip` or
     * `direct-streamlocal`, and for listening there `tcpip-forward` or `streamlocal-forward`.
     */
    request: Schema.String,
    /** The server's own words. */
    detail: Schema.String,
    /** `true` when waiting for another channel to close may help. */
    busy: Schema.Boolean
  }
) {
  readonly outcome: Outcome = "did-not-run"
  get isRetryable(): boolean {
    return this.busy
  }
  override get message(): string {
    return oneLine(`The server refused ${this.request}${this.detail === "" ? "" : `: ${this.detail}`}.`)
  }
  get fix(): string {
    if (this.busy && this.request.startsWith("direct-")) return "The server is out of resources: try again."
    if (this.busy) return "The connection has no free session (MaxSessions): close one, or try again."
    if (this.request === "shell") {
      return "The account must be able to run /bin/sh: a ForceCommand, a nologin shell or a system without a POSIX shell is in the way."
    }
    if (this.request.startsWith("direct-")) {
      return "Check that something listens there, as that machine sees it; its server may also forbid it (AllowTcpForwarding, PermitOpen)."
    }
    return "The server's configuration forbids it for this account; ask its owner."
  }
}

/**
 * The connection ended before the command's end was known.
 *
 * @since 0.1.0
 * @category reasons
 */
export class ConnectionLost extends Schema.TaggedError<ConnectionLost>("@toehold/ssh-core/ConnectionLost")(
  "ConnectionLost",
  { ...Partial, detail: Schema.String, outcome: Outcome }
) {
  get isRetryable(): boolean {
    return this.outcome === "did-not-run"
  }
  override get message(): string {
    const outcome = {
      "did-not-run": "the command did not start",
      "may-have-run": "the command may have run, and may still be running",
      finished: "the command finished, but part of its output is missing"
    }[this.outcome]
    return oneLine(`The connection was lost (${this.detail}): ${outcome}.`)
  }
  get fix(): string {
    return this.outcome === "did-not-run"
      ? "Run it again."
      : "Look at the machine for what the command left behind before you run it again. Long work outlives its connection as a job: toehold job start."
  }
}

/** A limit counts from the request, so that it may be over before the command began. */
const Limited = {
  ...Partial,
  /** The limit, in milliseconds. */
  timeoutMs: Schema.Finite,
  /** `true` when the remote process group is known to be gone. */
  killed: Schema.Boolean,
  outcome: Outcome.pipe(Schema.withConstructorDefault(Effect.succeed<Outcome>("may-have-run")))
}

/**
 * The command ran past its time limit and was killed.
 *
 * @since 0.1.0
 * @category reasons
 */
export class CommandTimeout extends Schema.TaggedError<CommandTimeout>("@toehold/ssh-core/CommandTimeout")(
  "CommandTimeout",
  Limited
) {
  get isRetryable(): boolean {
    return this.outcome === "did-not-run"
  }
  override get message(): string {
    return `The command did not end within ${this.timeoutMs} ms; ${killedText(this)}.`
  }
  get fix(): string {
    if (this.outcome === "did-not-run")
      return "The machine or its login is slow, or every session is in use: run it again."
    return "Allow more with --timeout. Long work goes on without a client as a job: toehold job start. What it had done until now stays."
  }
}

/**
 * The command printed nothing for longer than allowed and was killed.
 *
 * @since 0.1.0
 * @category reasons
 */
export class IdleTimeout extends Schema.TaggedError<IdleTimeout>("@toehold/ssh-core/IdleTimeout")(
  "IdleTimeout",
  Limited
) {
  get isRetryable(): boolean {
    return this.outcome === "did-not-run"
  }
  override get message(): string {
    return `The command printed nothing for ${this.timeoutMs} ms; ${killedText(this)}.`
  }
  get fix(): string {
    if (this.outcome === "did-not-run")
      return "The machine or its login is slow, or every session is in use: run it again."
    return "It may wait for input that nobody gives: pass --stdin, or flags that answer its questions; or allow more with --idle-timeout."
  }
}

/**
 * A process takes no more on its standard input: it has ended, or its connection has.
 *
 * @since 0.1.0
 * @category reasons
 */
export class InputClosed extends Schema.TaggedError<InputClosed>("@toehold/ssh-core/InputClosed")("InputClosed", {
  /** The command as the caller named it, for display; never with secrets. */
  command: Schema.String
}) {
  readonly outcome: Outcome = "may-have-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`${this.command} reads no more: it has ended, or its connection has.`)
  }
  get fix(): string {
    return "Look at how the command ended: what was written last may not have been read."
  }
}

/**
 * A signal could not be sent to a process.
 *
 * @since 0.1.0
 * @category reasons
 */
export class SignalFailed extends Schema.TaggedError<SignalFailed>("@toehold/ssh-core/SignalFailed")("SignalFailed", {
  /** The command as the caller named it, for display; never with secrets. */
  command: Schema.String,
  /** `TERM`, `INT`, … */
  signal: Schema.String,
  detail: Schema.String
}) {
  readonly outcome: Outcome = "may-have-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`SIG${this.signal} could not be sent to ${this.command}: ${this.detail}.`)
  }
  get fix(): string {
    return "A process that has ended takes no signals, and a machine knows only the signals of its own system."
  }
}
