import { Schema } from "effect"
import type { Outcome } from "./outcome.ts"

/**
 * The machine's name can't be understood, or asks for something that can't be honoured.
 *
 * @since 0.1.0
 * @category reasons
 */
export class InvalidTarget extends Schema.TaggedError<InvalidTarget>("@toehold/ssh-core/InvalidTarget")(
  "InvalidTarget",
  {
    /** The word that is at fault. */
    word: Schema.String,
    detail: Schema.String,
    /** Where it stands, for a configuration file: `path:line`. */
    location: Schema.optionalKey(Schema.String),
    hint: Schema.optionalKey(Schema.String)
  }
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return `${this.location === undefined ? "" : `${this.location}: `}"${this.word}": ${this.detail}.`
  }
  get fix(): string {
    return (
      this.hint ??
      "Write it as root@host:2222, ssh://user@host:port, a Host alias, or paste a whole ssh command line in quotes."
    )
  }
}

/**
 * An argument can't be used as it is.
 *
 * @since 0.1.0
 * @category reasons
 */
export class InvalidArgument extends Schema.TaggedError<InvalidArgument>("@toehold/ssh-core/InvalidArgument")(
  "InvalidArgument",
  {
    argument: Schema.String,
    detail: Schema.String,
    hint: Schema.optionalKey(Schema.String)
  }
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return `${this.argument}: ${this.detail}.`
  }
  get fix(): string {
    return this.hint ?? "Correct the argument and call again."
  }
}

/**
 * A local or remote file may not be read or written by this user.
 *
 * @since 0.1.0
 * @category reasons
 */
export class PermissionDenied extends Schema.TaggedError<PermissionDenied>("@toehold/ssh-core/PermissionDenied")(
  "PermissionDenied",
  { path: Schema.String, detail: Schema.String }
) {
  /** As errno(3) names it. */
  readonly code = "EACCES"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return `${this.path}: permission denied (${this.detail}).`
  }
  get fix(): string {
    return "Check who owns the file and its folder, and their modes."
  }
}

/**
 * A local or remote file does not exist.
 *
 * @since 0.1.0
 * @category reasons
 */
export class NotFound extends Schema.TaggedError<NotFound>("@toehold/ssh-core/NotFound")("NotFound", {
  path: Schema.String
}) {
  /** As errno(3) names it. */
  readonly code = "ENOENT"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return `${this.path} does not exist.`
  }
  get fix(): string {
    return "Check the path."
  }
}

/**
 * Another program holds the lock beside a local file, and did not give it back within the time allowed.
 *
 * @since 0.1.0
 * @category reasons
 */
export class FileLocked extends Schema.TaggedError<FileLocked>("@toehold/ssh-core/FileLocked")("FileLocked", {
  /** The file that was to be written. */
  path: Schema.String,
  /** The lock file beside it. */
  lock: Schema.String
}) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = true
  override get message(): string {
    return `${this.path} is being written by another program: ${this.lock} exists.`
  }
  get fix(): string {
    return `Try again. If no other program is at work, delete ${this.lock}`
  }
}

/**
 * A file, here or on the machine, can't be used for another cause than permissions: it is too large, is not of the right
 * kind, exists already.
 *
 * @since 0.1.0
 * @category reasons
 */
export class FileFailed extends Schema.TaggedError<FileFailed>("@toehold/ssh-core/FileFailed")("FileFailed", {
  path: Schema.String,
  /** What is wrong with it in a few words, or the system's own code. */
  detail: Schema.String,
  /** The name that errno(3) has for it, such as `EEXIST`, where it is known. */
  code: Schema.optionalKey(Schema.String)
}) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return `${this.path} can't be used: ${this.detail}.`
  }
  get fix(): string {
    return "Check the path, what kind of file it is, and that the disk has room."
  }
}

/**
 * The machine's disk, or the account's share of it, is full. Part of what was to be written may be there.
 *
 * @since 0.1.0
 * @category reasons
 */
export class NoSpace extends Schema.TaggedError<NoSpace>("@toehold/ssh-core/NoSpace")("NoSpace", {
  path: Schema.String,
  /** Bytes that an ordinary account may still use there, if the machine tells. */
  freeBytes: Schema.optionalKey(Schema.Finite)
}) {
  /** As errno(3) names it. */
  readonly code = "ENOSPC"
  readonly outcome: Outcome = "may-have-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    const left = this.freeBytes === undefined ? "" : ` (${this.freeBytes} bytes are left)`
    return `${this.path}: no space left on the machine's disk${left}.`
  }
  get fix(): string {
    return "Make room on the machine (df -h, df -i), then write the file again."
  }
}
