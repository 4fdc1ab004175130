/**
 * What a command line does wrong, so that nothing was begun.
 *
 * @since 0.1.0
 */
import { Schema } from "effect"

/**
 * The command line can't be understood. `detail` says what is wrong with it, `hint` where to read on or what was
 * probably meant. Its exit code is 64.
 *
 * @since 0.1.0
 * @category errors
 */
export class UsageError extends Schema.TaggedError<UsageError>("@toehold/cli/UsageError")("UsageError", {
  detail: Schema.String,
  hint: Schema.String
}) {
  override get message(): string {
    return this.detail
  }

  get fix(): string {
    return this.hint
  }
}
