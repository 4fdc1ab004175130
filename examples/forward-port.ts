/**
 * Asks a web server that only the machine can reach, through a port here that outlives the connection.
 *
 *     node examples/forward-port.ts root@host 8080
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { ClientPlatform, PortForward, SshForward, SshLogin } from "@toehold/ssh-core"
import { Console, Effect, Layer } from "effect"
import { FetchHttpClient, HttpClient } from "effect/http"

const [machine = "localhost", port = "80"] = process.argv.slice(2)

const main = Effect.gen(function* () {
  const { listening } = yield* SshForward.keep({
    connect: SshLogin.connect(machine),
    // Port 0 is any that is free here.
    forwards: [yield* Effect.fromResult(PortForward.parse("local", `0:localhost:${port}`))],
    onEvent: (event) => Effect.logInfo(event._tag)
  })
  const [{ listen } = { listen: "" }] = listening
  yield* Console.log(`port ${port} of the machine is ${listen} here`)
  const response = yield* HttpClient.get(`http://${listen}/`)
  yield* Console.log(`${response.status}: ${yield* response.text}`)
}).pipe(Effect.scoped)

main.pipe(
  Effect.provide(Layer.mergeAll(NodeServices.layer, ClientPlatform.layer, FetchHttpClient.layer)),
  NodeRuntime.runMain
)
