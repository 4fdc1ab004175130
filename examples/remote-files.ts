/**
 * Works with the files of a machine as if they were local ones.
 *
 *     node examples/remote-files.ts root@host
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { ClientPlatform, SshFiles, SshLogin } from "@toehold/ssh-core"
import * as SshProcess from "@toehold/ssh-core/SshProcess"
import { Console, Effect, FileSystem, Layer, Stream } from "effect"

const [machine = "localhost"] = process.argv.slice(2)

const main = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* fs.makeTempDirectoryScoped({ prefix: "toehold-example-" })
  const lines = Stream.map(Stream.range(1, 1000), (line) => `line ${line}\n`)
  yield* Stream.run(Stream.encodeText(lines), fs.sink(`${folder}/it's here.txt`))
  yield* fs.copyFile(`${folder}/it's here.txt`, `${folder}/copy.txt`)
  for (const { name, type } of yield* fs.readDirectoryEntries(folder)) {
    const { size } = yield* fs.stat(`${folder}/${name}`)
    yield* Console.log(`${type} ${name}, ${size} bytes`)
  }
  const missing = yield* Effect.flip(fs.readFile(`${folder}/none`))
  yield* Console.log(missing.reason._tag)
}).pipe(Effect.scoped)

const files = SshFiles.layer().pipe(Layer.provide(SshProcess.layer), Layer.provide(SshLogin.layer(machine)))
const services = Layer.merge(NodeServices.layer, ClientPlatform.layer)

main.pipe(Effect.provide(files.pipe(Layer.provide(services))), NodeRuntime.runMain)
