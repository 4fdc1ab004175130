/**
 * The Vast.ai API as a service: instances, keys, offers and what else an account has.
 *
 * @since 0.1.0
 */
import { Config, Context, Duration, Effect, FileSystem, Layer, type Redacted, Schedule } from "effect"
import { HttpClient } from "effect/http"
import type { AccountCalls, InstanceCalls } from "./internal/calls.ts"
import * as account from "./internal/account.ts"
import * as creation from "./internal/creation.ts"
import { findKey } from "./internal/apiKey.ts"
import * as instances from "./internal/instances.ts"
import { intervalOf } from "./internal/intervals.ts"
import * as rateLimiter from "./internal/rateLimiter.ts"
import * as transport from "./internal/transport.ts"
import type * as VastError from "./VastError.ts"

export * from "./internal/calls.ts"

/**
 * The service. Calls of one endpoint wait for one another, for the API refuses calls that come too fast; what may be
 * repeated without harm is repeated after a refusal for being too fast (429), a failure of the service (5xx) and a lost
 * connection.
 *
 * @since 0.1.0
 * @category services
 */
export class VastClient extends Context.Service<VastClient, AccountCalls & { readonly instances: InstanceCalls }>()(
  "@toehold/vast-api/VastClient"
) {}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly apiKey: Redacted.Redacted
  /** Scheme, host and port; the real service unless said otherwise. */
  readonly baseUrl?: string
  /** For how long one request may take; 30 seconds unless said otherwise. */
  readonly timeout?: Duration.Input
  /** The first pause before a repetition, doubled each time with some chance in it; 500 ms unless said otherwise. */
  readonly backoff?: Duration.Input
  /** How often a call is repeated; 5 times unless said otherwise. */
  readonly retries?: number
  /** The time between calls of an endpoint, which is named like `GET /api/v0/instances/{id}/`. */
  readonly interval?: (endpoint: string) => Duration.Input
}

const service = "https://console.vast.ai"

/** The origin, whether or not the path of the API was given with it. */
const originOf = (url: string): string => {
  const bare = url.trim().replace(/\/api(?:\/v\d)?\/?$/, "")
  return bare.endsWith("/") ? bare.slice(0, -1) : bare
}

/**
 * A client for one API key.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options): Effect.Effect<VastClient["Service"], never, HttpClient.HttpClient> =>
  Effect.map(HttpClient.HttpClient, (client) => {
    const backoff = Duration.fromInputUnsafe(options.backoff ?? "500 millis")
    const calls = transport.make(client, rateLimiter.make(options.interval ?? intervalOf), {
      apiKey: options.apiKey,
      origin: originOf(options.baseUrl ?? service),
      timeout: options.timeout ?? "30 seconds",
      backoff,
      retries: options.retries ?? 5
    })
    const about = instances.make(calls)
    const lookAgain = Schedule.max([Schedule.spaced(Duration.times(backoff, 6)), Schedule.recurs(4)])
    return VastClient.of({
      ...account.make(calls),
      instances: { ...about, create: creation.make(calls, about.list, lookAgain) }
    })
  })

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<VastClient, never, HttpClient.HttpClient> =>
  Layer.effect(VastClient, make(options))

/**
 * A client for the key in `VAST_API_KEY`, else in the file that the official client keeps
 * (`$XDG_CONFIG_HOME/vastai/vast_api_key`, `~/.config/vastai/vast_api_key`, `~/.vast_api_key`), at the address in `VAST_URL`
 * if it is set. Fails with `KeyMissing` when there is no key.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Omit<Options, "apiKey"> = {}
): Layer.Layer<VastClient, VastError.VastError | Config.ConfigError, HttpClient.HttpClient | FileSystem.FileSystem> =>
  Layer.effect(
    VastClient,
    Effect.gen(function* () {
      const apiKey = yield* findKey
      const url = yield* Config.String("VAST_URL").pipe(Config.withDefault(""))
      return yield* make({ ...(url === "" ? {} : { baseUrl: url }), ...options, apiKey })
    })
  )
