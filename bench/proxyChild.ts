/** A slow road in a process of its own, so that it takes no time from the one that is measured: prints its port. */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect } from "effect"
import * as FaultProxy from "@toehold/lab/FaultProxy"

const [port = "", milliseconds = ""] = process.argv.slice(2)

const main = Effect.gen(function* () {
  const delay = Number(milliseconds) / 2
  const target = { host: "127.0.0.1", port: Number(port) }
  const proxy = yield* FaultProxy.make({ target, toServer: { delay }, toClient: { delay } })
  yield* Console.log(proxy.port)
  return yield* Effect.never
}).pipe(Effect.scoped)

main.pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
