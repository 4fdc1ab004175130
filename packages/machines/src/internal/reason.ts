import { Schema } from "effect"
import type { Outcome } from "@toehold/shell/Outcome"
import { oneLine } from "@toehold/shell/RemoteText"
import { SshError } from "@toehold/ssh-core/SshError"

/**
 * An instance does not run, so that there is nothing to log in to.
 *
 * @since 0.1.0
 * @category reasons
 */
export class NotRunning extends Schema.TaggedError<NotRunning>("@toehold/machines/NotRunning")("NotRunning", {
  instance: Schema.Int,
  /** The service's own word for its state; empty before anything happened. */
  status: Schema.String,
  /** Whether it is on its way up by itself. */
  isStarting: Schema.Boolean,
  /** The service's own words. */
  detail: Schema.String
}) {
  readonly outcome: Outcome = "did-not-run"
  get isRetryable(): boolean {
    return this.isStarting
  }
  override get message(): string {
    const status = this.status === "" ? "not known yet" : this.status
    const said = this.detail === "" ? "" : `: ${this.detail.replace(/[.\s]+$/, "")}`
    return oneLine(`Instance ${this.instance} does not run (status ${status})${said}.`)
  }
  get fix(): string {
    if (this.isStarting) return `Wait for it: toehold vast wait ${this.instance} --for ssh-ready`
    return this.status === "offline"
      ? "Nothing but its host can bring it back: create one on another machine."
      : `Start it: toehold vast start ${this.instance}, then: toehold vast wait ${this.instance} --for ssh-ready`
  }
}

/**
 * One way to a machine that was tried, and what came of it.
 *
 * @since 0.1.0
 * @category reasons
 */
export const Attempt = Schema.Struct({
  /** `direct` or `proxy`. */
  route: Schema.String,
  host: Schema.String,
  port: Schema.Int,
  /** What a person can type to try the same by hand. */
  command: Schema.String,
  error: SshError
})

/**
 * @since 0.1.0
 * @category reasons
 */
export type Attempt = typeof Attempt.Type

/** Of all that went wrong, what says most about the cause comes first. */
const telling: ReadonlyArray<SshError["reason"]["_tag"]> = [
  "HostKeyRevoked",
  "HostKeyChanged",
  "AuthRejected",
  "PasswordExpired",
  "HostKeyUnknown"
]

const rank = ({ error }: Attempt): number => {
  const index = telling.indexOf(error.reason._tag)
  return index === -1 ? telling.length : index
}

/**
 * None of a machine's addresses let us in; each attempt has its own reason. With no attempts the machine has no address.
 *
 * @since 0.1.0
 * @category reasons
 */
export class RoutesFailed extends Schema.TaggedError<RoutesFailed>("@toehold/machines/RoutesFailed")("RoutesFailed", {
  /** As it was asked for, such as `vast:123`. */
  machine: Schema.String,
  attempts: Schema.Array(Attempt),
  /** Whether the service says that it was made anew since the last login, which changes its host keys. */
  wasMadeAnew: Schema.optionalKey(Schema.Boolean)
}) {
  readonly outcome: Outcome = "did-not-run"
  /** The attempt whose failure says most about the cause. */
  get decisive(): Attempt | undefined {
    return this.attempts.toSorted((left, right) => rank(left) - rank(right))[0]
  }
  /** What nothing but time may change, though a key may also never have been registered. */
  get isRetryable(): boolean {
    return this.attempts.length === 0 || this.attempts.some(({ error }) => error.isRetryable)
  }
  override get message(): string {
    if (this.attempts.length === 0) return `${this.machine} has no address for SSH yet.`
    const each = this.attempts.map(({ error, host, port, route }) => `${route} ${host}:${port}: ${error.message}`)
    return oneLine(`No way into ${this.machine}. ${each.join(" ")}`)
  }
  get fix(): string {
    const { decisive } = this
    if (decisive === undefined) return "Wait a minute; an instance gets its ports while it starts."
    const id = /^vast:(\d+)$/.exec(this.machine)?.[1]
    const { reason } = decisive.error
    if (id !== undefined && reason._tag === "HostKeyChanged") {
      if (this.wasMadeAnew === true) {
        return (
          "It was recycled since the last login, as far as is known here, which changes its host keys. If you or your team " +
          `did that, run: toehold hosts forget ${this.machine} - and the same again.`
        )
      }
      return (
        "Its host keys change when it is recycled; if you did that, run: " +
        `toehold hosts forget ${this.machine} - else the address may lead to somebody else's machine, and is not to be trusted.`
      )
    }
    if (id !== undefined && reason._tag === "HostKeyUnknown") {
      return `Compare the fingerprint with the machine's own, then run: toehold hosts trust ${this.machine} (or use --host-key accept-new).`
    }
    if (id !== undefined && reason._tag === "AuthRejected") {
      return (
        `Attach your public key: toehold vast keys attach ${id} KEY.pub - it takes up to two minutes until an attached ` +
        "key lets you in, and a new instance needs as long for the account's keys."
      )
    }
    return decisive.error.fix
  }
}
