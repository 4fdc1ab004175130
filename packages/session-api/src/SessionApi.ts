/**
 * The session API as a description, from which the server, its OpenAPI document and the typed client are made.
 *
 * @since 0.1.0
 */
import { Context, Schema } from "effect"
import {
  HttpApi,
  HttpApiEndpoint,
  HttpApiGroup,
  HttpApiMiddleware,
  HttpApiSchema,
  HttpApiSecurity,
  OpenApi
} from "effect/http-api"
import * as Session from "@toehold/bootstrap-service/Session"
import type { ApiToken } from "./internal/apiToken.ts"
import * as refusal from "./internal/refusalDocument.ts"
import { RequiredScope, type Scope } from "./internal/scope.ts"
import { MachineName, NewSession, SessionId, ShownEvent, ShownSession } from "./internal/sessionDocument.ts"

export { NewSession, ShownEvent as SessionEvent, ShownSession as Session }

/**
 * The token that a call was made with.
 *
 * @since 0.1.0
 * @category services
 */
export class Caller extends Context.Service<Caller, ApiToken>()("@toehold/session-api/Caller") {}

/**
 * Lets a call in that has a token with the scope that its endpoint asks for.
 *
 * @since 0.1.0
 * @category middleware
 */
export class Authorization extends HttpApiMiddleware.Service<Authorization, { provides: Caller }>()(
  "@toehold/session-api/Authorization",
  {
    requiredForClient: true,
    security: { bearer: HttpApiSecurity.bearer },
    error: [refusal.Unauthorized, refusal.Forbidden, refusal.RateLimited]
  }
) {}

/**
 * What any call may be refused with: the request can't be read, or the server can't answer it.
 *
 * @since 0.1.0
 * @category middleware
 */
export class Refusals extends HttpApiMiddleware.Service<Refusals>()("@toehold/session-api/Refusals", {
  error: [
    refusal.InvalidRequest,
    refusal.PayloadTooLarge,
    refusal.UnsupportedMediaType,
    refusal.ServerFailed,
    refusal.Unavailable
  ]
}) {}

/**
 * A machine that the worker knows by this name. `sessionId` is the caller's newest session on it that is not archived.
 *
 * @since 0.1.0
 * @category models
 */
export const Machine = Schema.Struct({
  name: Schema.String,
  ip: Schema.NullOr(Schema.String),
  sessionId: Schema.NullOr(Schema.String)
}).annotate({ identifier: "Machine" })

/**
 * A page of sessions, newest first. `next` is what `after` takes for the page that follows.
 *
 * @since 0.1.0
 * @category models
 */
export const SessionPage = Schema.Struct({
  sessions: Schema.Array(ShownSession),
  next: Schema.NullOr(Schema.String)
}).annotate({ identifier: "SessionPage" })

/**
 * What is sent while nothing happens, so that a connection that died is noticed.
 *
 * @since 0.1.0
 * @category models
 */
export const Heartbeat = Schema.Struct({ at: Schema.String }).annotate({ identifier: "Heartbeat" })

const StreamEvent = Schema.Union([
  Schema.Struct({
    id: Schema.String,
    event: Schema.Literal("session"),
    data: Schema.fromJsonString(ShownEvent)
  }),
  // Without an id of its own, a client's last one stands.
  Schema.Struct({
    id: Schema.optional(Schema.String),
    event: Schema.Literal("heartbeat"),
    data: Schema.fromJsonString(Heartbeat)
  })
])

/**
 * One event of a stream of server-sent events.
 *
 * @since 0.1.0
 * @category models
 */
export type StreamEvent = typeof StreamEvent.Type

const byId = { id: SessionId }

const about = (scope: Scope, summary: string, description?: string) =>
  Context.merge(
    Context.make(RequiredScope, scope),
    OpenApi.annotations({ summary, ...(description === undefined ? {} : { description }) })
  )

const sessions = HttpApiGroup.make("sessions")
  .add(
    HttpApiEndpoint.post("create", "/v1/sessions", {
      payload: NewSession,
      success: ShownSession.pipe(HttpApiSchema.status(201)),
      error: [refusal.Conflict, refusal.NotFound]
    }).annotateMerge(
      about(
        "sessions:write",
        "Start a session",
        "Answers as soon as the session is on file; follow it by its events. With an id the call is safe to repeat."
      )
    ),
    HttpApiEndpoint.get("list", "/v1/sessions", {
      query: {
        status: Schema.optionalKey(Session.Status),
        machine: Schema.optionalKey(MachineName),
        limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 500 }))),
        after: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(512)))
      },
      success: SessionPage
    }).annotateMerge(about("sessions:read", "The caller's sessions, newest first")),
    HttpApiEndpoint.get("get", "/v1/sessions/:id", {
      params: byId,
      success: ShownSession,
      error: refusal.NotFound
    }).annotateMerge(about("sessions:read", "A session")),
    HttpApiEndpoint.post("retry", "/v1/sessions/:id/retry", {
      params: byId,
      success: ShownSession,
      error: [refusal.NotFound, refusal.Conflict]
    }).annotateMerge(
      about("sessions:write", "Try a failed session again", "Goes on at the first step that is not done.")
    ),
    HttpApiEndpoint.post("archive", "/v1/sessions/:id/archive", {
      params: byId,
      success: ShownSession,
      error: refusal.NotFound
    }).annotateMerge(
      about("sessions:write", "Stop a session for good", "What runs for it is stopped; its history stays.")
    ),
    HttpApiEndpoint.delete("remove", "/v1/sessions/:id", {
      params: byId,
      success: HttpApiSchema.NoContent,
      error: refusal.NotFound
    }).annotateMerge(about("sessions:write", "Stop a session and forget it, with its history")),
    HttpApiEndpoint.get("events", "/v1/sessions/:id/events", {
      params: byId,
      query: { until: Schema.optionalKey(Schema.Literals(["settled"])) },
      headers: { "last-event-id": Schema.optionalKey(Schema.String.check(Schema.isMaxLength(20))) },
      success: HttpApiSchema.StreamSse({ events: StreamEvent }),
      error: refusal.NotFound
    }).annotateMerge(
      about(
        "sessions:read",
        "What happens to a session, as it happens",
        "Server-sent events, from the first one or from behind Last-Event-ID. With until=settled the stream ends when the session is ready, failed or archived."
      )
    )
  )
  .middleware(Authorization)
  .middleware(Refusals)
  .annotateMerge(
    OpenApi.annotations({ title: "Sessions", description: "Agent sessions, from a machine to an agent that answers" })
  )

const machines = HttpApiGroup.make("machines")
  .add(
    HttpApiEndpoint.get("list", "/v1/machines", {
      success: Schema.Struct({ machines: Schema.Array(Machine) })
    }).annotateMerge(about("machines:read", "The machines that the caller may use"))
  )
  .middleware(Authorization)
  .middleware(Refusals)
  .annotateMerge(OpenApi.annotations({ title: "Machines", description: "Where sessions can run" }))

const Health = Schema.Struct({ status: Schema.Literal("ok"), version: Schema.String })

const system = HttpApiGroup.make("system", { topLevel: true })
  .add(
    HttpApiEndpoint.get("health", "/healthz", { success: Health }).annotateMerge(
      OpenApi.annotations({ summary: "Whether the server is alive" })
    ),
    HttpApiEndpoint.get("readiness", "/readyz", { success: Health, error: refusal.Unavailable }).annotateMerge(
      OpenApi.annotations({ summary: "Whether the server takes sessions", description: "Asks the database." })
    )
  )
  .annotateMerge(OpenApi.annotations({ title: "System", description: "For those who run the server" }))

/**
 * The whole API.
 *
 * @since 0.1.0
 * @category api
 */
export const SessionApi = HttpApi.make("toehold")
  .add(sessions)
  .add(machines)
  .add(system)
  .annotateMerge(
    OpenApi.annotations({
      title: "Toehold session API",
      version: "1",
      description: "Brings machines from existing to an agent that answers, and says how it goes.",
      license: { name: "MIT" }
    })
  )
