import type { BootstrapError } from "../BootstrapError.ts"
import type { Failure } from "../Session.ts"

/** An error as the store has it. */
export const failureOf = (error: BootstrapError): Failure => ({
  reason: error.reason._tag,
  message: error.message,
  fix: error.fix,
  isRetryable: error.isRetryable,
  outcome: error.outcome,
  step: error.step ?? null
})
