/**
 * Vast.ai as the user of this machine knows it: by the key in the environment or in the official client's file.
 *
 * @since 0.1.0
 */
import { ConfigProvider, Context, Effect, type FileSystem, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import * as VastClient from "@toehold/vast-api/VastClient"
import type { VastError } from "@toehold/vast-api/VastError"

/** Another server that a redirection names must not be given the key, nor be taken for the service. */
const http = FetchHttpClient.layer.pipe(
  Layer.provide(Layer.succeed(FetchHttpClient.RequestInit, { redirect: "manual" }))
)

/**
 * A client by the key in `VAST_API_KEY` or the file of the official client, at `VAST_URL` where that is set. Fails with
 * `KeyMissing` where there is none.
 *
 * @since 0.1.0
 * @category constructors
 */
export const client: Effect.Effect<
  VastClient.VastClient["Service"],
  VastError,
  ClientPlatform | FileSystem.FileSystem
> = Effect.gen(function* () {
  const { env, homeDir } = yield* ClientPlatform
  const provider = ConfigProvider.fromEnvRecord({ ...env, HOME: homeDir })
  const context = yield* Layer.build(VastClient.layerConfig().pipe(Layer.provide(http))).pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, provider),
    // Every variable has a default.
    Effect.catchTag("ConfigError", Effect.die),
    Effect.scoped
  )
  return Context.get(context, VastClient.VastClient)
})
