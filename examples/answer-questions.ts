/**
 * Runs a program that asks questions in a terminal, and answers them; the password is shown nowhere.
 *
 *     node examples/answer-questions.ts "ssh -p 2222 root@host"
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { ClientPlatform, SshClient, SshCommand, SshLogin } from "@toehold/ssh-core"
import { Console, Effect, Layer, Redacted } from "effect"

const [machine = "localhost"] = process.argv.slice(2)

const asks = SshCommand.shell(
  'printf "Name: "; read name; stty -echo; printf "Password: "; read password; ' +
    'echo; echo "Hello $name, a password of ${#password} characters."'
)

const main = Effect.gen(function* () {
  const ssh = yield* SshClient.SshClient
  const result = yield* ssh.interact(asks, [
    { expect: "Name: ", send: "Ada" },
    {
      expect: /password: $/i,
      send: Redacted.make(process.env["DEMO_PASSWORD"] ?? "hidden words"),
      timeout: "10 seconds"
    },
    { expect: "Hello" }
  ])
  yield* Console.log(result.transcript.text.split("\r\n").at(-2))
}).pipe(
  // A question that no step answers is an error, not a wait.
  Effect.catchReason("SshError", "PromptDetected", (reason) => Console.error(reason.message, reason.fix))
)

const services = Layer.merge(NodeServices.layer, ClientPlatform.layer)

main.pipe(Effect.provide(SshLogin.layer(machine).pipe(Layer.provide(services))), NodeRuntime.runMain)
