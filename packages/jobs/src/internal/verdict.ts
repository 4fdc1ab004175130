/** What a transport's failure means for what was asked. */
import type { PlatformError } from "effect"

/** What the transports' own errors say of themselves, with which a `PlatformError` of theirs was caused. */
interface Verdict {
  readonly outcome: string
  readonly isRetryable: boolean
  readonly message: string
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

const verdictOf = (error: PlatformError.PlatformError): Verdict | undefined => {
  for (let cause: unknown = error, depth = 0; isRecord(cause) && depth < 5; cause = cause["cause"], depth++) {
    const { isRetryable, message, outcome } = cause
    if (typeof outcome === "string" && typeof isRetryable === "boolean") {
      return { outcome, isRetryable, message: String(message) }
    }
  }
  return undefined
}

/** Failures of the system that another try would meet again. */
const lasting = new Set(["BadArgument", "NotFound", "PermissionDenied", "InvalidData"])

/** A login that was refused will be refused again; a connection that was lost may come back. */
export const mayPass = (error: PlatformError.PlatformError): boolean => {
  const verdict = verdictOf(error)
  return verdict === undefined
    ? !lasting.has(error.reason._tag)
    : verdict.isRetryable || verdict.outcome !== "did-not-run"
}

export const mayHaveStarted = (error: PlatformError.PlatformError): boolean => {
  const verdict = verdictOf(error)
  return verdict === undefined ? !lasting.has(error.reason._tag) : verdict.outcome !== "did-not-run"
}

/** What happened, without the script that a `PlatformError` names as its command. */
export const wordsOf = (error: PlatformError.PlatformError): string =>
  verdictOf(error)?.message ?? error.reason.description ?? error.reason._tag
