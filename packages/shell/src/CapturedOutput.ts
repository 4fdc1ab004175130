/**
 * What was kept of one output stream of a command, within a limit: its beginning, its end, and how much lay between.
 *
 * @since 0.1.0
 */
import { Schema } from "effect"

/**
 * The captured part of one output stream. `head` is the beginning of the stream and `tail` its end; `omittedBytes`
 * counts the bytes between them that were dropped because the capture limit was reached. Nothing is inserted between
 * the two: the bytes are the remote's own.
 *
 * @since 0.1.0
 * @category models
 */
export class CapturedOutput extends Schema.Class<CapturedOutput>("@toehold/shell/CapturedOutput")({
  head: Schema.Uint8Array,
  tail: Schema.Uint8Array,
  totalBytes: Schema.Int,
  omittedBytes: Schema.Int
}) {
  /** `true` when the limit was reached and bytes between `head` and `tail` were dropped. */
  get truncated(): boolean {
    return this.omittedBytes > 0
  }

  /** Head and tail joined, without anything between them. */
  get bytes(): Uint8Array {
    if (this.tail.length === 0) return this.head
    const joined = new Uint8Array(this.head.length + this.tail.length)
    joined.set(this.head, 0)
    joined.set(this.tail, this.head.length)
    return joined
  }

  /** Head and tail decoded as UTF-8, invalid sequences as U+FFFD. Use `bytes` where every byte matters. */
  get text(): string {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.bytes)
  }
}

/**
 * A stream that printed nothing.
 *
 * @since 0.1.0
 * @category constructors
 */
export const empty = new CapturedOutput({
  head: new Uint8Array(0),
  tail: new Uint8Array(0),
  totalBytes: 0,
  omittedBytes: 0
})
