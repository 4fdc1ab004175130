import { Schema } from "effect"
import { oneLine } from "@toehold/shell/RemoteText"
import type { Outcome } from "./outcome.ts"

/**
 * One attempt to authenticate, as it went.
 *
 * @since 0.1.0
 * @category models
 */
export class AuthAttempt extends Schema.Class<AuthAttempt>("@toehold/ssh-core/AuthAttempt")({
  method: Schema.Literals(["none", "publickey", "password", "keyboard-interactive"]),
  /** Where the credential came from: a key file, `agent`, or empty. */
  source: Schema.String,
  /** Key type and `SHA256:` fingerprint, for a public key. */
  keyType: Schema.optionalKey(Schema.String),
  fingerprint: Schema.optionalKey(Schema.String),
  /** `skipped`: never sent to the server, `detail` says why. `partial`: accepted, and the server asks for more. */
  result: Schema.Literals(["accepted", "partial", "rejected", "skipped"]),
  detail: Schema.optionalKey(Schema.String)
}) {
  /** One line for a person. */
  get summary(): string {
    const key = this.fingerprint === undefined ? "" : ` ${this.keyType ?? ""} ${this.fingerprint}`
    const source = this.source === "" ? "" : ` ${this.source}`
    const detail = this.detail === undefined ? "" : ` (${this.detail})`
    return `${this.method}${source}${key}: ${this.result}${detail}`
  }
}

/**
 * The server accepted none of the credentials.
 *
 * @since 0.1.0
 * @category reasons
 */
export class AuthRejected extends Schema.TaggedError<AuthRejected>("@toehold/ssh-core/AuthRejected")("AuthRejected", {
  host: Schema.String,
  port: Schema.Int,
  user: Schema.String,
  attempts: Schema.Array(AuthAttempt),
  /** The methods that the server still offers. */
  serverOffers: Schema.Array(Schema.String),
  /** The server's own words, where it ended authentication with some. */
  detail: Schema.optionalKey(Schema.String)
}) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    const tried =
      this.attempts.length === 0
        ? "nothing was tried, because no key, agent or password was at hand"
        : `tried ${this.attempts.map((attempt) => attempt.summary).join("; ")}`
    const detail = this.detail === undefined ? "" : ` It said: ${this.detail.replace(/\.\s*$/, "")}.`
    const offers = this.serverOffers.join(", ") || "nothing more"
    return oneLine(`${this.host} did not let ${this.user} in: ${tried}.${detail} The server offers ${offers}.`)
  }
  get fix(): string {
    if (/expired/i.test(this.detail ?? "")) return `Ask the machine's owner to renew the account of ${this.user}.`
    const tried = (...methods: ReadonlyArray<AuthAttempt["method"]>): boolean =>
      this.attempts.some((attempt) => methods.includes(attempt.method) && attempt.result === "rejected")
    const takesKeys = this.serverOffers.includes("publickey") || this.serverOffers.length === 0
    const skipped = this.attempts.find((attempt) => attempt.method === "publickey" && attempt.result === "skipped")
    if (takesKeys && !tried("publickey")) {
      return skipped === undefined
        ? "Name a key with -i FILE, or make one with: toehold keys generate; its public half must be on the machine (toehold keys install)."
        : `Mend the key first: ${skipped.source}: ${skipped.detail ?? "not usable"}.`
    }
    if (takesKeys) {
      return (
        `Check the user name (-l) and that one of the public keys tried is in ${this.user}'s authorized_keys there ` +
        "(toehold keys install puts it there with a password); a machine that just started may not have it yet."
      )
    }
    if (tried("password", "keyboard-interactive")) return "Check the password and the user name (-l)."
    return "Give a password by --password-env NAME or --password-file FILE."
  }
}

/**
 * The password was right but has expired, and the server wants a new one before anything else.
 *
 * @since 0.1.0
 * @category reasons
 */
export class PasswordExpired extends Schema.TaggedError<PasswordExpired>("@toehold/ssh-core/PasswordExpired")(
  "PasswordExpired",
  { host: Schema.String, user: Schema.String, prompt: Schema.String }
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(
      `The password of ${this.user} on ${this.host} has expired; the server asks for a new one ("${this.prompt}").`
    )
  }
  get fix(): string {
    return "Log in once by hand and set a new password, or use a key."
  }
}
