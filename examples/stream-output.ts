/**
 * Follows a long command line by line, and kills its process group on the machine when it has seen enough.
 *
 *     node examples/stream-output.ts root@host
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { ClientPlatform, SshCommand, SshLogin } from "@toehold/ssh-core"
import { Console, Effect, Layer, Stream } from "effect"

const [machine = "localhost"] = process.argv.slice(2)

const main = Effect.gen(function* () {
  const ssh = yield* SshLogin.connect(machine)
  const running = yield* ssh.start(SshCommand.shell("i=0; while :; do i=$((i+1)); echo line $i; sleep 0.1; done"))
  yield* Console.log(`process ${running.pid} runs`)
  yield* running.output.pipe(
    Stream.filter(({ stream }) => stream === "stdout"),
    Stream.map(({ data }) => data),
    Stream.decodeText,
    Stream.splitLines,
    Stream.take(3),
    Stream.runForEach((line) => Console.log(line))
  )
  const gone = yield* running.kill()
  yield* Console.log(gone ? "killed" : "still there")
}).pipe(Effect.scoped)

main.pipe(Effect.provide(Layer.merge(NodeServices.layer, ClientPlatform.layer)), NodeRuntime.runMain)
