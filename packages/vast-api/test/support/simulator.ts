import { NodeServices } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import * as Simulator from "@toehold/lab/VastSimulator"
import * as VastClient from "../../src/VastClient.ts"

const clientLayer = (options: Partial<VastClient.Options>) =>
  Layer.unwrap(
    Effect.map(Simulator.VastSimulator, ({ apiKey, url }) =>
      VastClient.layer({ apiKey, baseUrl: url, interval: () => 0, backoff: "5 millis", retries: 3, ...options })
    )
  )

/** A simulator whose instances are nothing but what the API says of them, and a client for it without pauses. */
export const layerWith = (simulator: Simulator.Options, client: Partial<VastClient.Options> = {}) =>
  clientLayer(client).pipe(
    Layer.provideMerge(Simulator.layer({ servers: "none", ...simulator })),
    Layer.provide(NodeServices.layer),
    Layer.provideMerge(FetchHttpClient.layer)
  )
