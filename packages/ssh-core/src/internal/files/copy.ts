/** Copying on the machine itself: by the server where it can, else through here. */
import { Effect, Pull } from "effect"
import type { Attributes, Handle, Sftp } from "../../Sftp.ts"
import type * as SshError from "../../SshError.ts"
import { kindOf } from "../sftp/attributes.ts"
import { failed } from "../sftp/cause.ts"
import { unable } from "./failure.ts"
import * as Opening from "./opening.ts"
import * as ReadAhead from "./readAhead.ts"
import type { Session } from "./sessionRef.ts"
import { join, levels, makeDirectory } from "./tree.ts"
import * as WriteBehind from "./writeBehind.ts"

/** The server answers nothing else while it copies. */
const copyBytes = 32n * 1024n * 1024n

const filesAtOnce = 16

const permissions = 0o7777

/** Only files that look the same can be one and the same, and then they are equally long. */
const mayBeOne = (a: Attributes, b: Attributes): boolean =>
  (["size", "uid", "gid", "mode", "mtime"] as const).every((key) => a[key] === b[key])

const byServer = Effect.fnUntraced(function* (sftp: Sftp, from: Handle, to: Handle, size: bigint) {
  let position = 0n
  for (; position < size; position += copyBytes) {
    const length = size - position < copyBytes ? size - position : copyBytes
    yield* sftp.copyData({ handle: from, position, length }, { handle: to, position })
  }
  // What has been added meanwhile, and all of a file that is made as it is read.
  yield* sftp.copyData({ handle: from, position: size, length: 0n }, { handle: to, position: size })
})

const throughHere = Effect.fnUntraced(function* (session: Session, from: Handle, to: Handle, size: bigint) {
  const { readBytes: unit } = session.sftp.limits
  const told = size === 0n ? {} : { size }
  const { next } = yield* ReadAhead.pull({ session, handle: from, from: 0n, to: undefined, unit, told })
  const writer = yield* WriteBehind.make({ session, handle: to, from: 0n, lanes: undefined, append: false })
  yield* Effect.forever(Effect.flatMap(next, writer.push)).pipe(Pull.catchDone(() => Effect.void))
  yield* writer.finish
}, Effect.scoped)

/** The content and the permissions of a file, in place of what is at the other path. */
export const copyFile = Effect.fnUntraced(function* (
  session: Session,
  from: string,
  to: string,
  options: { readonly exclusive?: boolean; readonly times?: boolean } = {}
): Effect.fn.Return<void, SshError.SshError> {
  const { sftp } = session
  yield* Effect.scoped(
    Effect.gen(function* () {
      const source = yield* Opening.forReading(session, from)
      const attributes = yield* sftp.fstat(source.handle)
      if (kindOf(attributes) === "Directory") return yield* failed(from, "EISDIR")
      const mode = (attributes.mode ?? 0o666) & permissions
      const opened = sftp.open(to, { write: true, create: true, exclusive: options.exclusive === true, mode })
      const target = yield* Effect.acquireRelease(opened, (handle) => Effect.sync(() => sftp.release(handle)), {
        interruptible: true
      })
      const before = yield* sftp.fstat(target)
      const size = attributes.size ?? 0n
      if (before.size !== 0n && !mayBeOne(attributes, before)) yield* sftp.fsetstat(target, { size: 0n })
      const copied = byServer(sftp, source.handle, target, size)
      yield* Effect.catchIf(
        copied,
        ({ code }) => code === "ENOSYS",
        () => throughHere(session, source.handle, target, size)
      )
      const { atime, mtime } = attributes
      const times = options.times === true && atime !== undefined && mtime !== undefined ? { atime, mtime } : {}
      yield* sftp.fsetstat(target, { mode, ...times })
      // A full disk may show no sooner.
      yield* Effect.asVoid(sftp.fstat(target))
    })
  )
})

interface Options {
  readonly overwrite?: boolean | undefined
  readonly preserveTimestamps?: boolean | undefined
}

const parentOf = (path: string): string => path.replace(/\/+$/, "").replace(/\/?[^/]*$/, "")

/** One entry that is no folder. What is there already stays, unless it may be written over. */
const copyEntry = Effect.fnUntraced(function* (
  session: Session,
  from: string,
  to: string,
  attributes: Attributes,
  options: Options
): Effect.fn.Return<void, SshError.SshError> {
  const { sftp } = session
  const overwrite = options.overwrite === true
  const unlessThere = (effect: Effect.Effect<void, SshError.SshError>) =>
    Effect.catchIf(
      effect,
      ({ code }) => code === "EEXIST" && !overwrite,
      () => Effect.void
    )
  const kind = kindOf(attributes)
  if (kind === "SymbolicLink") {
    const target = yield* sftp.readLink(from)
    if (overwrite) yield* Effect.ignore(sftp.remove(to))
    return yield* unlessThere(sftp.symlink(target, to))
  }
  if (kind !== "File") return yield* unable(from, `it is a ${kind}, which has no content to copy`)
  const times = options.preserveTimestamps === true
  yield* unlessThere(copyFile(session, from, to, { exclusive: !overwrite, times }))
})

/** As `cp -r`: a folder with all that is in it, into what is there already. */
export const copy = Effect.fnUntraced(function* (
  session: Session,
  from: string,
  to: string,
  options: Options = {}
): Effect.fn.Return<void, SshError.SshError> {
  const { sftp } = session
  const attributes = yield* sftp.lstat(from)
  const there = yield* Effect.orElseSucceed(sftp.stat(to), () => undefined)
  const isFolder = kindOf(attributes) === "Directory"
  if (there !== undefined && isFolder !== (kindOf(there) === "Directory")) {
    return yield* unable(to, isFolder ? "a directory can't take the place of a file" : "it is a directory")
  }
  const parent = parentOf(to)
  if (there === undefined && parent !== "") yield* makeDirectory(sftp, parent, { recursive: true })
  if (!isFolder) return yield* copyEntry(session, from, to, attributes, options)
  yield* refuseInside(sftp, from, to, there !== undefined)
  const found = yield* levels(sftp, from)
  const folders: Array<{ readonly path: string; readonly attributes: Attributes; readonly isNew: boolean }> = []
  const makeFolder = Effect.fnUntraced(function* (path: string, attributes: Attributes) {
    // Open to us until all is in it.
    const made = yield* Effect.result(sftp.makeDirectory(path, 0o700))
    if (made._tag === "Failure" && made.failure.code !== "EEXIST") return yield* made.failure
    folders.push({ path, attributes, isNew: made._tag === "Success" })
  })
  yield* makeFolder(to, attributes)
  for (const level of found) {
    yield* Effect.forEach(
      level.filter(({ type }) => type === "Directory"),
      ({ attributes, path }) => makeFolder(join(to, path), attributes),
      { concurrency: filesAtOnce, discard: true }
    )
    yield* Effect.forEach(
      level.filter(({ type }) => type !== "Directory"),
      ({ attributes, path }) => copyEntry(session, join(from, path), join(to, path), attributes, options),
      { concurrency: filesAtOnce, discard: true }
    )
  }
  yield* Effect.forEach(
    folders.toReversed(),
    ({ attributes: { atime, mode, mtime }, isNew, path }) => {
      const times = options.preserveTimestamps === true && atime !== undefined && mtime !== undefined
      const changes = {
        ...(isNew && mode !== undefined ? { mode: mode & permissions } : {}),
        ...(times ? { atime, mtime } : {})
      }
      return sftp.setstat(path, changes)
    },
    { discard: true }
  )
})

const refuseInside = Effect.fnUntraced(function* (sftp: Sftp, from: string, to: string, isThere: boolean) {
  const source = yield* sftp.realPath(from)
  const parent = parentOf(to)
  const target = isThere ? yield* sftp.realPath(to) : `${yield* sftp.realPath(parent === "" ? "." : parent)}/`
  if (target === source || `${target}/`.startsWith(`${source}/`)) {
    return yield* unable(from, "a directory can't be copied into itself")
  }
})
