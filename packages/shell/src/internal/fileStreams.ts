/** Files as streams of bytes: one process for the whole of it, which keeps no more than a pipe holds. */
import { ByteSize, Effect, type FileSystem, type PlatformError, Sink, Stream } from "effect"
import * as Failure from "./failure.ts"
import { seekArguments } from "./openFile.ts"
import { pieces } from "./pieces.ts"
import * as Reading from "./script/reading.ts"
import * as Writing from "./script/writing.ts"
import { argument, type Shell } from "./shell.ts"

type StreamOptions = Parameters<FileSystem.FileSystem["stream"]>[1]

const defaultChunkSize = 64 * 1024

const byteCount = (given: ByteSize.Input | undefined): bigint | undefined =>
  given === undefined ? undefined : ByteSize.toBigInt(ByteSize.fromInputUnsafe(given))

export const read = (
  shell: Shell,
  path: string,
  options: StreamOptions
): Stream.Stream<Uint8Array, PlatformError.PlatformError> => {
  const offset = byteCount(options?.offset) ?? 0n
  const limit = byteCount(options?.bytesToRead)
  const size = options?.chunkSize ?? defaultChunkSize
  if (!Number.isSafeInteger(size) || size < 1) {
    return Stream.fail(Failure.badArgument("stream", "chunkSize must be a positive integer"))
  }
  const bytes = Stream.unwrap(
    Effect.gen(function* () {
      const script = Reading.read(yield* shell.tools)
      const args = [argument(path), "", ...seekArguments(offset), limit === undefined ? "" : String(limit)]
      const { end, stdout } = yield* shell.start({ method: "stream", path, script, args })
      return Stream.concat(stdout, Stream.fromEffectDrain(end))
    })
  )
  return pieces(size)(bytes)
}

export const write = (
  shell: Shell,
  path: string,
  options: Parameters<FileSystem.FileSystem["sink"]>[1]
): Sink.Sink<void, Uint8Array, never, PlatformError.PlatformError> =>
  Sink.unwrap(
    Effect.gen(function* () {
      const access = Writing.accessOf(options?.flag ?? "w")
      if (!access.writes) return Sink.fail(Failure.failure("EBADF", { method: "sink", path }))
      const script = Writing.sink(yield* shell.tools, access)
      const mode = options?.mode === undefined ? "" : (options.mode & 0o7777).toString(8)
      const args = [argument(path), mode]
      const { end, line, stdin } = yield* shell.talk({ method: "sink", path, script, args, stdin: "pipe" })
      yield* line
      let sent = 0
      const ended = Effect.gen(function* () {
        // Of a device or a pipe nobody can say how much went into it.
        const length = access.truncates ? yield* line : "-"
        yield* end
        if (length !== "-" && length !== String(sent)) {
          const stderr = `${sent} bytes were sent, and ${length} are there`
          return yield* Failure.failure("EBADMSG", { method: "sink", path, stderr })
        }
      })
      return stdin.pipe(
        Sink.mapInput((chunk: Uint8Array) => {
          sent += chunk.length
          return chunk
        }),
        // A script that ended early says why; a pipe that broke says nothing.
        Sink.catch((broken) => Effect.andThen(ended, Effect.fail(broken))),
        Sink.mapEffect(() => ended)
      )
    })
  )
