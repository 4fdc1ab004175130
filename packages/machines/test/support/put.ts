/** Sends one file or tree to a machine: a client of its own, to be killed. */
import { NodeServices } from "@effect/platform-node"
import * as ClientPlatform from "@toehold/ssh-core/ClientPlatform"
import * as SshPool from "@toehold/ssh-core/SshPool"
import * as Transfer from "@toehold/transfer/Transfer"
import { Effect, Layer } from "effect"
import * as Machine from "../../src/Machine.ts"

const [name = "", port = "", key = "", source = "", target = ""] = process.argv.slice(2)

const services = Layer.merge(NodeServices.layer, ClientPlatform.layer)

const main = Effect.gen(function* () {
  const flags = { configFile: "none", identityFiles: [key], port }
  const machine = yield* Machine.open(name, { flags, hostKeyPolicy: "off" })
  yield* Transfer.put(machine, { sources: [source], target })
}).pipe(Effect.scoped, Effect.provide(SshPool.layer().pipe(Layer.provideMerge(services))))

await Effect.runPromise(main)
