import { Schema } from "effect"
import { oneLine } from "@toehold/shell/RemoteText"
import { address, type Outcome } from "./outcome.ts"

const Endpoint = { host: Schema.String, port: Schema.Int }

/**
 * The name of the host could not be resolved.
 *
 * @since 0.1.0
 * @category reasons
 */
export class DnsFailed extends Schema.TaggedError<DnsFailed>("@toehold/ssh-core/DnsFailed")("DnsFailed", {
  host: Schema.String,
  /** The resolver's own code, such as `ENOTFOUND` or `EAI_AGAIN`. */
  code: Schema.String
}) {
  readonly outcome: Outcome = "did-not-run"
  get isRetryable(): boolean {
    return this.code === "EAI_AGAIN"
  }
  override get message(): string {
    return `The name "${this.host}" could not be resolved (${this.code}).`
  }
  get fix(): string {
    return this.code === "EAI_AGAIN"
      ? "The resolver did not answer: check this machine's network, then try again."
      : "Check the spelling of the host, or give its IP address. If it is an alias, check the Host blocks of ~/.ssh/config."
  }
}

/**
 * The machine answered, but nothing listens on the port (TCP reset).
 *
 * @since 0.1.0
 * @category reasons
 */
export class ConnectionRefused extends Schema.TaggedError<ConnectionRefused>("@toehold/ssh-core/ConnectionRefused")(
  "ConnectionRefused",
  Endpoint
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = true
  override get message(): string {
    return `${address(this.host, this.port)} refused the connection: nothing listens on that port.`
  }
  get fix(): string {
    return "The machine may still be starting: wait and try again. Else check the port (-p) and that sshd runs there."
  }
}

/**
 * The time for connecting ran out. The limit spans everything from the name look-up to the end of authentication;
 * `stage` names what had not answered.
 *
 * @since 0.1.0
 * @category reasons
 */
export class ConnectTimeout extends Schema.TaggedError<ConnectTimeout>("@toehold/ssh-core/ConnectTimeout")(
  "ConnectTimeout",
  {
    ...Endpoint,
    stage: Schema.Literals(["dns", "tcp", "banner", "kex", "host-key", "auth"]),
    /** The limit that was reached, in milliseconds. */
    timeoutMs: Schema.Finite
  }
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = true
  override get message(): string {
    const waitingFor = {
      dns: "the name look-up",
      tcp: "the TCP connection",
      banner: "the server's SSH banner (something accepted the connection and stayed silent)",
      kex: "the key exchange",
      "host-key": "the host key",
      auth: "authentication"
    }[this.stage]
    return `No connection to ${address(this.host, this.port)} within ${this.timeoutMs} ms: still waiting for ${waitingFor}.`
  }
  get fix(): string {
    switch (this.stage) {
      case "tcp":
        return "Packets vanish on the way: a firewall, a wrong address, or a machine that is off. Check the address and the port."
      case "banner":
        return "Check that the port is the SSH port; a proxy or an overloaded machine may also stay silent."
      default:
        return "The machine or the network is slow: try again, or allow more with --connect-timeout."
    }
  }
}

/**
 * No route to the host or its network.
 *
 * @since 0.1.0
 * @category reasons
 */
export class HostUnreachable extends Schema.TaggedError<HostUnreachable>("@toehold/ssh-core/HostUnreachable")(
  "HostUnreachable",
  {
    ...Endpoint,
    /** The system's own code, such as `EHOSTUNREACH`. */
    code: Schema.String
  }
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = true
  override get message(): string {
    return `${address(this.host, this.port)} can't be reached (${this.code}).`
  }
  get fix(): string {
    return "Check the address and this machine's network (VPN, IPv6); a private address needs a jump host (-J)."
  }
}

/**
 * Something answered that is not an SSH server.
 *
 * @since 0.1.0
 * @category reasons
 */
export class NotSsh extends Schema.TaggedError<NotSsh>("@toehold/ssh-core/NotSsh")("NotSsh", {
  ...Endpoint,
  /** The first bytes that it sent, control characters escaped, 120 characters at most. */
  received: Schema.String
}) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return `What answers on ${address(this.host, this.port)} is not an SSH server; it sent "${this.received}".`
  }
  get fix(): string {
    return "Check the port: this one belongs to another service."
  }
}

/**
 * The server closed the connection before authentication was over.
 *
 * @since 0.1.0
 * @category reasons
 */
export class ConnectionClosed extends Schema.TaggedError<ConnectionClosed>("@toehold/ssh-core/ConnectionClosed")(
  "ConnectionClosed",
  {
    ...Endpoint,
    stage: Schema.Literals(["tcp", "banner", "kex", "host-key", "auth"]),
    /** The server's own words, where it sent some; else the system's error. */
    detail: Schema.String
  }
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = true
  override get message(): string {
    const detail = this.detail === "" ? "" : ` (${this.detail})`
    return oneLine(`${address(this.host, this.port)} closed the connection during ${this.stage}${detail}.`)
  }
  get fix(): string {
    switch (this.stage) {
      case "tcp":
      case "banner":
        return "The server turns connections away (MaxStartups, fail2ban, still starting): wait a little and try again with fewer at once."
      case "auth":
        return "The server ended authentication (too many keys tried, or the account is not allowed): name one key with -i and -o IdentitiesOnly=yes."
      default:
        return "Try again; if it stays, look at the server's own log."
    }
  }
}

/**
 * Before the login was over the server sent a packet that is longer than what can be taken: 35,000 bytes, which is all that
 * RFC 4253 (section 6.1) asks for, or OpenSSH's 256 KiB where AES-GCM is in use. Only a login banner gets so long.
 *
 * @since 0.1.0
 * @category reasons
 */
export class PacketTooLong extends Schema.TaggedError<PacketTooLong>("@toehold/ssh-core/PacketTooLong")(
  "PacketTooLong",
  Endpoint
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return `${address(this.host, this.port)} sent a packet during the login that is longer than SSH allows.`
  }
  get fix(): string {
    return "Its login banner is too long: shorten the file that Banner names in its sshd_config, or log in with aes128-gcm@openssh.com."
  }
}

/**
 * Client and server share no algorithm of one kind. Both lists are in order of preference.
 *
 * @since 0.1.0
 * @category reasons
 */
export class NoCommonAlgorithm extends Schema.TaggedError<NoCommonAlgorithm>("@toehold/ssh-core/NoCommonAlgorithm")(
  "NoCommonAlgorithm",
  {
    ...Endpoint,
    kind: Schema.Literals(["kex", "host-key", "cipher", "mac", "compression"]),
    offered: Schema.Array(Schema.String),
    serverOffers: Schema.Array(Schema.String)
  }
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(
      `No common ${this.kind} algorithm with ${address(this.host, this.port)}: ` +
        `we offer ${this.offered.join(", ") || "none"}; the server offers ${this.serverOffers.join(", ") || "none"}.`
    )
  }
  get fix(): string {
    return "Update the server's SSH, or allow one of its algorithms in its sshd_config; a server this different may need the system's own ssh."
  }
}
