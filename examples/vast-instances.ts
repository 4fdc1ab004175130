/**
 * Runs a command on every instance of a Vast.ai account that runs, and says of each what came of it.
 *
 *     VAST_API_KEY=... node examples/vast-instances.ts 'nvidia-smi -L'
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Fleet, Machine, VastName } from "@toehold/machines"
import { ClientPlatform, SshCommand, SshPool } from "@toehold/ssh-core"
import { VastClient } from "@toehold/vast-api"
import { Console, Effect, Layer, Stream } from "effect"
import { FetchHttpClient } from "effect/http"

const command = SshCommand.shell(process.argv[2] ?? "nvidia-smi -L")

const main = Effect.gen(function* () {
  const vast = yield* VastClient.VastClient
  const instances = yield* vast.instances.list
  const names = instances.filter((one) => one.actual_status === "running").map(({ id }) => VastName.nameOf(id))

  const work = (name: string) =>
    Effect.gen(function* () {
      const machine = yield* Machine.open(name, { vast: Effect.succeed(vast) })
      const { stdout } = yield* machine.exec(command, { timeout: "1 minute" })
      return stdout.text.trimEnd()
    }).pipe(Effect.scoped)

  yield* Stream.runForEach(Fleet.run(names, work), (result) => {
    switch (result._tag) {
      case "Done":
        return Console.log(`${result.machine}: ${result.value}`)
      case "Failed":
        return Console.error(`${result.machine}: ${result.error.message} ${result.error.fix}`)
      default:
        return Console.error(`${result.machine}: ${result._tag}`)
    }
  })
})

const base = Layer.merge(NodeServices.layer, ClientPlatform.layer)
const services = Layer.merge(SshPool.layer(), VastClient.layerConfig().pipe(Layer.provide(FetchHttpClient.layer)))

main.pipe(Effect.provide(services.pipe(Layer.provideMerge(base))), NodeRuntime.runMain)
