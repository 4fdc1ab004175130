/** The calls about sessions. A caller sees its owner's sessions alone, unless its token has the scope `admin`. */
import { type Duration, Effect, Option, Result, Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import * as SessionConfig from "@toehold/bootstrap-service/SessionConfig"
import { SessionStore } from "@toehold/bootstrap-service/SessionStore"
import { Sessions } from "@toehold/bootstrap-service/Sessions"
import * as Crypto from "node:crypto"
import { MachineCatalog } from "../../MachineCatalog.ts"
import { Caller, type NewSession, SessionApi } from "../../SessionApi.ts"
import type { ApiToken } from "../apiToken.ts"
import * as eventStream from "../eventStream.ts"
import { OpenStreams } from "../openStreams.ts"
import * as reasons from "../reason.ts"
import { invalidRequest } from "../schemaIssues.ts"
import * as sessionDocument from "../sessionDocument.ts"
import * as failure from "../sessionFailure.ts"

const isAdmin = ({ scopes }: ApiToken): boolean => scopes.includes("admin")

const isConfig = Schema.decodeUnknownResult(Schema.toType(SessionConfig.SessionConfig))

/** Sortable by nobody, guessable by nobody. */
const newId = Effect.sync(() => `s-${Crypto.randomBytes(10).toString("hex")}`)

const sameStorable = Schema.toEquivalence(SessionConfig.Storable)

const invalid = (path: string, message: string) => new reasons.InvalidRequest({ issues: [{ path, message }] })

/** What a new session is made from, with what the worker knows of the machine. */
const configOf = Effect.fnUntraced(function* (payload: NewSession, owner: string, catalog: MachineCatalog["Service"]) {
  const { id, machine, ...rest } = payload
  const entry = yield* Effect.fromOption(catalog.find(owner, machine)).pipe(
    Effect.mapError(() => new reasons.NotFound({ what: `machine ${machine}` }))
  )
  if (entry.ip !== undefined && rest.vmIp !== undefined && rest.vmIp !== entry.ip) {
    return yield* invalid("body.vmIp", "it is not the address that the worker has for this machine; leave it out")
  }
  const config = isConfig({
    ...rest,
    ...(entry.ip === undefined ? {} : { vmIp: entry.ip }),
    sessionId: id ?? (yield* newId),
    vmId: machine
  })
  return yield* Effect.fromResult(Result.mapError(config, ({ issue }) => invalidRequest("body", issue)))
})

export const sessions = (heartbeat: Duration.Input) =>
  HttpApiBuilder.group(
    SessionApi,
    "sessions",
    Effect.fnUntraced(function* (handlers) {
      const service = yield* Sessions
      const store = yield* SessionStore
      const catalog = yield* MachineCatalog
      const stopping = yield* eventStream.Stopping
      const { enter } = yield* OpenStreams

      const own = Effect.fnUntraced(function* (id: string) {
        const caller = yield* Caller
        const session = yield* store.get(id).pipe(Effect.catch(failure.ofOne))
        // Whether somebody else has a session of this id is nobody's business.
        if (!isAdmin(caller) && session.owner !== caller.owner) {
          return yield* new reasons.NotFound({ what: `session ${id}` })
        }
        return session
      })

      /** A call that is repeated with the same id and content, as after a lost answer, finds what the first one made. */
      const alreadyThere = Effect.fnUntraced(function* (config: SessionConfig.SessionConfig, owner: string) {
        const session = yield* store.get(config.sessionId)
        const isSame = session.owner === owner && sameStorable(session.config, SessionConfig.split(config).storable)
        return isSame ? Option.some(session) : Option.none()
      })

      return handlers.handleAll({
        create: Effect.fnUntraced(function* ({ payload }) {
          const { owner } = yield* Caller
          const config = yield* configOf(payload, owner, catalog)
          const session = yield* service.create({ config, owner }).pipe(
            Effect.catchIf(
              ({ reason }) => reason._tag === "SessionExists",
              (error) =>
                Effect.flatMap(
                  alreadyThere(config, owner),
                  Option.match({ onNone: () => error, onSome: Effect.succeed })
                )
            ),
            Effect.catch(failure.ofChange)
          )
          return sessionDocument.ofSession(session)
        }),
        list: Effect.fnUntraced(function* ({ query }) {
          const caller = yield* Caller
          const { machine, ...rest } = query
          const mine = isAdmin(caller) ? {} : { owner: caller.owner }
          const page = yield* store.list({ ...rest, vmId: machine, ...mine }).pipe(Effect.catch(failure.ofList))
          return { sessions: page.sessions.map(sessionDocument.ofSession), next: page.next ?? null }
        }),
        get: Effect.fnUntraced(function* ({ params }) {
          return sessionDocument.ofSession(yield* own(params.id))
        }),
        retry: Effect.fnUntraced(function* ({ params }) {
          yield* own(params.id)
          return sessionDocument.ofSession(yield* service.retry(params.id).pipe(Effect.catch(failure.ofChange)))
        }),
        archive: Effect.fnUntraced(function* ({ params }) {
          yield* own(params.id)
          return sessionDocument.ofSession(yield* service.archive(params.id).pipe(Effect.catch(failure.ofOne)))
        }),
        remove: Effect.fnUntraced(function* ({ params }) {
          yield* own(params.id)
          yield* Effect.andThen(service.archive(params.id), service.remove(params.id)).pipe(Effect.catch(failure.ofOne))
        }),
        events: Effect.fnUntraced(function* ({ headers, params, query }) {
          yield* own(params.id)
          const after = eventStream.lastEventId(headers["last-event-id"])
          if (after === undefined) return yield* invalid("headers.last-event-id", "it is no id of an event")
          const { id } = yield* Caller
          yield* enter(id)
          const untilSettled = query.until === "settled"
          return eventStream.make({ store, stopping, sessionId: params.id, after, untilSettled, heartbeat })
        })
      })
    })
  )
