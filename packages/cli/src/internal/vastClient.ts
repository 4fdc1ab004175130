/** The client for Vast.ai, by the key of this machine's user. */
import { ConfigProvider, Context, Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import * as VastClient from "@toehold/vast-api/VastClient"

/** Another server that a redirection names must not be given the key, nor be taken for the service. */
const http = FetchHttpClient.layer.pipe(
  Layer.provide(Layer.succeed(FetchHttpClient.RequestInit, { redirect: "manual" }))
)

export const makeVastClient = Effect.gen(function* () {
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
