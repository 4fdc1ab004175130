/** The calls about machines. */
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { SessionStore } from "@toehold/bootstrap-service/SessionStore"
import { MachineCatalog } from "../../MachineCatalog.ts"
import { Caller, SessionApi } from "../../SessionApi.ts"
import { ofList } from "../sessionFailure.ts"

export const machines = HttpApiBuilder.group(
  SessionApi,
  "machines",
  Effect.fnUntraced(function* (handlers) {
    const catalog = yield* MachineCatalog
    const store = yield* SessionStore
    return handlers.handle(
      "list",
      Effect.fnUntraced(function* () {
        const { owner } = yield* Caller
        const known = yield* Effect.forEach(catalog.of(owner), ([name, { ip }]) =>
          store.list({ owner, vmId: name, limit: 1 }).pipe(
            Effect.catch(ofList),
            Effect.map(({ sessions }) => {
              const newest = sessions.find(({ status }) => status !== "archived")
              return { name, ip: ip ?? null, sessionId: newest?.id ?? null }
            })
          )
        )
        return { machines: known }
      })
    )
  })
)
