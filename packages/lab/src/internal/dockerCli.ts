/** Docker's own client, for what takes one word of it. */
import { Effect, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { LabError } from "../LabError.ts"
import * as RealPart from "../RealPart.ts"

/** What a call printed on both streams, when it went well. */
export const docker = (
  ...args: ReadonlyArray<string>
): Effect.Effect<string, LabError, ChildProcessSpawner.ChildProcessSpawner> =>
  Effect.gen(function* () {
    const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
    const handle = yield* spawner.spawn(ChildProcess.make(RealPart.path("docker"), [...args]))
    const output = yield* Stream.mkString(Stream.decodeText(handle.all))
    const code = yield* handle.exitCode
    if (code === 0) return output
    return yield* new LabError({ message: `docker ${args[0]} ended with ${code}: ${output.trim()}` })
  }).pipe(
    Effect.scoped,
    Effect.catchTag("PlatformError", (cause) => new LabError({ message: `docker ${args[0]} could not run`, cause }))
  )
