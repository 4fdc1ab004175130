/** An open file and an offset. Every operation is a process of its own, which reaches the file through the holder's. */
import { Effect, FileSystem, Option, type Scope } from "effect"
import * as Entries from "./entries.ts"
import type { Held } from "./holder.ts"
import * as Failure from "./failure.ts"
import * as Reading from "./script/reading.ts"
import * as Writing from "./script/writing.ts"
import { input, type Shell } from "./shell.ts"

export interface Opened extends Held {
  readonly shell: Shell
  /** As errors name it. */
  readonly path: string
  readonly access: Writing.Access
}

const blockBytes = 65536n

/** An offset as whole blocks and the rest, which is how the scripts move to it. */
export const seekArguments = (offset: bigint): readonly [blocks: string, rest: string] => [
  String(offset / blockBytes),
  String(offset % blockBytes)
]

const maxOffset = BigInt(Number.MAX_SAFE_INTEGER)

export const make = Effect.fnUntraced(function* ({
  access,
  handle,
  identity,
  path,
  shell
}: Opened): Effect.fn.Return<FileSystem.File, never, Scope.Scope> {
  let position = 0n
  let isOpen = true
  yield* Effect.addFinalizer(() => Effect.sync(() => void (isOpen = false)))

  const closed = (method: string) => Effect.fail(Failure.failure("EBADF", { method, path }))

  const readAt = Effect.fnUntraced(function* (method: string, from: bigint, length: number) {
    if (!isOpen || !access.reads) return yield* closed(method)
    if (length === 0 || from > maxOffset) return new Uint8Array(0)
    const script = Reading.read(yield* shell.tools)
    const args = [handle, identity, ...seekArguments(from), String(length)]
    const bytes = yield* shell.run({ method, path, script, args })
    return bytes.length > length ? bytes.subarray(0, length) : bytes
  })

  const read = (method: string, length: number, options: FileSystem.File.ReadOptions | undefined) =>
    Effect.suspend(() => {
      const from = options?.position ?? position
      if (from < 0n) return Effect.fail(Failure.badArgument(method, "Cannot read before the start of the file"))
      return Effect.tap(readAt(method, from, length), (bytes) =>
        Effect.sync(() => {
          if (options?.position === undefined) position = from + BigInt(bytes.length)
        })
      )
    })

  const write = Effect.fnUntraced(function* (method: string, bytes: Uint8Array) {
    if (!isOpen || !access.writes) return yield* closed(method)
    if (bytes.length === 0) return 0
    if (position > maxOffset) return yield* Failure.badArgument(method, "the offset is too large")
    const script = Writing.write(yield* shell.tools, access.appends)
    const args = [handle, identity, ...seekArguments(position)]
    yield* shell.run({ method, path, script, args, stdin: input(bytes) })
    if (!access.appends) position += BigInt(bytes.length)
    return bytes.length
  })

  return {
    [FileSystem.FileTypeId]: FileSystem.FileTypeId,
    stat: Effect.suspend(() => (isOpen ? Entries.info(shell, "stat", handle, path) : closed("stat"))),
    seek: (offset, from) =>
      Effect.suspend(() => {
        const to = from === "start" ? offset : position + offset
        if (to < 0n) return Effect.fail(Failure.badArgument("seek", "Cannot seek before the start of the file"))
        position = to
        return Effect.succeed(to)
      }),
    sync: Effect.asVoid(
      Effect.suspend(() => shell.run({ method: "sync", path, script: Writing.sync, args: [handle] }))
    ),
    read: (buffer, options) =>
      Effect.map(read("read", buffer.length, options), (bytes) => {
        buffer.set(bytes)
        return bytes.length
      }),
    readAlloc: (size, options) =>
      Number.isInteger(size) && size >= 0
        ? Effect.map(read("readAlloc", size, options), (bytes) =>
            bytes.length === 0 ? Option.none() : Option.some(bytes)
          )
        : Effect.fail(Failure.badArgument("readAlloc", "size must be a non-negative integer")),
    truncate: (length = 0) =>
      Effect.gen(function* () {
        if (!isOpen || !access.writes) return yield* closed("truncate")
        const script = Writing.truncate(yield* shell.tools)
        yield* shell.run({ method: "truncate", path, script, args: [handle, String(length), identity] })
        if (!access.appends && position > BigInt(length)) position = BigInt(length)
      }),
    write: (bytes) => write("write", bytes),
    writeAll: (bytes) => Effect.asVoid(write("writeAll", bytes))
  }
})
