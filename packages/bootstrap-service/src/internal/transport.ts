/** What a failure of the way to the machine means for a step. */
import { type PlatformError, Predicate } from "effect"
import type { JobsError } from "@toehold/jobs/JobsError"
import * as BootstrapError from "../BootstrapError.ts"
import type { SessionStep } from "../SessionStep.ts"

/** What a transport's own error says, whichever transport it is: its classes are unknown here. */
interface Words {
  readonly tag: string | undefined
  readonly message: string
  readonly isRetryable: boolean
  readonly outcome: BootstrapError.Outcome
}

const isOutcome = (value: unknown): value is BootstrapError.Outcome =>
  value === "did-not-run" || value === "may-have-run" || value === "finished"

const wordsOf = (error: unknown): Words | undefined => {
  for (let cause = error, depth = 0; Predicate.isObject(cause) && depth < 6; depth++) {
    const { isRetryable, message, outcome, reason } = cause as Readonly<Record<string, unknown>> // any object has such a view
    if (isOutcome(outcome) && typeof isRetryable === "boolean") {
      const tag = Predicate.hasProperty(reason, "_tag") ? String(reason._tag) : undefined
      return { tag, message: String(message), isRetryable, outcome }
    }
    cause = (cause as Readonly<Record<string, unknown>>)["cause"]
  }
  return undefined
}

/** Failures of the system that another try would meet again. */
const lasting = new Set(["BadArgument", "NotFound", "PermissionDenied", "InvalidData"])

/** The reason for what a process on the machine could not be started or followed with. */
export const ofPlatform = (step: SessionStep, error: PlatformError.PlatformError): BootstrapError.Reason => {
  const words = wordsOf(error.reason) ?? wordsOf(error.cause)
  const isLasting = lasting.has(error.reason._tag)
  return ofWords(step, {
    tag: words?.tag,
    message: words?.message ?? `${error.reason.description ?? error.reason._tag}`,
    isRetryable: words?.isRetryable ?? !isLasting,
    outcome: words?.outcome ?? (isLasting ? "did-not-run" : "may-have-run")
  })
}

const ofWords = (step: SessionStep, { isRetryable, message, outcome, tag }: Words): BootstrapError.Reason => {
  if (tag === "LoginPrompt") return new BootstrapError.LoginPrompt({})
  const cause = tag === undefined ? {} : { cause: tag }
  return step === "console"
    ? new BootstrapError.ConsoleFailed({ ...cause, detail: message, isRetryable })
    : new BootstrapError.ConnectionLost({ ...cause, step, detail: message, isRetryable, outcome })
}

/** The reason for any error with which a console or connection could not be opened. */
export const ofConsole = (error: unknown): BootstrapError.Reason =>
  ofWords(
    "console",
    wordsOf(error) ?? {
      tag: undefined,
      message: Predicate.hasProperty(error, "message") ? String(error.message) : String(error),
      isRetryable: true,
      outcome: "did-not-run"
    }
  )

/** What a job failed with, of which `other` makes what is the step's own. */
export const ofJobs =
  (step: SessionStep, other: (error: JobsError) => BootstrapError.Reason) =>
  (error: JobsError): BootstrapError.BootstrapError => {
    const { reason } = error
    switch (reason._tag) {
      case "Transport":
        return BootstrapError.make(ofPlatform(step, reason.cause))
      case "BadReply":
        return BootstrapError.make(new BootstrapError.BadAnswer({ step, detail: reason.detail }))
      case "NoSpace":
        return BootstrapError.make(new BootstrapError.NoSpace({ step, path: "its jobs", detail: reason.detail }))
      default:
        return BootstrapError.make(other(error))
    }
  }
