import { type Answer, json, refuse, text } from "./answer.ts"

/**
 * How a call fails on demand. The names are the service's own ways to refuse: a call too many as plain text or as one of
 * two JSON shapes, a wrong key with either status, a login without its second factor, a gateway's page. `cut` ends the
 * connection without an answer, `silence` never answers, and both of `done-and-…` do the work first. `billed` is for a create:
 * it says no, and rents.
 *
 * @since 0.1.0
 * @category models
 */
export type Failure =
  | "rate-limit-text"
  | "rate-limit-detail"
  | "rate-limit-json"
  | "wrong-key-404"
  | "wrong-key-401"
  | "two-factor"
  | "forbidden"
  | "bad-gateway"
  | "server-error"
  | "not-json"
  | "cut"
  | "silence"
  | "done-and-cut"
  | "done-and-bad-gateway"
  | "billed"

const badGateway: Answer = {
  status: 502,
  contentType: "text/html",
  body: "<html><head><title>502 Bad Gateway</title></head></html>"
}

export const tooFrequent = (threshold: number): Answer =>
  text(`API requests too frequent: endpoint threshold=${threshold.toFixed(1)}`, 429)

export const wrongKey = (status: 401 | 404): Answer => refuse(status, "auth_error", "Invalid user key")

export const forbidden = refuse(403, "forbidden", "This API key does not have the permission to do that.")

/** The answer of a failure that has one. */
export const answerOf = (failure: Failure): Answer | undefined => {
  switch (failure) {
    case "rate-limit-text":
      return tooFrequent(2)
    case "rate-limit-detail":
      return json({ detail: "API requests too frequent endpoint threshold=1.0" }, 429)
    case "rate-limit-json":
      return refuse(429, "rate_limit_exceeded", "API requests too frequent endpoint threshold=3.0")
    case "wrong-key-404":
      return wrongKey(404)
    case "wrong-key-401":
      return wrongKey(401)
    case "two-factor":
      return refuse(401, "auth_error", "This request requires you to have logged in using Two Factor Authentication.")
    case "forbidden":
      return forbidden
    case "bad-gateway":
    case "done-and-bad-gateway":
      return badGateway
    case "server-error":
      return refuse(500, "internal_error", "Internal error.")
    case "not-json":
      return text("ok")
    case "cut":
    case "silence":
    case "done-and-cut":
    case "billed":
      return undefined
  }
}
