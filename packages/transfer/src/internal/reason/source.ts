import { oneLine } from "@toehold/shell/RemoteText"
import { Schema } from "effect"
import { place } from "./place.ts"

/** Where it happened. */
const At = {
  /** Name of the end, as the caller gave it; empty where it has none. */
  machine: Schema.String,
  path: Schema.String
}

/**
 * What was to be transferred does not exist, or the folder that it was to go to doesn't.
 *
 * @since 0.1.0
 * @category reasons
 */
export class NotFound extends Schema.TaggedError<NotFound>("@toehold/transfer/NotFound")("NotFound", {
  ...At,
  end: Schema.Literals(["source", "target"])
}) {
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`${place(this)} does not exist.`)
  }
  get fix(): string {
    return this.end === "source"
      ? "Check the path."
      : "Make the folder first, end the path with / to have it made, or pass --parents."
  }
}

/**
 * A file that was there when the transfer began is gone.
 *
 * @since 0.1.0
 * @category reasons
 */
export class SourceVanished extends Schema.TaggedError<SourceVanished>("@toehold/transfer/SourceVanished")(
  "SourceVanished",
  At
) {
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(`${place(this)} was removed while it was being transferred.`)
  }
  get fix(): string {
    return "Run the transfer again; leave out what other programs remove with --exclude."
  }
}

/**
 * A file changed while it was read, so that what arrived is neither the old nor the new one. It did not appear at its
 * final path.
 *
 * @since 0.1.0
 * @category reasons
 */
export class SourceChanged extends Schema.TaggedError<SourceChanged>("@toehold/transfer/SourceChanged")(
  "SourceChanged",
  { ...At, detail: Schema.String }
) {
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(`${place(this)} changed while it was being transferred: ${this.detail}.`)
  }
  get fix(): string {
    return "Run the transfer again when nothing writes to the file, or transfer a copy of it."
  }
}

/**
 * A path that was to be a file (or a link) is something else: a device, a pipe, a socket.
 *
 * @since 0.1.0
 * @category reasons
 */
export class NotAFile extends Schema.TaggedError<NotAFile>("@toehold/transfer/NotAFile")("NotAFile", {
  ...At,
  kind: Schema.String
}) {
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`${place(this)} is no file but a ${this.kind}.`)
  }
  get fix(): string {
    return "Give the path of a file or a folder. To read a device or a pipe, use exec with cat."
  }
}

/**
 * A name that the target can't have, or that would lead out of it.
 *
 * @since 0.1.0
 * @category reasons
 */
export class UnsafeName extends Schema.TaggedError<UnsafeName>("@toehold/transfer/UnsafeName")("UnsafeName", {
  ...At,
  detail: Schema.String
}) {
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`${place(this)} can't be transferred under its name: ${this.detail}.`)
  }
  get fix(): string {
    return "Rename it at the source, or leave it out with --exclude."
  }
}
