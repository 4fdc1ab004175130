/**
 * Prints how long each of some machines has been up, as the answers come.
 *
 *     node examples/many-machines.ts root@web1 root@web2:2222 local:
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Fleet, Machine } from "@toehold/machines"
import { ClientPlatform, SshCommand, SshPool } from "@toehold/ssh-core"
import { Console, Effect, Layer, Stream } from "effect"

const machines = process.argv.slice(2)

const uptime = (name: string) =>
  Effect.gen(function* () {
    const machine = yield* Machine.open(name)
    const { stdout } = yield* machine.exec(SshCommand.shell("cut -d. -f1 /proc/uptime"), { timeout: "30 seconds" })
    return Number(stdout.text)
  }).pipe(Effect.scoped)

const main = Stream.runForEach(Fleet.run(machines, uptime, { concurrency: 10 }), (result) => {
  switch (result._tag) {
    case "Done":
      return Console.log(`${result.machine}: up for ${Math.round(result.value / 60)} minutes`)
    case "Failed":
      return Console.error(`${result.machine}: ${result.error.message} ${result.error.fix}`)
    default:
      return Console.error(`${result.machine}: ${result._tag}`)
  }
})

const base = Layer.merge(NodeServices.layer, ClientPlatform.layer)

main.pipe(Effect.provide(SshPool.layer().pipe(Layer.provideMerge(base))), NodeRuntime.runMain)
