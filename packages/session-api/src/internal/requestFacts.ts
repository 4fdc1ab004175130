/** What is found out about a request on its way, for its line in the log. */
import { Context } from "effect"

export interface RequestFacts {
  readonly id: string
  /** The token that the request was made with, by its id, which is no secret. */
  tokenId?: string
  /** When the caller may come back, in milliseconds. */
  retryAfterMs?: number
}

export const CurrentRequest = Context.Reference<RequestFacts>("@toehold/session-api/CurrentRequest", {
  defaultValue: () => ({ id: "" })
})
