import { Effect, FileSystem, Option, Path } from "effect"
import * as Crypto from "node:crypto"
import * as ClientPlatform from "../ClientPlatform.ts"
import { maxFileBytes } from "../KnownHosts.ts"
import * as SshError from "../SshError.ts"
import { fileFailure } from "./fileFailure.ts"
import * as FileLock from "./fileLock.ts"

/** As many links in a row as Linux follows. */
const mostLinks = 40

/** Lines to add at the end, or none. */
export interface Addition<A> {
  readonly text: string | undefined
  readonly result: A
}

/** What becomes of a file's bytes; `undefined` leaves the file alone. */
export interface Edit<A> {
  readonly bytes: Uint8Array | undefined
  readonly result: A
}

const empty = new Uint8Array(0)
const newline = 10

/** Reading and writing known_hosts files so that no line of another program is lost. */
export const make = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const platform = yield* ClientPlatform.ClientPlatform
  const withLock = yield* FileLock.make

  const stat = (file: string) =>
    fs.stat(file).pipe(
      Effect.asSome,
      Effect.catchIf(
        (error) => error.reason._tag === "NotFound",
        () => Effect.succeedNone
      ),
      Effect.mapError(fileFailure(file))
    )

  /** The whole file; empty where there is none, and for a device such as /dev/null, which stands for "no file". */
  const read = Effect.fnUntraced(function* (file: string) {
    const info = yield* stat(file)
    if (Option.isNone(info) || info.value.type === "CharacterDevice") return empty
    if (info.value.type !== "File") {
      return yield* SshError.make(new SshError.FileFailed({ path: file, detail: "it is not a regular file" }))
    }
    if (info.value.size > maxFileBytes) {
      return yield* SshError.make(new SshError.FileFailed({ path: file, detail: "it is larger than 16 MiB" }))
    }
    return yield* fs.readFile(file).pipe(
      // Deleted since the look.
      Effect.catchIf(
        (error) => error.reason._tag === "NotFound",
        () => Effect.succeed(empty)
      ),
      Effect.mapError(fileFailure(file))
    )
  })

  /** Where the bytes really are, also where the last link points at nothing yet; realPath would fail there. */
  const target = Effect.fnUntraced(function* (file: string) {
    let current = file
    for (let links = 0; links < mostLinks; links++) {
      const next = yield* Effect.option(fs.readLink(current))
      if (Option.isNone(next)) return current
      current = path.resolve(path.dirname(current), next.value)
    }
    return yield* SshError.make(new SshError.FileFailed({ path: file, detail: "too many symbolic links" }))
  })

  const makeSshFolder = Effect.fnUntraced(function* (file: string) {
    const folder = path.dirname(file)
    if (path.normalize(folder) !== path.normalize(ClientPlatform.sshDir(platform))) return
    yield* fs.makeDirectory(folder, { mode: 0o700 }).pipe(
      Effect.catchIf(
        (error) => error.reason._tag === "AlreadyExists",
        () => Effect.void
      ),
      Effect.mapError(fileFailure(folder))
    )
  })

  const backUp = (file: string) => {
    const old = `${file}.old`
    return fs.remove(old, { force: true }).pipe(
      // A link, as ssh-keygen makes: a line that ssh adds at the last moment is then at least in the backup.
      Effect.andThen(fs.link(file, old)),
      // Some file systems have no hard links.
      Effect.catch(() => fs.copyFile(file, old)),
      Effect.mapError(fileFailure(old))
    )
  }

  /** A new file with the bytes, and with the mode and owner of the one that it is to replace. */
  const writeBeside = Effect.fnUntraced(function* (temporary: string, file: string, bytes: Uint8Array) {
    const info = yield* fs.stat(file)
    yield* Effect.scoped(
      Effect.gen(function* () {
        const handle = yield* fs.open(temporary, { flag: "wx", mode: 0o600 })
        yield* handle.writeAll(bytes)
        yield* handle.sync
      })
    )
    if (platform.uid === 0 && Option.isSome(info.uid) && Option.isSome(info.gid)) {
      yield* fs.chown(temporary, info.uid.value, info.gid.value)
    }
    yield* fs.chmod(temporary, info.mode & 0o777)
  })

  /** Runs work on the file's real path while no other of our writers is at it. */
  const exclusively = Effect.fnUntraced(function* <A>(
    file: string,
    work: (real: string, held: FileLock.Held) => Effect.Effect<A, SshError.SshError>
  ) {
    yield* makeSshFolder(file)
    const real = yield* target(file)
    return yield* withLock(real, (held) => work(real, held))
  })

  /**
   * Adds the lines that `decide` gives when it is certain that none of our writers changes the file. The file is never
   * rewritten for that: ssh, which knows no lock, may add its own line at the same moment.
   */
  const add = Effect.fnUntraced(function* <A>(
    file: string,
    decide: Effect.Effect<Addition<A>, SshError.SshError>
  ): Effect.fn.Return<A, SshError.SshError> {
    const info = yield* stat(file)
    // What is added to /dev/null is gone, and /dev is no place for a lock.
    if (Option.isSome(info) && info.value.type === "CharacterDevice") return (yield* decide).result
    return yield* exclusively(file, (real, held) =>
      Effect.gen(function* () {
        const { result, text } = yield* decide
        if (text === undefined) return result
        const bytes = yield* read(real)
        const unfinished = bytes.length > 0 && bytes.at(-1) !== newline
        yield* held.check
        // One write in append mode: neither this line nor one that is added at the same time overwrites the other.
        yield* fs
          .writeFile(real, new TextEncoder().encode(unfinished ? `\n${text}` : text), { flag: "a", mode: 0o600 })
          .pipe(Effect.mapError(fileFailure(real)))
        return result
      })
    )
  })

  /** Replaces a file at once by what `edit` makes of it, and leaves the one before as `<file>.old`. */
  const rewrite = <A>(
    file: string,
    edit: (bytes: Uint8Array) => Effect.Effect<Edit<A>, SshError.SshError>
  ): Effect.Effect<A, SshError.SshError> =>
    exclusively(file, (real, held) => {
      const temporary = `${real}.${Crypto.randomUUID()}.tmp`
      return Effect.gen(function* () {
        const before = yield* read(real)
        const { bytes, result } = yield* edit(before)
        if (bytes === undefined) return result
        yield* writeBeside(temporary, real, bytes).pipe(Effect.mapError(fileFailure(real)))
        // ssh adds lines without a lock: one that came since would be lost.
        const now = yield* read(real)
        if (Buffer.compare(before, now) !== 0) return yield* held.again
        yield* held.check
        yield* backUp(real)
        yield* fs.rename(temporary, real).pipe(Effect.mapError(fileFailure(real)))
        return result
      }).pipe(Effect.ensuring(Effect.ignore(fs.remove(temporary, { force: true }))))
    })

  return { read, add, rewrite }
})
