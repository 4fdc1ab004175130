/** What keeps a client from an instance's SSH server. */
import { Schema } from "effect"
import type { Outcome } from "@toehold/shell/Outcome"
import { oneLine } from "@toehold/shell/RemoteText"

/**
 * What an address answered.
 *
 * @since 0.1.0
 * @category models
 */
export const Probed = Schema.Struct({
  kind: Schema.String,
  host: Schema.String,
  port: Schema.Int,
  state: Schema.Literals(["open", "refused", "closed", "filtered", "unreachable"]),
  detail: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export type Probed = typeof Probed.Type

const list = (words: ReadonlyArray<string>): string => words.join(", ") || "none"

const spell = ({ detail, host, kind, port, state }: Probed): string =>
  `${kind} ${host}:${port} ${state}${detail === "" ? "" : ` (${detail})`}`

/**
 * The instance has no address of an SSH server.
 *
 * @since 0.1.0
 * @category reasons
 */
export class NoAddress extends Schema.TaggedError<NoAddress>("@toehold/bootstrap-service/NoAddress")("NoAddress", {
  instance: Schema.Int
}) {
  readonly step = "port"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return `Instance ${this.instance} has no SSH address: neither a mapped port 22 nor a proxy.`
  }
  get fix(): string {
    return "Its image was started without SSH: make an instance with the run type ssh, or use toehold vast execute."
  }
}

/**
 * Something between here and the instance drops the packets of every address.
 *
 * @since 0.1.0
 * @category reasons
 */
export class PortFiltered extends Schema.TaggedError<PortFiltered>("@toehold/bootstrap-service/PortFiltered")(
  "PortFiltered",
  { instance: Schema.Int, probed: Schema.Array(Probed) }
) {
  readonly step = "port"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(`A firewall lets nothing through to the instance: ${this.probed.map(spell).join("; ")}.`)
  }
  get fix(): string {
    return (
      `Go by a relay: toehold up vast:${this.instance} -J USER@HOST, where HOST is any SSH server that you reach and that ` +
      "reaches the instance (one on port 443 passes most firewalls). Or allow outgoing TCP to these ports."
    )
  }
}

/**
 * The jump host on the way can't be used, for the reason that `kind` names.
 *
 * @since 0.1.0
 * @category reasons
 */
export class JumpFailed extends Schema.TaggedError<JumpFailed>("@toehold/bootstrap-service/JumpFailed")("JumpFailed", {
  kind: Schema.String,
  detail: Schema.String,
  hint: Schema.String,
  isRetryable: Schema.Boolean,
  cause: Schema.Defect()
}) {
  readonly step = "port"
  readonly outcome: Outcome = "did-not-run"
  override get message(): string {
    return oneLine(`The jump host does not let us through: ${this.detail}`)
  }
  get fix(): string {
    return this.hint
  }
}

/**
 * The SSH server did not begin to answer in time.
 *
 * @since 0.1.0
 * @category reasons
 */
export class PortClosed extends Schema.TaggedError<PortClosed>("@toehold/bootstrap-service/PortClosed")("PortClosed", {
  probed: Schema.Array(Probed),
  waitedMs: Schema.Finite
}) {
  readonly step = "port"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = true
  override get message(): string {
    const waited = Math.round(this.waitedMs / 1000)
    return oneLine(`No SSH server answered within ${waited} s: ${this.probed.map(spell).join("; ")}.`)
  }
  get fix(): string {
    return "Run the same again if the image is large; else look at toehold vast logs, and reboot the instance."
  }
}

/**
 * The SSH server answers and still refuses the key after the time in which keys are put in place.
 *
 * @since 0.1.0
 * @category reasons
 */
export class LoginDenied extends Schema.TaggedError<LoginDenied>("@toehold/bootstrap-service/LoginDenied")(
  "LoginDenied",
  {
    address: Schema.String,
    /** Fingerprints: of the keys that were tried here, and of those that are known there. */
    tried: Schema.Array(Schema.String),
    instanceKeys: Schema.Array(Schema.String),
    accountKeys: Schema.Array(Schema.String),
    waitedMs: Schema.Finite
  }
) {
  readonly step = "login"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(
      `${this.address} refused the key for ${Math.round(this.waitedMs / 1000)} s. Tried here: ${list(this.tried)}; ` +
        `attached to the instance: ${list(this.instanceKeys)}; registered with the account: ${list(this.accountKeys)}.`
    )
  }
  get fix(): string {
    return this.tried.some((key) => this.instanceKeys.includes(key))
      ? "The key is attached, so the instance did not take it up: reboot it (toehold vast reboot), then run the same again."
      : "Run the same again with --register, or name a key with -i that is attached to the instance."
  }
}

/**
 * The instance shows another host key than the one that is on file for it. Where the container was made anew since the
 * last login that is to be expected; else somebody may be in between. It is refused in either case.
 *
 * @since 0.1.0
 * @category reasons
 */
export class HostKeyChanged extends Schema.TaggedError<HostKeyChanged>("@toehold/bootstrap-service/HostKeyChanged")(
  "HostKeyChanged",
  {
    instance: Schema.Int,
    address: Schema.String,
    detail: Schema.String,
    /** Whether the service says that its container was made anew, or this user recycled it. */
    wasMadeAnew: Schema.Boolean
  }
) {
  readonly step = "login"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    const why = this.wasMadeAnew
      ? "because it was recycled since the last login, as far as is known here"
      : "and it was not recycled as far as Vast.ai says"
    return oneLine(
      `Instance ${this.instance} at ${this.address} showed another host key than before, ${why}: ${this.detail}`
    )
  }
  get fix(): string {
    const again = `toehold up vast:${this.instance} --new-host-key`
    return this.wasMadeAnew
      ? `If you or your team recycled it, take its new host key: ${again}`
      : `Somebody may be in between. Only if you know that it was recycled: ${again}`
  }
}

/**
 * The login failed for another reason, which `kind` names.
 *
 * @since 0.1.0
 * @category reasons
 */
export class LoginFailed extends Schema.TaggedError<LoginFailed>("@toehold/bootstrap-service/LoginFailed")(
  "LoginFailed",
  {
    kind: Schema.String,
    detail: Schema.String,
    hint: Schema.String,
    isRetryable: Schema.Boolean,
    cause: Schema.Defect()
  }
) {
  readonly step = "login"
  readonly outcome: Outcome = "did-not-run"
  override get message(): string {
    return oneLine(this.detail)
  }
  get fix(): string {
    return this.hint
  }
}
