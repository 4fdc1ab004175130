/** What keeps the worker's program from doing what it was asked for, and how it says so. */
import { Console, Effect } from "effect"
import { HttpServerError } from "effect/http"
import type { BootstrapError } from "@toehold/bootstrap-service/BootstrapError"
import type { SessionApiError } from "../SessionApiError.ts"

export type WorkerFailure = BootstrapError | HttpServerError.ServeError | SessionApiError

interface Report {
  readonly reason: string
  readonly message: string
  readonly fix: string
  readonly isRetryable: boolean
  readonly outcome: string
  readonly exitCode: number
}

const exitCodes: Readonly<Record<string, number>> = {
  NotFound: 66,
  Unavailable: 74,
  StoreFailed: 74
}

/** For everything else: what was given does not hold. */
const configuration = 78
const tryAgain = 75

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "unknown"

const reportOf = (failure: WorkerFailure): Report => {
  if (failure._tag === "ServeError") {
    const code = codeOf(failure.cause)
    const isTaken = code === "EADDRINUSE"
    return {
      reason: isTaken ? "PortInUse" : "ListenFailed",
      message: isTaken ? "Another program listens at this port." : `The server can't listen there (${code}).`,
      fix: "Give another --port or --host.",
      isRetryable: isTaken,
      outcome: "did-not-run",
      exitCode: isTaken ? tryAgain : configuration
    }
  }
  const { fix, isRetryable, message, outcome, reason } = failure
  return { reason: reason._tag, message, fix, isRetryable, outcome, exitCode: exitCodes[reason._tag] ?? configuration }
}

export const reportFailure = (failure: WorkerFailure, isJson: boolean): Effect.Effect<number> => {
  const { exitCode, ...error } = reportOf(failure)
  const printed = isJson
    ? Console.log(JSON.stringify({ error: { ...error, details: {} } }))
    : Console.error(`api-worker: ${error.message}\n${error.fix}`)
  return Effect.as(printed, exitCode)
}
