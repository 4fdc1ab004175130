import { Duration, Effect, Redacted, Result, Schedule, type Schema, Stream } from "effect"
import { HttpClient, type HttpClientError, HttpClientRequest, type HttpClientResponse } from "effect/http"
import * as VastError from "../VastError.ts"
import { type Asked, decode, read, type Received } from "./answer.ts"
import type { RateLimiter } from "./rateLimiter.ts"

/** A request to the API. */
export interface ApiRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE"
  /** The path with `{id}` where an id goes, which is also the endpoint that the service counts calls of. */
  readonly path: string
  readonly id?: number
  /** What goes in the place of `{key}`. */
  readonly key?: number
  readonly query?: Readonly<Record<string, string>>
  readonly body?: Readonly<Record<string, unknown>>
  /** Whether to repeat it is the same as to send it once: only then is it repeated after a failure. */
  readonly isIdempotent: boolean
  readonly what?: string
  readonly offer?: number
  readonly secrets?: ReadonlyArray<string>
}

/** Sends requests, with the key, in the limits of the service. */
export interface Transport {
  readonly json: (request: ApiRequest) => Effect.Effect<unknown, VastError.VastError>
  readonly decoded: <S extends Schema.ConstraintDecoder<unknown>>(
    request: ApiRequest,
    schema: S
  ) => Effect.Effect<S["Type"], VastError.VastError>
  readonly askedOf: (request: ApiRequest) => Asked
  /** A file elsewhere, without the key; `undefined` while it is not there. */
  readonly file: (call: string, url: string) => Effect.Effect<string | undefined, VastError.VastError>
}

export interface TransportOptions {
  readonly apiKey: Redacted.Redacted
  /** Scheme, host and port. */
  readonly origin: string
  readonly timeout: Duration.Input
  readonly backoff: Duration.Input
  readonly retries: number
}

const maxBytes = 16 * 1024 * 1024
const maxBackoff = Duration.seconds(30)

/** Failures before a connection was made: the service has seen nothing of the request. */
const unsent = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ENETUNREACH",
  "EHOSTUNREACH",
  "UND_ERR_CONNECT_TIMEOUT"
])

/** The code of the system's or the HTTP library's own error, which lies some causes deep. */
const codeOf = (error: unknown, depth = 0): string | undefined => {
  if (typeof error !== "object" || error === null || depth > 6) return undefined
  if ("code" in error && typeof error.code === "string") return error.code
  if ("errors" in error && Array.isArray(error.errors)) return codeOf(error.errors[0], depth + 1)
  return "cause" in error ? codeOf(error.cause, depth + 1) : undefined
}

const failed = (call: string, error: HttpClientError.HttpClientError): VastError.VastError => {
  const tag = error.reason._tag
  const code = codeOf(error)
  const isUnsent = tag === "InvalidUrlError" || tag === "EncodeError" || (code !== undefined && unsent.has(code))
  return VastError.make(
    new VastError.Transport({
      call,
      detail: code ?? (tag === "InvalidUrlError" ? "the URL is not valid" : "the connection failed"),
      outcome: isUnsent ? "did-not-run" : "may-have-run"
    })
  )
}

const bodyOf = (
  call: string,
  response: HttpClientResponse.HttpClientResponse
): Effect.Effect<string, VastError.VastError> =>
  Effect.suspend(() => {
    const decoder = new TextDecoder()
    let size = 0
    return response.stream.pipe(
      Stream.mapError((error) => failed(call, error)),
      Stream.mapEffect((chunk) => {
        size += chunk.length
        return size > maxBytes
          ? Effect.fail(
              VastError.make(
                new VastError.InvalidResponse({ call, path: "", detail: `it is longer than ${maxBytes} bytes` })
              )
            )
          : Effect.succeed(decoder.decode(chunk, { stream: true }))
      }),
      Stream.mkString,
      Effect.map((text) => text + decoder.decode())
    )
  })

/** Whether the call did nothing, or may be sent again all the same. */
const isWorthRepeating = ({ reason }: VastError.VastError): boolean =>
  reason._tag === "RateLimited" || reason._tag === "ServerError" || reason._tag === "Transport"

const callOf = (request: ApiRequest): string => `${request.method} ${request.path}`

export const make = (client: HttpClient.HttpClient, limiter: RateLimiter, options: TransportOptions): Transport => {
  const key = Redacted.value(options.apiKey)

  const receive = (
    call: string,
    request: HttpClientRequest.HttpClientRequest
  ): Effect.Effect<Received, VastError.VastError> =>
    client.execute(request).pipe(
      Effect.mapError((error) => failed(call, error)),
      Effect.flatMap((response) =>
        Effect.map(bodyOf(call, response), (text) => ({
          status: response.status,
          text,
          retryAfter: response.headers["retry-after"]
        }))
      ),
      Effect.timeoutOrElse({
        duration: options.timeout,
        orElse: () =>
          Effect.fail(
            VastError.make(new VastError.Transport({ call, detail: "it took too long", outcome: "may-have-run" }))
          )
      }),
      // Addresses and headers hold secrets; the span of the call tells what it was.
      Effect.provideService(HttpClient.TracerDisabledWhen, () => true)
    )

  const askedOf = (request: ApiRequest): Asked => ({
    call: callOf(request),
    secrets: [key, ...(request.secrets ?? [])],
    ...(request.what === undefined ? {} : { what: request.what }),
    ...(request.offer === undefined ? {} : { offer: request.offer })
  })

  const once = (request: ApiRequest): Effect.Effect<unknown, VastError.VastError> => {
    const asked = askedOf(request)
    const path = request.path.replace("{id}", String(request.id)).replace("{key}", String(request.key))
    const bare = HttpClientRequest.make(request.method)(options.origin + path).pipe(
      HttpClientRequest.bearerToken(options.apiKey),
      HttpClientRequest.acceptJson,
      HttpClientRequest.setUrlParams(request.query ?? {})
    )
    const whole =
      request.body === undefined
        ? bare
        : HttpClientRequest.bodyText(bare, JSON.stringify(request.body), "application/json")
    return Effect.flatMap(receive(asked.call, whole), (received) =>
      Result.match(read(asked, received), {
        onSuccess: (body) => Effect.succeed(body),
        onFailure: (reason) => {
          const error = Effect.fail(VastError.make(reason))
          return reason._tag === "RateLimited"
            ? Effect.andThen(limiter.slowDown(asked.call, Duration.seconds(reason.interval ?? 1)), error)
            : error
        }
      })
    )
  }

  const schedule = Schedule.exponential(options.backoff).pipe(
    Schedule.modifyDelay(({ duration }) => Effect.succeed(Duration.min(duration, maxBackoff))),
    Schedule.jittered
  )

  const json = (request: ApiRequest): Effect.Effect<unknown, VastError.VastError> => {
    const call = callOf(request)
    const limited = Effect.suspend(() => limiter.limit(call, once(request)))
    const repeated = request.isIdempotent
      ? Effect.retry(limited, { schedule, times: options.retries, while: isWorthRepeating })
      : limited
    return Effect.withSpan(repeated, `Vast ${call}`, { captureStackTrace: false })
  }

  return {
    json,
    askedOf,
    decoded: (request, schema) =>
      Effect.flatMap(json(request), (body) =>
        Effect.fromResult(Result.mapError(decode(askedOf(request), schema, body), VastError.make))
      ),
    file: (call, url) => {
      const invalid = VastError.make(
        new VastError.InvalidResponse({ call, path: "result_url", detail: "it is no URL" })
      )
      if (!/^https?:\/\/[^\s@]{1,4000}$/.test(url)) return Effect.fail(invalid)
      return receive(call, HttpClientRequest.get(url)).pipe(
        Effect.flatMap(({ status, text }) => {
          if (status >= 200 && status < 300) return Effect.succeed(text)
          if (status === 403 || status === 404) return Effect.undefined
          return Effect.fail(
            VastError.make(new VastError.ServerError({ call, detail: "the file of the result", status }))
          )
        }),
        Effect.retry({ schedule, times: options.retries, while: isWorthRepeating })
      )
    }
  }
}
