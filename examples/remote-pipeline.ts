/**
 * One program for processes here and on any machine: only the layer differs.
 *
 *     node examples/remote-pipeline.ts "ssh -p 2222 root@host" /var/log
 *     node examples/remote-pipeline.ts here /var/log
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { ClientPlatform, SshLogin, SshProcess } from "@toehold/ssh-core"
import { Console, Effect, Layer, Stream } from "effect"
import { ChildProcess } from "effect/process"

const [machine = "here", folder = "/"] = process.argv.slice(2)

const names = Effect.gen(function* () {
  const list = ChildProcess.make("ls", ["-a"], { cwd: folder, env: { LC_ALL: "C" }, extendEnv: true })
  const sorted = yield* list.pipe(ChildProcess.pipeTo(ChildProcess.make("sort", ["-r"])))
  yield* Stream.runForEach(Stream.splitLines(Stream.decodeText(sorted.stdout)), Console.log)
  yield* Console.log(`exit code ${yield* sorted.exitCode}`)
}).pipe(Effect.scoped)

const services = Layer.merge(NodeServices.layer, ClientPlatform.layer)

const remote = SshProcess.layer.pipe(Layer.provide(SshLogin.layer(machine)), Layer.provide(services))

names.pipe(Effect.provide(machine === "here" ? NodeServices.layer : remote), NodeRuntime.runMain)
