/** The gate of the API: who calls, whether the token is good for the call, and how often it comes. */
import { Clock, Context, Effect, Layer, Option, Redacted } from "effect"
import { HttpServerRequest } from "effect/http"
import { ApiTokens } from "../ApiTokens.ts"
import { Authorization, Caller } from "../SessionApi.ts"
import * as rateLimit from "./rateLimit.ts"
import * as reasons from "./reason.ts"
import { CurrentRequest } from "./requestFacts.ts"
import { RequiredScope } from "./scope.ts"

export interface Options {
  /** Requests of one token per second, in the long run. */
  readonly requestsPerSecond: number
  /** Requests of one token at once. */
  readonly burst: number
}

/** Guesses of one address: enough for a person's mistakes. */
const guesses = { burst: 20, perSecond: 0.5 }

const maxKeys = 10_000

export const layer = (options: Options): Layer.Layer<Authorization, never, ApiTokens> =>
  Layer.effect(
    Authorization,
    Effect.gen(function* () {
      const tokens = yield* ApiTokens
      const ofToken = rateLimit.make({ burst: options.burst, perSecond: options.requestsPerSecond, maxKeys })
      const ofAddress = rateLimit.make({ ...guesses, maxKeys })

      const take = Effect.fnUntraced(function* (limit: rateLimit.RateLimit, key: string) {
        const retryAfterMs = limit.take(key, yield* Clock.currentTimeMillis)
        if (retryAfterMs === 0) return
        const facts = yield* CurrentRequest
        facts.retryAfterMs = retryAfterMs
        return yield* new reasons.RateLimited({ retryAfterMs })
      })

      return Authorization.of({
        bearer: Effect.fnUntraced(function* (handler, { credential, endpoint }) {
          const token = Option.getOrUndefined(
            // The guard says so where the database does not answer.
            yield* tokens.verify(credential).pipe(Effect.catch(({ reason }) => Effect.die(reason)))
          )
          if (token === undefined) {
            const request = yield* HttpServerRequest.HttpServerRequest
            yield* take(
              ofAddress,
              Option.getOrElse(request.remoteAddress, () => "")
            )
            const detail =
              Redacted.value(credential) === ""
                ? "The request has no bearer token."
                : "The bearer token is not accepted."
            return yield* new reasons.Unauthorized({ detail })
          }
          const facts = yield* CurrentRequest
          facts.tokenId = token.id
          yield* take(ofToken, token.id)
          const scope = Context.getUnsafe(endpoint.annotations, RequiredScope)
          if (!token.scopes.includes(scope) && !token.scopes.includes("admin")) {
            return yield* new reasons.Forbidden({ scope })
          }
          return yield* Effect.provideService(handler, Caller, token)
        })
      })
    })
  )
