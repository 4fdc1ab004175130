/**
 * What is printed when a command of the program fails: one JSON document, or a message with its fix.
 *
 * @since 0.1.0
 */
import type { ProvisionError } from "@toehold/bootstrap-service/ProvisionError"
import type { JobsError } from "@toehold/jobs/JobsError"
import type { MachineError } from "@toehold/machines/MachineError"
import type { SessionApiError } from "@toehold/session-api/SessionApiError"
import type { SerialError } from "@toehold/serial-runner/SerialError"
import type { SshError } from "@toehold/ssh-core/SshError"
import { causeOf } from "./internal/transportCause.ts"
import type { TransferError } from "@toehold/transfer/TransferError"
import type { VastError } from "@toehold/vast-api/VastError"
import { type CommandOutput, outputFields } from "./internal/outputDocument.ts"
import type { InputFailed, OutputFailed } from "./StandardStreams.ts"
import type { UsageError } from "./UsageError.ts"

/**
 * Everything that a command can fail with.
 *
 * @since 0.1.0
 * @category models
 */
export type Failure =
  | SshError
  | SerialError
  | JobsError
  | TransferError
  | VastError
  | MachineError
  | ProvisionError
  | SessionApiError
  | UsageError
  | OutputFailed
  | InputFailed

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

const shownElsewhere = new Set(["_tag", "outcome", "isRetryable", "stdout", "stderr", "cause"])

const detailsOf = (reason: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(reason).filter(([name]) => !shownElsewhere.has(name)))

/**
 * The document for a failure.
 *
 * @since 0.1.0
 * @category constructors
 */
export const of = (failure: Failure): FailureDocument => {
  if (failure._tag === "JobsError") return ofJob(failure)
  if (failure._tag === "MachineError") return ofMachine(failure)
  if (failure._tag === "UsageError" || failure._tag === "OutputFailed" || failure._tag === "InputFailed") {
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
      details: { ...detailsOf(reason), ...placed }
    },
    ...output
  }
}

/** Each way that was tried has a document of its own. */
const ofMachine = (failure: MachineError): FailureDocument => {
  const { fix, isRetryable, message, outcome, reason } = failure
  const attempts =
    reason._tag === "RoutesFailed"
      ? { attempts: reason.attempts.map(({ error, ...rest }) => ({ ...rest, error: of(error).error })) }
      : {}
  const details = { ...detailsOf(reason), ...attempts }
  return { error: { reason: reason._tag, message, fix, isRetryable, outcome, details } }
}

/** Of a machine that can't be reached it is the way there that is at fault, but the job that is in question. */
const ofJob = (failure: JobsError): FailureDocument => {
  const { reason } = failure
  const cause = causeOf(failure)
  const { fix, outcome } = failure
  const isRetryable = failure.isRetryable
  if (cause === undefined) {
    const { message } = failure
    return { error: { reason: reason._tag, message, fix, isRetryable, outcome, details: detailsOf(reason) } }
  }
  return {
    error: {
      reason: cause.reason._tag,
      message: cause.message,
      fix: outcome === "may-have-run" ? fix : cause.fix,
      isRetryable,
      outcome,
      details: { ...detailsOf(cause.reason), ...detailsOf(reason) }
    }
  }
}

/**
 * The failure for a person: what happened, and what to do next.
 *
 * @since 0.1.0
 * @category formatting
 */
export const toText = (failure: Failure): string => {
  const { fix, message } = of(failure).error
  return `toehold: ${message}\n${fix}\n`
}
