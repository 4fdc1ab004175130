/** A spawner whose connections break: after so many bytes of an answer, or before its first. */
import { Effect, PlatformError, Stream } from "effect"
import { ChildProcessSpawner } from "effect/process"

type Spawner = ChildProcessSpawner.ChildProcessSpawner["Service"]

const lost = PlatformError.systemError({
  _tag: "Unknown",
  module: "ChildProcess",
  method: "stdout",
  description: "the connection was lost"
})

/**
 * The spawner with one limit for each of its next processes: as many bytes of stdout come, then the connection is lost,
 * and the process dies with it. Without a limit left, nothing breaks.
 */
export const cutting = (spawner: Spawner, limits: Array<number>): Spawner =>
  ChildProcessSpawner.make((command) =>
    Effect.map(spawner.spawn(command), (handle) => {
      const limit = limits.shift()
      if (limit === undefined) return handle
      let left = limit
      const stdout = handle.stdout.pipe(
        Stream.map((chunk) => {
          const part = chunk.subarray(0, left)
          left -= part.length
          return part
        }),
        Stream.takeUntil(() => left === 0),
        Stream.concat(Stream.fail(lost))
      )
      return { ...handle, stdout }
    })
  )

/** The spawner whose next processes are killed so many milliseconds after their start, as when a login goes. */
export const killing = (spawner: Spawner, delays: Array<number>): Spawner =>
  ChildProcessSpawner.make((command) =>
    Effect.gen(function* () {
      const handle = yield* spawner.spawn(command)
      const delay = delays.shift()
      if (delay === undefined) return handle
      yield* Effect.sleep(delay)
      yield* Effect.ignore(handle.kill({ killSignal: "SIGKILL" }))
      return { ...handle, stdout: Stream.fail(lost) }
    })
  )
