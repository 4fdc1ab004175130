/**
 * Runs on a machine that has only a serial console what was written for this one.
 *
 *     node examples/serial-machine.ts serial:unix:/run/vm.sock
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { SerialConsole, SerialFiles, SerialHub, SerialShell, SerialTarget } from "@toehold/serial-runner"
import { Console, Effect, FileSystem, Layer } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"

const [name = "serial:unix:/run/vm.sock"] = process.argv.slice(2)

const main = Effect.gen(function* () {
  const processes = yield* ChildProcessSpawner.ChildProcessSpawner
  const numbers = ChildProcess.make("seq", ["1", "1000"])
  const last = numbers.pipe(ChildProcess.pipeTo(ChildProcess.make("tail", ["-n", "1"])))
  yield* Console.log((yield* processes.string(last)).trim())
  const files = yield* FileSystem.FileSystem
  const folder = yield* files.makeTempDirectoryScoped({ prefix: "toehold-example-" })
  yield* files.writeFile(
    `${folder}/all`,
    Uint8Array.from({ length: 256 }, (_, byte) => byte)
  )
  yield* Console.log(`${(yield* files.readFile(`${folder}/all`)).length} bytes came back`)
}).pipe(Effect.scoped)

const console = Effect.gen(function* () {
  const target = yield* Effect.fromResult(SerialTarget.parse(name))
  const { console } = yield* SerialHub.SerialHub
  return yield* console(target)
})

const machine = SerialFiles.layer().pipe(
  Layer.provide(SerialShell.layer()),
  Layer.provide(Layer.effect(SerialConsole.SerialConsole, console)),
  Layer.provide(SerialHub.layer()),
  Layer.provide(NodeServices.layer)
)

main.pipe(Effect.provide(machine), NodeRuntime.runMain)
