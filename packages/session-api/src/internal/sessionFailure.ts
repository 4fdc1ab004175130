/** Failures of the service that runs sessions, as answers of the API. */
import { Effect } from "effect"
import type { BootstrapError } from "@toehold/bootstrap-service/BootstrapError"
import * as reasons from "./reason.ts"

/** Of a call that asks for several sessions. */
export const ofList = (error: BootstrapError): Effect.Effect<never, reasons.InvalidRequest | reasons.Unavailable> => {
  const { reason } = error
  switch (reason._tag) {
    case "InvalidConfig":
      return new reasons.InvalidRequest({ issues: [{ path: reason.field, message: reason.detail }] })
    case "StoreFailed":
      return Effect.andThen(
        Effect.logError("The session store failed", { error: error.message }),
        new reasons.Unavailable({ detail: "The database does not answer." })
      )
    default:
      // No other reason is a call's own: they are of steps, and stand in the session.
      return Effect.die(error)
  }
}

/** Of a call that asks for one. */
export const ofOne = (
  error: BootstrapError
): Effect.Effect<never, reasons.InvalidRequest | reasons.NotFound | reasons.Unavailable> =>
  error.reason._tag === "SessionNotFound" ? new reasons.NotFound({ what: `session ${error.reason.id}` }) : ofList(error)

/** Of a call that changes one. */
export const ofChange = (
  error: BootstrapError
): Effect.Effect<never, reasons.Conflict | reasons.InvalidRequest | reasons.NotFound | reasons.Unavailable> => {
  switch (error.reason._tag) {
    case "SessionExists":
    case "WrongStatus":
    case "MachineBusy":
      return new reasons.Conflict({ detail: error.message, hint: error.fix })
    default:
      return ofOne(error)
  }
}
