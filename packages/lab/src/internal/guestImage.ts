/** The guest's kernel and file systems, built once from Debian packages and kept by the content of their recipe. */
import { Effect, FileSystem, Path, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as Crypto from "node:crypto"
import * as Os from "node:os"
import { fileURLToPath } from "node:url"
import { LabError } from "../LabError.ts"

const recipe = fileURLToPath(new URL("../../images/guest", import.meta.url))

const cacheFolder = (join: (...names: ReadonlyArray<string>) => string): string => {
  const own = process.env["XDG_CACHE_HOME"]
  return join(own === undefined || own === "" ? join(Os.homedir(), ".cache") : own, "toehold", "guest")
}

/**
 * A folder below the cache with this name, made by `build` in a folder beside it when it isn't there: whoever comes
 * first puts it in place whole.
 */
export const cached = Effect.fnUntraced(function* <E, R>(
  name: string,
  build: (folder: string) => Effect.Effect<unknown, E, R>
) {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const folder = join(cacheFolder(join), name)
  if (yield* fs.exists(folder)) return folder
  yield* fs.makeDirectory(cacheFolder(join), { recursive: true })
  yield* Effect.scoped(
    Effect.gen(function* () {
      const made = yield* fs.makeTempDirectoryScoped({ directory: cacheFolder(join), prefix: `${name}-` })
      yield* build(made)
      yield* fs.chmod(made, 0o755)
      // Another process may have been faster; its result is as good.
      yield* fs.rename(made, folder).pipe(
        Effect.catchIf(
          () => true,
          (error) => Effect.flatMap(fs.exists(folder), (isThere) => (isThere ? Effect.void : Effect.fail(error)))
        )
      )
    })
  )
  return folder
})

/** The folder with `kernel`, `busybox.initrd`, `debian.initrd` and `debian.ext4`. */
export const make = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const hash = Crypto.createHash("sha256")
  for (const file of [...(yield* fs.readDirectory(recipe))].sort()) {
    hash.update(`\0${file}\0`).update(yield* fs.readFile(join(recipe, file)))
  }
  return yield* cached(`image-${hash.digest("hex").slice(0, 16)}`, (folder) =>
    Effect.gen(function* () {
      const script = ChildProcess.make("bash", [join(recipe, "build.sh"), folder], { stdin: "ignore" })
      const [log, code] = yield* Effect.scoped(
        Effect.gen(function* () {
          const handle = yield* spawner.spawn(script)
          const log = yield* Stream.mkString(Stream.decodeText(handle.all))
          return [log.slice(-2000), yield* handle.exitCode] as const
        })
      )
      if (code !== 0) return yield* new LabError({ message: `The guest could not be built (${code}): ${log}` })
    })
  )
}).pipe(Effect.catchTag("PlatformError", (cause) => new LabError({ message: "The guest could not be built", cause })))
