/**
 * One end of a transfer: the files and the processes of a machine.
 *
 * @since 0.1.0
 */
import { Effect, FileSystem, Path } from "effect"
import { ChildProcessSpawner } from "effect/process"

/**
 * A machine as transfers see it. A machine of `@toehold/machines` is one, and so is any pair of the two services.
 *
 * @since 0.1.0
 * @category models
 */
export interface Endpoint {
  readonly files: FileSystem.FileSystem
  readonly processes: ChildProcessSpawner.ChildProcessSpawner["Service"]
  /** For messages, and for telling partial files of different sources apart. */
  readonly name?: string | undefined
  /** Paths and names are those of Windows, and there is no POSIX shell: no `tar`, no checksums by process. */
  readonly isWindows?: boolean | undefined
}

/**
 * The machine that this program runs on, from the services in the context.
 *
 * @since 0.1.0
 * @category constructors
 */
export const local: Effect.Effect<
  Endpoint,
  never,
  FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner
> = Effect.gen(function* () {
  const { sep } = yield* Path.Path
  return {
    files: yield* FileSystem.FileSystem,
    processes: yield* ChildProcessSpawner.ChildProcessSpawner,
    name: "local:",
    isWindows: sep === "\\"
  }
})
