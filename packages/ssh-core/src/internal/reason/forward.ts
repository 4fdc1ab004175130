import { Schema } from "effect"
import { oneLine } from "@toehold/shell/RemoteText"
import type { Outcome } from "./outcome.ts"

/**
 * What a forwarding was to listen on is taken: a TCP port, or the path of a Unix socket.
 *
 * @since 0.1.0
 * @category reasons
 */
export class PortInUse extends Schema.TaggedError<PortInUse>("@toehold/ssh-core/PortInUse")("PortInUse", {
  /** Which end was to listen: this one (`-L`, `-D`), or the machine (`-R`). */
  side: Schema.Literals(["local", "remote"]),
  /** `127.0.0.1:8080`, or the path of the socket. */
  address: Schema.String
}) {
  readonly outcome: Outcome = "did-not-run"
  /** Whoever holds it may give it back, such as a session on the machine that has not noticed yet that its client is gone. */
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(`${this.address} is already in use ${this.side === "local" ? "here" : "on the machine"}.`)
  }
  get fix(): string {
    if (this.address.includes("/")) {
      return "Choose another path, or remove the socket if no program listens on it any more."
    }
    return "Choose another port, port 0 for any that is free, or end the program that holds this one."
  }
}
