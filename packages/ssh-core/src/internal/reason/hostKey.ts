import { Schema } from "effect"
import { address, type Outcome } from "./outcome.ts"

const Fields = {
  host: Schema.String,
  port: Schema.Int,
  /** Key type, such as `ssh-ed25519`. */
  keyType: Schema.String,
  /** `SHA256:` fingerprint of the key that the server showed; empty when it showed none of the known types. */
  fingerprint: Schema.String
}

/** One word for a shell of either family: quoted only where it holds more than plain characters. */
const machineWord = (host: string, port: number): string => (port === 22 ? host : `"${address(host, port)}"`)

/**
 * The host's key is in no known_hosts file and the policy is `strict`.
 *
 * @since 0.1.0
 * @category reasons
 */
export class HostKeyUnknown extends Schema.TaggedError<HostKeyUnknown>("@toehold/ssh-core/HostKeyUnknown")(
  "HostKeyUnknown",
  {
    ...Fields,
    files: Schema.Array(Schema.String),
    /** `true` when a `@cert-authority` line covers the host: host certificates are not supported by this transport. */
    certAuthority: Schema.Boolean
  }
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    const authority = this.certAuthority
      ? " A @cert-authority line covers this host, but host certificates are not supported here."
      : ""
    return `The host key of ${address(this.host, this.port)} is not known: it showed ${this.keyType} ${this.fingerprint}.${authority}`
  }
  get fix(): string {
    return `Compare the fingerprint with the machine's own, then run: toehold hosts trust ${machineWord(this.host, this.port)} (or use --host-key accept-new).`
  }
}

/**
 * The host showed another key than the one that is known for it.
 *
 * @since 0.1.0
 * @category reasons
 */
export class HostKeyChanged extends Schema.TaggedError<HostKeyChanged>("@toehold/ssh-core/HostKeyChanged")(
  "HostKeyChanged",
  {
    ...Fields,
    /** What is on file, in the order of the files. */
    known: Schema.Array(
      Schema.Struct({ keyType: Schema.String, fingerprint: Schema.String, file: Schema.String, line: Schema.Int })
    )
  }
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    const known = this.known.map((key) => `${key.keyType} ${key.fingerprint} (${key.file}:${key.line})`).join(", ")
    const shown = this.fingerprint === "" ? "no key of a known type" : `${this.keyType} ${this.fingerprint}`
    return `The host key of ${address(this.host, this.port)} has changed: it showed ${shown}; known is ${known}.`
  }
  get fix(): string {
    const machine = machineWord(this.host, this.port)
    return (
      "Somebody may be in between, or the machine was rebuilt or its address given to another. " +
      `If you are sure, run: toehold hosts trust ${machine} --replace`
    )
  }
}

/**
 * The host showed a key that a `@revoked` line forbids.
 *
 * @since 0.1.0
 * @category reasons
 */
export class HostKeyRevoked extends Schema.TaggedError<HostKeyRevoked>("@toehold/ssh-core/HostKeyRevoked")(
  "HostKeyRevoked",
  { ...Fields, file: Schema.String, line: Schema.Int }
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return (
      `The host key of ${address(this.host, this.port)} is revoked: ${this.keyType} ${this.fingerprint} ` +
      `is marked @revoked in ${this.file}:${this.line}.`
    )
  }
  get fix(): string {
    return `Don't connect. The machine must get a new host key; only its owner should remove the line from ${this.file}.`
  }
}
