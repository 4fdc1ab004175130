/**
 * A client of the session API, made from the same description as the server.
 *
 * @since 0.1.0
 */
import { Context, Effect, Layer, type Redacted, Result, Schedule, Schema, Stream } from "effect"
import { HttpClient, HttpClientError, HttpClientRequest } from "effect/http"
import { HttpApiClient, HttpApiMiddleware } from "effect/http-api"
import { isSettled, type Status } from "@toehold/bootstrap-service/Session"
import { isBrokenOff, lostConnection } from "./internal/lostConnection.ts"
import { invalidRequest } from "./internal/schemaIssues.ts"
import { SessionId } from "./internal/sessionDocument.ts"
import * as SessionApi from "./SessionApi.ts"
import * as SessionApiError from "./SessionApiError.ts"

type Answer<A> = Effect.Effect<A, SessionApiError.SessionApiError>

/**
 * Which sessions to list.
 *
 * @since 0.1.0
 * @category models
 */
export interface ListOptions {
  readonly status?: Status | undefined
  readonly machine?: string | undefined
  /** How many at most: 1 to 500. Default: 50. */
  readonly limit?: number | undefined
  /** `next` of the page before. */
  readonly after?: string | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface WatchOptions {
  /** Begin behind this event. Default: 0, with the first one. */
  readonly after?: number | undefined
  /** End when the session is ready, failed or archived, and all was told. Default: `false`, never. */
  readonly untilSettled?: boolean | undefined
}

/**
 * The service.
 *
 * @since 0.1.0
 * @category services
 */
export class SessionApiClient extends Context.Service<
  SessionApiClient,
  {
    /** Starts a session. With an id it is safe to repeat. */
    readonly create: (session: SessionApi.NewSession) => Answer<SessionApi.Session>
    readonly list: (options?: ListOptions) => Answer<typeof SessionApi.SessionPage.Type>
    readonly get: (id: string) => Answer<SessionApi.Session>
    readonly retry: (id: string) => Answer<SessionApi.Session>
    readonly archive: (id: string) => Answer<SessionApi.Session>
    readonly remove: (id: string) => Answer<void>
    readonly machines: Answer<ReadonlyArray<typeof SessionApi.Machine.Type>>
    /** Each event once and in order, over any number of lost connections; gives up when the server stays away. */
    readonly watch: (
      id: string,
      options?: WatchOptions
    ) => Stream.Stream<SessionApi.SessionEvent, SessionApiError.SessionApiError>
  }
>()("@toehold/session-api/SessionApiClient") {}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Scheme, host and port: `https://sessions.example.com`. */
  readonly url: string
  readonly token: Redacted.Redacted
  /**
   * Send the token over plain HTTP to hosts beyond this machine and private networks as well. Default: `false`, which
   * fails with `InvalidRequest`.
   */
  readonly allowPlainHttp?: boolean | undefined
}

/** As often as a server that restarts needs. */
const maxFailures = 30
const pause = "1 second"
/** Three heartbeats. */
const silence = "45 seconds"

const isPrivate = (host: string): boolean =>
  /^(localhost|.*\.localhost|\[::1\]|127\.[\d.]+|10\.[\d.]+|192\.168\.[\d.]+|172\.(1[6-9]|2\d|3[01])\.[\d.]+)$/.test(
    host
  )

const invalid = (message: string) =>
  SessionApiError.make(new SessionApiError.InvalidRequest({ issues: [{ path: "url", message }] }))

const originOf = (options: Options): Effect.Effect<string, SessionApiError.SessionApiError> => {
  const url = URL.canParse(options.url) ? new URL(options.url) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) return invalid("it must be an http or https URL")
  if (url.username !== "" || url.password !== "") return invalid("it must hold no user or password")
  if (url.protocol === "http:" && options.allowPlainHttp !== true && !isPrivate(url.hostname)) {
    return invalid("the token would be sent unencrypted: give an https URL")
  }
  return Effect.succeed(`${url.origin}${url.pathname.replace(/\/+$/, "")}`)
}

const fitting = <A>(place: string, schema: Schema.Codec<A, unknown>) => {
  const decode = Schema.decodeUnknownResult(Schema.toType(schema))
  return (value: A): Answer<A> =>
    Effect.fromResult(Result.mapError(decode(value), ({ issue }) => SessionApiError.make(invalidRequest(place, issue))))
}

// Before anything is sent: the answer would be the same.
const fitSession = fitting("session", SessionApi.NewSession)
const fitId = fitting("id", SessionId)

const isReason = Schema.is(SessionApiError.Reason)

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<SessionApiClient["Service"], SessionApiError.SessionApiError, HttpClient.HttpClient> {
  const url = yield* originOf(options)
  const authorization = HttpApiMiddleware.layerClient(SessionApi.Authorization, ({ next, request }) =>
    next(HttpClientRequest.bearerToken(request, options.token))
  )
  const api = yield* HttpApiClient.make(SessionApi.SessionApi, { baseUrl: url }).pipe(Effect.provide(authorization))

  const badAnswer = (detail: string) => SessionApiError.make(new SessionApiError.BadAnswer({ url, detail }))

  const toError =
    (isChange: boolean) =>
    (error: unknown): SessionApiError.SessionApiError => {
      if (isReason(error)) return SessionApiError.make(error)
      if (HttpClientError.isHttpClientError(error)) {
        const { reason } = error
        // A body that breaks off counts as one that can't be read.
        if (reason._tag === "TransportError" || (reason._tag === "DecodeError" && isBrokenOff(reason.cause))) {
          const { detail, isCertain } = lostConnection(reason.cause)
          return SessionApiError.make(
            new SessionApiError.Unreachable({ url, detail, isUncertain: isChange && !isCertain })
          )
        }
        return badAnswer("response" in reason ? `status ${reason.response.status}` : reason._tag)
      }
      return badAnswer("its answer does not fit the API's description")
    }

  const asking = <A, E>(call: Effect.Effect<A, E>): Answer<A> => Effect.mapError(call, toError(false))
  const changing = <A, E>(call: Effect.Effect<A, E>): Answer<A> => Effect.mapError(call, toError(true))

  const watch = (
    id: string,
    { after = 0, untilSettled = false }: WatchOptions = {}
  ): Stream.Stream<SessionApi.SessionEvent, SessionApiError.SessionApiError> =>
    Stream.suspend(() => {
      let last = after
      let failures = 0
      const once = Stream.suspend(() =>
        Stream.unwrap(
          api.sessions.events({
            params: { id },
            query: untilSettled ? { until: "settled" } : {},
            headers: last === 0 ? {} : { "last-event-id": String(last) }
          })
        )
      ).pipe(
        Stream.mapError(toError(false)),
        // A silence ends the stream, and the next one goes on where it was.
        Stream.timeout(silence),
        Stream.tap(() => Effect.sync(() => void (failures = 0))),
        Stream.filterMap((event) =>
          event.event === "session" && event.data.id > last ? Result.succeed(event.data) : Result.failVoid
        ),
        Stream.tap((event) => Effect.sync(() => void (last = event.id))),
        Stream.catchIf(
          ({ isRetryable }) => isRetryable && ++failures < maxFailures,
          () => Stream.empty
        )
      )
      // The server ends the stream of a session that is settled, but also when it stops.
      const isMore = untilSettled
        ? asking(api.sessions.get({ params: { id } })).pipe(
            Effect.map((session) => !isSettled(session) || session.revision > last),
            Effect.catchIf(
              ({ isRetryable }) => isRetryable,
              () => Effect.succeed(true)
            )
          )
        : Effect.succeed(true)
      return Stream.repeat(
        once,
        Schedule.while(Schedule.spaced(pause), () => isMore)
      )
    })

  return {
    create: (session) => Effect.flatMap(fitSession(session), (payload) => changing(api.sessions.create({ payload }))),
    list: ({ after, limit, machine, status } = {}) =>
      asking(
        api.sessions.list({
          query: {
            ...(after === undefined ? {} : { after }),
            ...(limit === undefined ? {} : { limit }),
            ...(machine === undefined ? {} : { machine }),
            ...(status === undefined ? {} : { status })
          }
        })
      ),
    get: (given) => Effect.flatMap(fitId(given), (id) => asking(api.sessions.get({ params: { id } }))),
    retry: (given) => Effect.flatMap(fitId(given), (id) => changing(api.sessions.retry({ params: { id } }))),
    archive: (given) => Effect.flatMap(fitId(given), (id) => changing(api.sessions.archive({ params: { id } }))),
    remove: (given) => Effect.flatMap(fitId(given), (id) => changing(api.sessions.remove({ params: { id } }))),
    machines: asking(Effect.map(api.machines.list(), ({ machines }) => machines)),
    watch: (given, watched) => Stream.unwrap(Effect.map(fitId(given), (id) => watch(id, watched)))
  }
})

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options
): Layer.Layer<SessionApiClient, SessionApiError.SessionApiError, HttpClient.HttpClient> =>
  Layer.effect(SessionApiClient, make(options))
