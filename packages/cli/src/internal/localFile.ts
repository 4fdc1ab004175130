/** Writing files of the person who runs this program: whole or not at all, and never over one that is there unasked. */
import { Effect, FileSystem, Path, type PlatformError } from "effect"
import * as SshError from "@toehold/ssh-core/SshError"
import * as Crypto from "node:crypto"
import { fileFailure } from "./machine.ts"

const exists = (path: string) =>
  SshError.make(
    new SshError.InvalidArgument({
      argument: path,
      detail: "the file exists",
      hint: "Give another name, or --force to replace it."
    })
  )

const isThere = (error: PlatformError.PlatformError): boolean => error.reason._tag === "AlreadyExists"

/** Fails with `InvalidArgument` where there is something at the path. */
export const mustBeFree = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const taken = yield* fs.exists(path).pipe(Effect.mapError((error) => fileFailure(path, error)))
  if (taken) return yield* exists(path)
})

/** Gives a file its final name, unless there is one; where no links can be made, as a new file of its own. */
const putInPlace = Effect.fnUntraced(function* (temporary: string, path: string, bytes: Uint8Array, mode: number) {
  const fs = yield* FileSystem.FileSystem
  yield* fs.link(temporary, path).pipe(
    Effect.catchIf(
      (error) => !isThere(error),
      () => fs.writeFile(path, bytes, { flag: "wx", mode })
    )
  )
})

/**
 * Writes a file with a mode that it has from its first byte on. It appears whole, by a rename, or without `replace` by a
 * link, which fails where something has come to stand at the path meanwhile.
 */
export const writeWhole = Effect.fnUntraced(function* (
  path: string,
  content: string,
  options: { readonly mode: number; readonly replace: boolean }
): Effect.fn.Return<void, SshError.SshError, FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const folder = paths.dirname(path)
  const temporary = paths.join(folder, `.${paths.basename(path)}.${Crypto.randomBytes(6).toString("hex")}`)
  const failure = (error: PlatformError.PlatformError) => (isThere(error) ? exists(path) : fileFailure(path, error))
  yield* Effect.scoped(
    Effect.gen(function* () {
      yield* Effect.addFinalizer(() => Effect.ignore(fs.remove(temporary, { force: true })))
      const file = yield* fs.open(temporary, { flag: "wx", mode: options.mode })
      const bytes = new TextEncoder().encode(content)
      yield* file.writeAll(bytes)
      yield* file.sync
      yield* options.replace ? fs.rename(temporary, path) : putInPlace(temporary, path, bytes, options.mode)
    })
  ).pipe(Effect.mapError(failure))
})
