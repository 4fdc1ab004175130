/**
 * Prints the cheapest offers of Vast.ai and the instances that you have, with the addresses of their SSH servers. The key is
 * the one in `VAST_API_KEY`, or the official client's.
 *
 *     node examples/vast-offers.ts "RTX 4090"
 */
import { NodeHttpClient, NodeRuntime, NodeServices } from "@effect/platform-node"
import { Instance, VastClient } from "@toehold/vast-api"
import { Console, Effect, Layer } from "effect"

const [gpu = "RTX 4090"] = process.argv.slice(2)

const main = Effect.gen(function* () {
  const vast = yield* VastClient.VastClient
  const offers = yield* vast.offers.search({
    filters: { gpu_name: { eq: gpu } },
    order: [["dph_total", "asc"]],
    limit: 3
  })
  for (const { dph_total, id, num_gpus } of offers) {
    yield* Console.log(`offer ${id}: ${num_gpus} x ${gpu} for $${dph_total?.toFixed(2)} an hour`)
  }
  for (const instance of yield* vast.instances.list) {
    const addresses = Instance.sshAddresses(instance).map(({ host, kind, port }) => `${kind} root@${host}:${port}`)
    yield* Console.log(`instance ${instance.id}: ${instance.actual_status ?? "new"}, ${addresses.join(", ")}`)
  }
}).pipe(
  Effect.catchTag("VastError", ({ fix, message }) =>
    Effect.andThen(
      Console.error(`${message}\n${fix}`),
      Effect.sync(() => void (process.exitCode = 1))
    )
  )
)

const layer = VastClient.layerConfig().pipe(Layer.provide(Layer.merge(NodeHttpClient.layerUndici, NodeServices.layer)))
main.pipe(Effect.provide(layer), NodeRuntime.runMain)
