/**
 * The server of the session API: its calls, its OpenAPI document at `/openapi.json` and the page that shows it at `/docs`.
 *
 * @since 0.1.0
 */
import { Deferred, type Duration, Effect, FileSystem, Layer, type Path, type Scope } from "effect"
import { type Etag, type HttpPlatform, HttpRouter, HttpServer, HttpServerResponse } from "effect/http"
import { HttpApiBuilder, HttpApiMiddleware, HttpApiSwagger } from "effect/http-api"
import type { SessionStore } from "@toehold/bootstrap-service/SessionStore"
import type { Sessions } from "@toehold/bootstrap-service/Sessions"
import type { ApiTokens } from "./ApiTokens.ts"
import * as authorization from "./internal/authorization.ts"
import { Stopping } from "./internal/eventStream.ts"
import * as openStreams from "./internal/openStreams.ts"
import { machines } from "./internal/handlers/machines.ts"
import { sessions } from "./internal/handlers/sessions.ts"
import { system } from "./internal/handlers/system.ts"
import { guarded } from "./internal/requestGuard.ts"
import { ofRequest } from "./internal/schemaIssues.ts"
import type { MachineCatalog } from "./MachineCatalog.ts"
import { Refusals, SessionApi } from "./SessionApi.ts"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** What `/healthz` says. */
  readonly version: string
  /** The longest body that is read, in bytes. Default: 64 KiB. */
  readonly maxBodyBytes?: number | undefined
  /** Requests of one token per second in the long run. Default: 20. */
  readonly requestsPerSecond?: number | undefined
  /** Requests of one token at once. Default: 100. */
  readonly burst?: number | undefined
  /** Streams of events that are open at once, of one token. Default: 100. */
  readonly maxStreamsPerToken?: number | undefined
  /** The same of all tokens together; a stream takes some 90 KB. Default: 500. */
  readonly maxStreams?: number | undefined
  /** How long a stream of events says nothing at most. Default: 15 seconds. */
  readonly heartbeat?: Duration.Input | undefined
}

const refusals = HttpApiMiddleware.layerSchemaErrorTransform(Refusals, (error) =>
  error.kind === "Body" || error.kind === "ResponseHeaders" ? Effect.fail(error) : Effect.fail(ofRequest(error))
)

/** All that the page needs stands in it: it asks nobody but this server. */
const docsPolicy = [
  "default-src 'none'",
  "script-src 'unsafe-inline'",
  "style-src 'unsafe-inline'",
  "img-src data:",
  "font-src data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'"
].join("; ")

const withDocsPolicy = HttpRouter.middleware((handler) =>
  Effect.map(handler, (response) => HttpServerResponse.setHeader(response, "content-security-policy", docsPolicy))
).layer

const docs = Layer.provide(HttpApiSwagger.layer(SessionApi, { path: "/docs" }), withDocsPolicy)

const routes = (options: Options) =>
  Layer.mergeAll(HttpApiBuilder.layer(SessionApi, { openapiPath: "/openapi.json" }), docs).pipe(
    Layer.provide([sessions(options.heartbeat ?? "15 seconds"), machines, system(options.version)]),
    Layer.provide(
      openStreams.layer({ maxPerToken: options.maxStreamsPerToken ?? 100, max: options.maxStreams ?? 500 })
    ),
    Layer.provide([
      refusals,
      authorization.layer({ requestsPerSecond: options.requestsPerSecond ?? 20, burst: options.burst ?? 100 })
    ])
  )

/**
 * Serves the API on the `HttpServer` until the scope closes: then streams of events end, calls under way are finished, and
 * no new ones are taken.
 *
 * @since 0.1.0
 * @category running
 */
export const serve = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<
  void,
  never,
  | Scope.Scope
  | HttpServer.HttpServer
  | HttpPlatform.HttpPlatform
  | Etag.Generator
  | FileSystem.FileSystem
  | Path.Path
  | ApiTokens
  | MachineCatalog
  | Sessions
  | SessionStore
> {
  const stopping = yield* Deferred.make<void>()
  const app = yield* Effect.provideService(HttpRouter.toHttpEffect(routes(options)), Stopping, stopping)
  yield* HttpServer.serveEffect(guarded({ maxBodyBytes: options.maxBodyBytes ?? 64 * 1024 })(app))
  // The last to be added is the first to run: a server waits for its streams, and they for this.
  yield* Effect.addFinalizer(() => Deferred.succeed(stopping, undefined))
})

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options) => Layer.effectDiscard(serve(options))
