/** A connection between an end and its machine that is cut again and again. */
import { Effect, FileSystem, PlatformError, Sink, Stream } from "effect"
import { ChildProcessSpawner } from "effect/process"
import type { Endpoint } from "../../src/Endpoint.ts"

/** As a transport says it: typed, and with its own error as the cause. */
export const lost = PlatformError.systemError({
  _tag: "Unknown",
  module: "FileSystem",
  method: "any",
  cause: {
    _tag: "SshError",
    reason: { _tag: "ConnectionLost" },
    isRetryable: false,
    message: "The connection was lost.",
    fix: "Look at the machine."
  }
})

export interface Line {
  /** Signs of life until each cut; after the last of them there is no cut any more. */
  readonly cuts: Array<number>
  /** Calls that fail after a cut until the connection is back. */
  readonly down: number
}

/** Both before a call, so that nothing is done, and after it, so that only its reply is lost. */
export const withLine = (end: Endpoint, { cuts, down }: Line): Endpoint & { readonly counted: () => number } => {
  let isDown = 0
  let count = 0
  const sign = Effect.suspend(() => {
    count += 1
    if (isDown > 0) {
      isDown -= 1
      return Effect.fail(lost)
    }
    const left = cuts[0]
    if (left === undefined) return Effect.void
    if (left > 0) {
      cuts[0] = left - 1
      return Effect.void
    }
    cuts.shift()
    isDown = down
    return Effect.fail(lost)
  })
  const around = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.tap(Effect.andThen(sign, effect), () => sign)
  const flowing = <E>(stream: Stream.Stream<Uint8Array, E>) => Stream.tap(stream, () => sign)
  const draining = <E>(sink: Sink.Sink<void, Uint8Array, never, E>) =>
    Sink.mapEffect(
      Sink.mapInputEffect(sink, (piece: Uint8Array) => Effect.as(sign, piece)),
      () => sign
    )
  const { files } = end
  const calls = [
    "chmod",
    "link",
    "lstat",
    "makeDirectory",
    "readDirectory",
    "readLink",
    "realPath",
    "remove",
    "rename",
    "stat",
    "symlink",
    "utimes"
  ] as const
  const cut = Object.fromEntries(
    calls.map((name) => [
      name,
      // One signature for all of them; each is given what its callers give.
      (...args: ReadonlyArray<never>) =>
        around(
          (files[name] as (...args: ReadonlyArray<never>) => Effect.Effect<unknown, PlatformError.PlatformError>)(
            ...args
          )
        )
    ])
  )
  return {
    ...end,
    counted: () => count,
    files: FileSystem.FileSystem.of({
      ...files,
      ...(cut as Partial<FileSystem.FileSystem>), // the same names, by construction
      open: (path, options) =>
        Effect.map(around(files.open(path, options)), (file) => ({
          ...file,
          seek: (offset, from) => file.seek(offset, from),
          sync: around(file.sync),
          writeAll: (bytes) => around(file.writeAll(bytes))
        })),
      stream: (path, options) => flowing(files.stream(path, options)),
      sink: (path, options) => draining(files.sink(path, options))
    }),
    processes: ChildProcessSpawner.make((command) =>
      Effect.map(around(end.processes.spawn(command)), (handle) =>
        ChildProcessSpawner.makeHandle({
          ...handle,
          exitCode: Effect.tap(handle.exitCode, () => sign),
          stdout: flowing(handle.stdout),
          stdin: draining(handle.stdin)
        })
      )
    )
  }
}
