/** How many streams of events are open, of each token and in all: each holds a connection and its place in memory. */
import { Context, Effect, Layer, type Scope } from "effect"
import * as reasons from "./reason.ts"
import { CurrentRequest } from "./requestFacts.ts"

export interface Options {
  readonly maxPerToken: number
  readonly max: number
}

export class OpenStreams extends Context.Service<
  OpenStreams,
  {
    /** Counts one more until the scope closes, or refuses it. */
    readonly enter: (tokenId: string) => Effect.Effect<void, reasons.RateLimited | reasons.Unavailable, Scope.Scope>
  }
>()("@toehold/session-api/OpenStreams") {}

/** When a place may be free again is for others to say; a reader that comes back at once would only be refused again. */
const retryAfterMs = 5000

const refuse = <E>(reason: Effect.Effect<never, E>): Effect.Effect<never, E> =>
  Effect.flatMap(CurrentRequest, (facts) => {
    facts.retryAfterMs = retryAfterMs
    return reason
  })

export const layer = ({ max, maxPerToken }: Options): Layer.Layer<OpenStreams> =>
  Layer.sync(OpenStreams, () => {
    const open = new Map<string, number>()
    let all = 0
    const add = (tokenId: string, change: 1 | -1): void => {
      all += change
      const count = (open.get(tokenId) ?? 0) + change
      if (count === 0) open.delete(tokenId)
      else open.set(tokenId, count)
    }
    return {
      enter: (tokenId) =>
        Effect.asVoid(
          Effect.acquireRelease(
            Effect.suspend((): Effect.Effect<void, reasons.RateLimited | reasons.Unavailable> => {
              if ((open.get(tokenId) ?? 0) >= maxPerToken) {
                return refuse(new reasons.RateLimited({ retryAfterMs, streams: maxPerToken }))
              }
              if (all >= max) {
                const detail = "The server has as many streams of events open as it may."
                return refuse(new reasons.Unavailable({ detail }))
              }
              add(tokenId, 1)
              return Effect.void
            }),
            () => Effect.sync(() => add(tokenId, -1))
          )
        )
    }
  })
