/**
 * Runs one command on a machine and prints what came back.
 *
 *     node examples/run-command.ts "ssh -p 2222 root@host" uname -a
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { ClientPlatform, SshClient, SshCommand, SshLogin } from "@toehold/ssh-core"
import { Console, Effect, Layer } from "effect"

const [machine = "localhost", program = "uname", ...args] = process.argv.slice(2)

const main = Effect.gen(function* () {
  const ssh = yield* SshClient.SshClient
  const result = yield* ssh.exec(SshCommand.argv([program, ...args]), { timeout: "1 minute" })
  yield* Console.log(result.stdout.text.trimEnd())
  yield* Console.error(`exit code ${result.exitCode ?? result.signal} after ${Math.round(result.durationMs)} ms`)
}).pipe(
  // Each reason has a tag of its own; message and fix are for people.
  Effect.catchReason("SshError", "AuthRejected", (reason) =>
    Console.error(`No key fits. ${reason.fix}`).pipe(Effect.andThen(Effect.sync(() => (process.exitCode = 77))))
  )
)

const services = Layer.merge(NodeServices.layer, ClientPlatform.layer)

main.pipe(Effect.provide(SshLogin.layer(machine).pipe(Layer.provide(services))), NodeRuntime.runMain)
