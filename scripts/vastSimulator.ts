/**
 * `npm run simulator`: a Vast.ai of this computer's own, for trying things out by hand and for other programs. It prints what
 * to put into the environment, and stays until Ctrl-C.
 *
 *     npm run simulator -- [--file FILE] [--key FILE.pub]... [--rent N]
 *
 * With a file the account outlives it, and others find the address and the key of the API there.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, FileSystem, Path, Redacted } from "effect"
import * as VastSimulator from "@toehold/lab/VastSimulator"
import { parseArgs } from "node:util"

const { values } = parseArgs({
  options: {
    file: { type: "string" },
    key: { type: "string", multiple: true, default: [] },
    rent: { type: "string", default: "0" }
  }
})

const program = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const publicKeys = yield* Effect.forEach(values.key, (file) => fs.readFileString(file))
  const simulator = yield* VastSimulator.make({
    publicKeys: publicKeys.map((key) => key.trim()),
    delays: { status: 500, load: 2000, ssh: 2000, keys: 5000, results: 500 },
    ...(values.file === undefined ? {} : { file: path.resolve(values.file) })
  })
  const rented = yield* Effect.forEach(Array.from({ length: Number(values.rent) }), () => simulator.rent())
  const variables = {
    VAST_URL: simulator.url,
    VAST_API_KEY: Redacted.value(simulator.apiKey),
    ...VastSimulator.edgeEnvironment(simulator)
  }
  for (const [name, value] of Object.entries(variables)) yield* Console.log(`export ${name}=${value}`)
  for (const { id } of rented) yield* Console.log(`# vast:${id}`)
  return yield* Effect.never
})

program.pipe(Effect.scoped, Effect.provide(NodeServices.layer), NodeRuntime.runMain)
