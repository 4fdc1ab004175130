/** What keeps a key from an instance, or an instance from running. */
import { Schema } from "effect"
import type { Outcome } from "@toehold/shell/Outcome"
import { oneLine } from "@toehold/shell/RemoteText"

/** As a shell wants it. */
const quoted = (path: string): string => (/^[\w@%+=:,./~-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`)

const list = (words: ReadonlyArray<string>): string => words.join(", ") || "none"

/**
 * There is no private key to log in with.
 *
 * @since 0.1.0
 * @category reasons
 */
export class NoIdentity extends Schema.TaggedError<NoIdentity>("@toehold/bootstrap-service/NoIdentity")("NoIdentity", {
  /** Where was looked. */
  searched: Schema.Array(Schema.String)
}) {
  readonly step = "identity"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`There is no private key to log in with in ${list(this.searched)}.`)
  }
  get fix(): string {
    return "Make one with: toehold keys generate ~/.ssh/id_vast - and attach it to the instance: toehold up with --register, or toehold keys install vast:ID ~/.ssh/id_vast"
  }
}

/**
 * There are keys, and something is wrong with each of them.
 *
 * @since 0.1.0
 * @category reasons
 */
export class IdentityUnusable extends Schema.TaggedError<IdentityUnusable>(
  "@toehold/bootstrap-service/IdentityUnusable"
)("IdentityUnusable", {
  problems: Schema.Array(Schema.Struct({ path: Schema.String, problem: Schema.String, fix: Schema.String }))
}) {
  readonly step = "identity"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(
      `No key can be used: ${this.problems.map(({ path, problem }) => `${path}: ${problem.replace(/\.\s*$/, "")}`).join("; ")}.`
    )
  }
  get fix(): string {
    return this.problems[0]?.fix ?? "Name a key with -i FILE."
  }
}

/**
 * Neither the instance nor the account knows the key.
 *
 * @since 0.1.0
 * @category reasons
 */
export class KeyNotRegistered extends Schema.TaggedError<KeyNotRegistered>(
  "@toehold/bootstrap-service/KeyNotRegistered"
)("KeyNotRegistered", {
  instance: Schema.Int,
  path: Schema.String,
  fingerprint: Schema.String,
  /** Fingerprints of the keys that they have. */
  instanceKeys: Schema.Array(Schema.String),
  accountKeys: Schema.Array(Schema.String)
}) {
  readonly step = "registration"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(
      `The key ${this.path} (${this.fingerprint}) is neither attached to instance ${this.instance} ` +
        `(${list(this.instanceKeys)}) nor registered with the account (${list(this.accountKeys)}).`
    )
  }
  get fix(): string {
    // An agent's key has no file of its own to name.
    const file = this.path.startsWith("agent:") ? "KEY.pub" : quoted(this.path)
    return `Attach it to the instance: toehold keys install vast:${this.instance} ${file} - or run toehold up with --register, which registers it with the account as well.`
  }
}

/**
 * The instance is stopped, and nobody said that it should be started, which costs money.
 *
 * @since 0.1.0
 * @category reasons
 */
export class InstanceStopped extends Schema.TaggedError<InstanceStopped>("@toehold/bootstrap-service/InstanceStopped")(
  "InstanceStopped",
  { instance: Schema.Int, status: Schema.String }
) {
  readonly step = "instance"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`Instance ${this.instance} does not run (${this.status}).`)
  }
  get fix(): string {
    return `Start it, and its billing: toehold vast start ${this.instance} - or run toehold up with --start.`
  }
}

/**
 * The instance will not come up.
 *
 * @since 0.1.0
 * @category reasons
 */
export class InstanceFailed extends Schema.TaggedError<InstanceFailed>("@toehold/bootstrap-service/InstanceFailed")(
  "InstanceFailed",
  {
    instance: Schema.Int,
    detail: Schema.String,
    hint: Schema.String,
    /** The last lines of the container's log, where there is one. */
    log: Schema.Array(Schema.String)
  }
) {
  readonly step = "instance"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    const log = this.log.length === 0 ? "" : ` Its log ends with: ${this.log.join(" / ")}`
    return oneLine(`${this.detail}${log}`)
  }
  get fix(): string {
    return this.hint
  }
}

/**
 * A call of the Vast.ai API failed; `cause` is its own error.
 *
 * @since 0.1.0
 * @category reasons
 */
export class ApiFailed extends Schema.TaggedError<ApiFailed>("@toehold/bootstrap-service/ApiFailed")("ApiFailed", {
  step: Schema.String,
  /** The tag of the API error's reason. */
  kind: Schema.String,
  detail: Schema.String,
  hint: Schema.String,
  isRetryable: Schema.Boolean,
  cause: Schema.Defect()
}) {
  readonly outcome: Outcome = "did-not-run"
  override get message(): string {
    return oneLine(this.detail)
  }
  get fix(): string {
    return this.hint
  }
}
