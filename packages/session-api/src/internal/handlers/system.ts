/** The calls of those who run the server. */
import { Deferred, Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { ApiTokens } from "../../ApiTokens.ts"
import { SessionApi } from "../../SessionApi.ts"
import * as eventStream from "../eventStream.ts"
import { Unavailable } from "../reason.ts"

export const system = (version: string) =>
  HttpApiBuilder.group(
    SessionApi,
    "system",
    Effect.fnUntraced(function* (handlers) {
      const tokens = yield* ApiTokens
      const stopping = yield* eventStream.Stopping
      const well = { status: "ok" as const, version }
      return handlers.handleAll({
        health: () => Effect.succeed(well),
        readiness: Effect.fnUntraced(function* () {
          if (Deferred.isDoneUnsafe(stopping)) return yield* new Unavailable({ detail: "The server is about to stop." })
          yield* Effect.timeout(tokens.count, "5 seconds").pipe(
            Effect.mapError(() => new Unavailable({ detail: "The database does not answer." }))
          )
          return well
        })
      })
    })
  )
