/** What every request passes on its way in and out: an id, bounds, one kind of answer for all that fails, a log line. */
import { ByteSize, Cause, Clock, Effect, Option, Schema } from "effect"
import { HttpIncomingMessage, HttpServerError, HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiError } from "effect/http-api"
import * as Crypto from "node:crypto"
import * as reasons from "./reason.ts"
import * as refusalDocument from "./refusalDocument.ts"
import { CurrentRequest, type RequestFacts } from "./requestFacts.ts"
import { ofRequest } from "./schemaIssues.ts"

export interface Options {
  readonly maxBodyBytes: number
}

const fitId = /^[\w.:-]{1,64}$/

/** The caller's own id for the request where it has a fit one, so that both logs can be read together. */
const requestId = (request: HttpServerRequest.HttpServerRequest): string => {
  const given = request.headers["x-request-id"]
  return given !== undefined && fitId.test(given) ? given : Crypto.randomUUID()
}

const answer = (refusal: reasons.Refusal): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(refusalDocument.of(refusal), { status: refusalDocument.statusOf(refusal) })

const isRefusal = Schema.is(reasons.Refusal)

const isInterrupted = (cause: Cause.Cause<unknown>): boolean => Cause.hasInterruptsOnly(cause)

/** The refusal that a failure stands for; `undefined` where the server itself is at fault. */
const refusalOf = (error: unknown, { maxBodyBytes }: Options): reasons.Refusal | undefined => {
  if (HttpApiError.HttpApiSchemaError.is(error)) {
    return error.kind === "Body" || error.kind === "ResponseHeaders" ? undefined : ofRequest(error)
  }
  if (isRefusal(error)) return error
  if (!HttpServerError.isHttpServerError(error)) return undefined
  const { reason } = error
  if (reason._tag === "RouteNotFound") return new reasons.NotFound({ what: "such call" })
  if (reason._tag !== "RequestParseError") return undefined
  return reason.reason === "BodyTooLarge"
    ? new reasons.PayloadTooLarge({ limitBytes: maxBodyBytes })
    : new reasons.InvalidRequest({ issues: [{ path: "body", message: "it can't be read" }] })
}

const onFailure = (cause: Cause.Cause<unknown>, facts: RequestFacts, options: Options) => {
  const [stripped, rest] = HttpServerError.causeResponseStripped(cause)
  if (Option.isNone(rest)) return Effect.succeed(stripped)
  for (const reason of rest.value.reasons) {
    const error = reason._tag === "Fail" ? reason.error : reason._tag === "Die" ? reason.defect : undefined
    const refusal = refusalOf(error, options)
    if (refusal !== undefined) return Effect.succeed(answer(refusal))
  }
  return Effect.as(
    Effect.logError("A request failed in an unforeseen way", { cause: Cause.pretty(rest.value) }),
    answer(new reasons.ServerFailed({ requestId: facts.id }))
  )
}

/** The path without its query, which may hold anything. */
const pathOf = (url: string): string => url.split(/[?#]/, 1)[0] ?? ""

const isProbe = (path: string): boolean => path === "/healthz" || path === "/readyz"

/** The answers of the framework that have no body of their own. */
const withDocument = (
  response: HttpServerResponse.HttpServerResponse,
  request: HttpServerRequest.HttpServerRequest
): HttpServerResponse.HttpServerResponse =>
  response.status === 415
    ? answer(new reasons.UnsupportedMediaType({ contentType: request.headers["content-type"] ?? "none" }))
    : response

const common: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "x-frame-options": "DENY"
}

/** Seconds to wait as HTTP says it, beside the document's own field. */
const retryAfter = (status: number, { retryAfterMs = 1000 }: RequestFacts): Readonly<Record<string, string>> =>
  status === 429 || status === 503 ? { "retry-after": String(Math.ceil(retryAfterMs / 1000)) } : {}

export const guarded =
  (options: Options) =>
  <E, R>(
    app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  ): Effect.Effect<HttpServerResponse.HttpServerResponse, never, R | HttpServerRequest.HttpServerRequest> =>
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const startedAt = yield* Clock.currentTimeMillis
      const facts: RequestFacts = { id: requestId(request) }
      const path = pathOf(request.url)
      const handle = Effect.gen(function* () {
        if (Number(request.headers["content-length"] ?? 0) > options.maxBodyBytes) {
          return answer(new reasons.PayloadTooLarge({ limitBytes: options.maxBodyBytes }))
        }
        return yield* app.pipe(
          Effect.provideService(CurrentRequest, facts),
          Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.fromInputUnsafe(options.maxBodyBytes)),
          Effect.catchCause((cause) =>
            // A caller that went away, or a server that stops: Effect's own server answers it.
            isInterrupted(cause) ? Effect.failCause(cause as Cause.Cause<never>) : onFailure(cause, facts, options)
          )
        )
      })
      const response = yield* handle.pipe(
        Effect.map((response) => withDocument(response, request)),
        Effect.annotateLogs({ requestId: facts.id }),
        Effect.annotateSpans({ "toehold.request.id": facts.id })
      )
      const durationMs = (yield* Clock.currentTimeMillis) - startedAt
      const log = isProbe(path) ? Effect.logDebug : Effect.logInfo
      yield* log("request", {
        requestId: facts.id,
        method: request.method,
        path,
        status: response.status,
        durationMs,
        tokenId: facts.tokenId
      })
      return HttpServerResponse.setHeaders(response, {
        ...common,
        "cache-control": "no-store",
        ...retryAfter(response.status, facts),
        ...response.headers,
        "x-request-id": facts.id
      })
    })
