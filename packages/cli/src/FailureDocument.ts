/**
 * What is printed when a command of the program fails: one JSON document, or a message with its fix.
 *
 * @since 0.1.0
 */
import type { SshError } from "@toehold/ssh-core/SshError"
import type { TransferError } from "@toehold/transfer/TransferError"
import { type CommandOutput, outputFields } from "./internal/outputDocument.ts"
import type { InputFailed, OutputFailed } from "./StandardStreams.ts"
import type { UsageError } from "./UsageError.ts"

/**
 * Everything that a command can fail with.
 *
 * @since 0.1.0
 * @category models
 */
export type Failure = SshError | TransferError | UsageError | OutputFailed | InputFailed

/**
 * The document: `reason` is the tag of the error's reason, `outcome` whether a command ran, and `details` the reason's
 * own fields. A command's partial output stands beside it.
 *
 * @since 0.1.0
 * @category models
 */
export interface FailureDocument extends Partial<CommandOutput> {
  readonly error: {
    readonly reason: string
    readonly message: string
    readonly fix: string
    readonly isRetryable: boolean
    readonly outcome: "did-not-run" | "may-have-run" | "finished"
    readonly details: Readonly<Record<string, unknown>>
  }
}

const shownElsewhere = new Set(["_tag", "outcome", "isRetryable", "stdout", "stderr"])

/**
 * The document for a failure.
 *
 * @since 0.1.0
 * @category constructors
 */
export const of = (failure: Failure): FailureDocument => {
  if (failure._tag !== "SshError" && failure._tag !== "TransferError") {
    const isUsage = failure._tag === "UsageError"
    return {
      error: {
        reason: isUsage ? "InvalidArgument" : "FileFailed",
        message: failure.message,
        fix: failure.fix,
        isRetryable: false,
        // Whether a command ran when the output broke off can't be known from here.
        outcome: isUsage ? "did-not-run" : "may-have-run",
        details: {}
      }
    }
  }
  const { reason } = failure
  const placed = failure._tag === "TransferError" ? { placed: failure.placed } : {}
  const output = "stdout" in reason ? outputFields(reason.stdout, reason.stderr) : {}
  return {
    error: {
      reason: reason._tag,
      message: failure.message,
      fix: failure.fix,
      isRetryable: failure.isRetryable,
      outcome: failure.outcome,
      details: {
        ...Object.fromEntries(Object.entries(reason).filter(([name]) => !shownElsewhere.has(name))),
        ...placed
      }
    },
    ...output
  }
}

/**
 * The failure for a person: what happened, and what to do next.
 *
 * @since 0.1.0
 * @category formatting
 */
export const toText = (failure: Failure): string => `toehold: ${failure.message}\n${failure.fix}\n`
