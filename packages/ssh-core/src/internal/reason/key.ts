import { Schema } from "effect"
import type { Outcome } from "./outcome.ts"

/** Where the key came from: a path, or a few words such as `the given key` for one that was passed in memory. */
const Source = { path: Schema.String }

/**
 * The key file is missing, can't be read, or holds no key that can be made out.
 *
 * @since 0.1.0
 * @category reasons
 */
export class KeyUnreadable extends Schema.TaggedError<KeyUnreadable>("@toehold/ssh-core/KeyUnreadable")(
  "KeyUnreadable",
  { ...Source, detail: Schema.String }
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return `The key ${this.path} can't be read: ${this.detail}.`
  }
  get fix(): string {
    return "Check the path and that the file is a whole key (copying may have lost lines)."
  }
}

/**
 * The key is encrypted and no passphrase was given.
 *
 * @since 0.1.0
 * @category reasons
 */
export class KeyPassphraseMissing extends Schema.TaggedError<KeyPassphraseMissing>(
  "@toehold/ssh-core/KeyPassphraseMissing"
)("KeyPassphraseMissing", Source) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return `The key ${this.path} is encrypted and needs its passphrase.`
  }
  get fix(): string {
    return "Put the passphrase in an environment variable and name it with --passphrase-env NAME, or load the key into your SSH agent."
  }
}

/**
 * The passphrase does not open the key.
 *
 * @since 0.1.0
 * @category reasons
 */
export class KeyPassphraseWrong extends Schema.TaggedError<KeyPassphraseWrong>("@toehold/ssh-core/KeyPassphraseWrong")(
  "KeyPassphraseWrong",
  Source
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return `The passphrase does not open the key ${this.path}.`
  }
  get fix(): string {
    return "Check the value of the variable named with --passphrase-env (a trailing newline counts)."
  }
}

/**
 * The key's format, cipher or type is known but not supported here.
 *
 * @since 0.1.0
 * @category reasons
 */
export class KeyFormatUnsupported extends Schema.TaggedError<KeyFormatUnsupported>(
  "@toehold/ssh-core/KeyFormatUnsupported"
)("KeyFormatUnsupported", { ...Source, format: Schema.String }) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return `The key ${this.path} is of a kind that is not supported: ${this.format}.`
  }
  get fix(): string {
    return "Use an Ed25519, ECDSA or RSA key: toehold keys generate makes one. Hardware keys and certificates need the system's own ssh."
  }
}

/**
 * A public key was given where the private one is needed.
 *
 * @since 0.1.0
 * @category reasons
 */
export class KeyIsPublic extends Schema.TaggedError<KeyIsPublic>("@toehold/ssh-core/KeyIsPublic")(
  "KeyIsPublic",
  Source
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return `${this.path} is a public key; the private one is needed.`
  }
  get fix(): string {
    return this.path.endsWith(".pub")
      ? `Give the file without .pub: ${this.path.slice(0, -4)}`
      : "Give the private key that belongs to it."
  }
}

/**
 * Other users of this machine can read the private key, which SSH refuses to use.
 *
 * @since 0.1.0
 * @category reasons
 */
export class KeyPermissions extends Schema.TaggedError<KeyPermissions>("@toehold/ssh-core/KeyPermissions")(
  "KeyPermissions",
  {
    ...Source,
    /** Permission bits of the file, such as `0o644`. */
    mode: Schema.Int
  }
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return `The private key ${this.path} is open to others (mode ${this.mode.toString(8).padStart(4, "0")}).`
  }
  get fix(): string {
    return `Run: chmod 600 ${this.path}`
  }
}
