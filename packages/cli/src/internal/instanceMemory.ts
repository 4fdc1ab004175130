/** What is remembered of instances, a small file for each in the program's own folder. */
import { Effect, FileSystem, Path } from "effect"
import type { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import { stateFolder } from "./stateFolder.ts"

const maxMark = 200

export const instanceMemory = Effect.gen(function* () {
  const context = yield* Effect.context<FileSystem.FileSystem | Path.Path | ClientPlatform>()
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const folder = Effect.map(stateFolder("state"), (state) => path.join(state, "vast")).pipe(
    Effect.provideContext(context)
  )
  const fileOf = (instance: number) => Effect.map(folder, (name) => path.join(name, String(instance)))

  const recall = (instance: number): Effect.Effect<string | undefined> =>
    Effect.flatMap(fileOf(instance), (file) => fs.readFileString(file)).pipe(
      Effect.map((text) => text.slice(0, maxMark).trim()),
      Effect.orElseSucceed(() => undefined)
    )

  // What can't be written down only makes the next change of the key one that nobody can account for.
  const keep = Effect.fnUntraced(
    function* (instance: number, mark: string) {
      if ((yield* recall(instance)) === mark) return
      const file = yield* fileOf(instance)
      yield* fs.makeDirectory(path.dirname(file), { recursive: true })
      yield* fs.writeFileString(`${file}.new`, `${mark}\n`)
      yield* fs.rename(`${file}.new`, file)
    },
    (written) => Effect.ignore(written)
  )

  return { recall, keep }
})
