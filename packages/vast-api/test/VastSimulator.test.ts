import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import * as KeyPair from "@toehold/lab/KeyPair"
import { VastSimulator } from "@toehold/lab/VastSimulator"
import * as Simulator from "@toehold/lab/VastSimulator"
import * as Instance from "../src/Instance.ts"
import * as InstanceWait from "../src/InstanceWait.ts"
import * as VastClient from "../src/VastClient.ts"

const clientLayer = Layer.unwrap(
  Effect.map(VastSimulator, ({ apiKey, url }) =>
    VastClient.layer({ apiKey, baseUrl: url, interval: () => 0, backoff: "5 millis", retries: 3 })
  )
)

const layer = clientLayer.pipe(
  Layer.provideMerge(Simulator.layer({ servers: "in-process" })),
  Layer.provideMerge(NodeServices.layer),
  Layer.provide(FetchHttpClient.layer)
)

describe("VastSimulator", () => {
  it.layer(layer, { excludeTestServices: true })((it) => {
    it.effect("brings an instance from an offer to running, and away again", () =>
      Effect.gen(function* () {
        const vast = yield* VastClient.VastClient
        const key = yield* KeyPair.generate()
        const { id } = yield* vast.sshKeys.create(key.publicKey)
        const [offer] = yield* vast.offers.search({ filters: { gpu_name: { eq: "RTX 4090" } } })
        assert.isDefined(offer)
        const made = yield* vast.instances.create(offer?.id ?? 0, { image: "vastai/base-image", label: "box" })
        const statuses: Array<string | null> = []
        const { instance } = yield* InstanceWait.waitUntil(made.instance, InstanceWait.running, {
          interval: "5 millis",
          onEvent: ({ instance }) => Effect.sync(() => void statuses.push(instance.actual_status))
        })
        assert.deepStrictEqual(statuses, [null, "loading", "running"])
        assert.deepStrictEqual(
          Instance.sshAddresses(instance).map(({ kind }) => kind),
          ["direct", "proxy"]
        )
        assert.deepStrictEqual(
          (yield* vast.instanceKeys.list(made.instance)).map(({ public_key }) => public_key),
          [key.publicKey]
        )
        assert.strictEqual(yield* vast.instances.destroy(made.instance), "destroyed")
        assert.strictEqual(yield* vast.instances.destroy(made.instance), "already-gone")
        yield* vast.sshKeys.remove(id)
      })
    )
  })
})
