import { oneLine } from "@toehold/shell/RemoteText"
import { Schema } from "effect"
import { place } from "./place.ts"

const At = { machine: Schema.String, path: Schema.String }

/**
 * The disk (or the quota) of the target is full. The part of the file that had arrived was removed, so that the disk
 * isn't kept full by it.
 *
 * @since 0.1.0
 * @category reasons
 */
export class NoSpace extends Schema.TaggedError<NoSpace>("@toehold/transfer/NoSpace")("NoSpace", {
  ...At,
  detail: Schema.String
}) {
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`There is no room left for ${place(this)}: ${this.detail}.`)
  }
  get fix(): string {
    return "Free some room (df -h, df -i), or choose another folder. What was half there has been removed."
  }
}

/**
 * This user may not read the source or not write the target.
 *
 * @since 0.1.0
 * @category reasons
 */
export class PermissionDenied extends Schema.TaggedError<PermissionDenied>("@toehold/transfer/PermissionDenied")(
  "PermissionDenied",
  { ...At, detail: Schema.String }
) {
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`${place(this)}: permission denied (${this.detail}).`)
  }
  get fix(): string {
    return "Check who owns it and its folder, and their modes."
  }
}

/**
 * Something that is no folder stands where a folder must be. A link to a folder counts as something else: nothing is
 * ever written through a link inside of the target.
 *
 * @since 0.1.0
 * @category reasons
 */
export class NotADirectory extends Schema.TaggedError<NotADirectory>("@toehold/transfer/NotADirectory")(
  "NotADirectory",
  { ...At, kind: Schema.String }
) {
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`${place(this)} must be a folder but is a ${this.kind}.`)
  }
  get fix(): string {
    return "Remove it or choose another path; sync puts a folder in its place."
  }
}

/**
 * A folder stands where a file must be, or the source is a folder where only a file will do.
 *
 * @since 0.1.0
 * @category reasons
 */
export class IsADirectory extends Schema.TaggedError<IsADirectory>("@toehold/transfer/IsADirectory")(
  "IsADirectory",
  At
) {
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`${place(this)} is a folder, and a file was to take its place.`)
  }
  get fix(): string {
    return "Remove the folder or choose another path; sync --delete removes what is in the way."
  }
}

/**
 * What arrived is not what was sent. It did not appear at its final path.
 *
 * @since 0.1.0
 * @category reasons
 */
export class ChecksumMismatch extends Schema.TaggedError<ChecksumMismatch>("@toehold/transfer/ChecksumMismatch")(
  "ChecksumMismatch",
  {
    ...At,
    /** SHA-256 in hexadecimal. */
    expected: Schema.String,
    actual: Schema.String
  }
) {
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(`${place(this)} did not arrive as it was sent: SHA-256 ${this.actual} instead of ${this.expected}.`)
  }
  get fix(): string {
    return "Run the transfer again. If it stays, something changes the source, or a disk or memory is bad."
  }
}

/**
 * Another transfer took over the partial file or tree, which it does when nothing was written to it for some seconds.
 *
 * @since 0.1.0
 * @category reasons
 */
export class TakenOver extends Schema.TaggedError<TakenOver>("@toehold/transfer/TakenOver")("TakenOver", At) {
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(`Another transfer of the same source took over ${place(this)}.`)
  }
  get fix(): string {
    return "Let the other transfer end; run this one again only if that one failed."
  }
}

/**
 * A file can't be read, written, moved or changed for another cause.
 *
 * @since 0.1.0
 * @category reasons
 */
export class FileFailed extends Schema.TaggedError<FileFailed>("@toehold/transfer/FileFailed")("FileFailed", {
  ...At,
  /** In a few words, or the system's own code, such as `EIO`. */
  detail: Schema.String
}) {
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`${place(this)}: ${this.detail}.`)
  }
  get fix(): string {
    return "Check the path, the kind of file, and that the disk is writable and healthy."
  }
}

/**
 * The connection to one of the ends is gone, and did not come back while the transfer waited for it.
 *
 * @since 0.1.0
 * @category reasons
 */
export class ConnectionLost extends Schema.TaggedError<ConnectionLost>("@toehold/transfer/ConnectionLost")(
  "ConnectionLost",
  {
    ...At,
    /** The transport's own words. */
    detail: Schema.String,
    /** The transport's own advice, where it has some. */
    advice: Schema.optionalKey(Schema.String),
    /** `false` where trying again is of no use: a key that is refused, a host key that changed. */
    isRetryable: Schema.Boolean
  }
) {
  override get message(): string {
    const machine = this.machine === "" ? "the machine" : this.machine
    return oneLine(`The connection to ${machine} failed at ${this.path}: ${this.detail}`)
  }
  get fix(): string {
    return this.advice ?? "Run the same transfer again: it goes on from what has arrived."
  }
}

/**
 * An argument can't be used as it is.
 *
 * @since 0.1.0
 * @category reasons
 */
export class InvalidArgument extends Schema.TaggedError<InvalidArgument>("@toehold/transfer/InvalidArgument")(
  "InvalidArgument",
  { argument: Schema.String, detail: Schema.String, hint: Schema.String }
) {
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`${this.argument}: ${this.detail}.`)
  }
  get fix(): string {
    return this.hint
  }
}
