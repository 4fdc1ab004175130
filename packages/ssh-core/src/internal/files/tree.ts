/** Folders with all that is in them: level by level, each level's requests under way at once. */
import { Effect, type FileSystem } from "effect"
import type { Entry, Sftp } from "../../Sftp.ts"
import * as SshError from "../../SshError.ts"
import { kindOf } from "../sftp/attributes.ts"
import { failed } from "../sftp/cause.ts"
import { unable } from "./failure.ts"

/** Requests under way at once; each takes a few hundred bytes. */
export const atOnce = 64

export const join = (folder: string, name: string): string =>
  folder.endsWith("/") ? `${folder}${name}` : `${folder}/${name}`

export interface Found extends Entry {
  /** From the root on. */
  readonly path: string
}

/** The entries of each level below a folder, the uppermost first. Links are not followed. */
export const levels = Effect.fnUntraced(function* (
  sftp: Pick<Sftp, "readDirectory">,
  root: string
): Effect.fn.Return<ReadonlyArray<ReadonlyArray<Found>>, SshError.SshError> {
  const all: Array<ReadonlyArray<Found>> = []
  let folders: ReadonlyArray<string> = [""]
  while (folders.length > 0) {
    const lists = yield* Effect.forEach(
      folders,
      (folder) =>
        Effect.map(sftp.readDirectory(folder === "" ? root : join(root, folder)), (entries) =>
          entries.map((entry): Found => ({ ...entry, path: folder === "" ? entry.name : `${folder}/${entry.name}` }))
        ),
      { concurrency: atOnce }
    )
    const level = lists.flat()
    if (level.length > 0) all.push(level)
    folders = level.filter(({ type }) => type === "Directory").map(({ path }) => path)
  }
  return all
})

const isMissing = (error: SshError.SshError): boolean => error.reason._tag === "NotFound"

/** What somebody else has removed meanwhile is removed. */
const orGone = (effect: Effect.Effect<void, SshError.SshError>): Effect.Effect<void, SshError.SshError> =>
  Effect.catchIf(effect, isMissing, () => Effect.void)

const removeTree = Effect.fnUntraced(function* (sftp: Sftp, root: string) {
  // An empty folder need not be readable, neither here nor below.
  const emptied = yield* Effect.result(orGone(sftp.removeDirectory(root)))
  if (emptied._tag === "Success") return
  const found = yield* levels(
    {
      readDirectory: (path) =>
        Effect.catchIf(
          sftp.readDirectory(path),
          ({ code }) => code === "EACCES" && path !== root,
          () => Effect.succeed([])
        )
    },
    root
  )
  const each = (entries: ReadonlyArray<Found>, remove: (path: string) => Effect.Effect<void, SshError.SshError>) =>
    Effect.forEach(entries, ({ path }) => orGone(remove(join(root, path))), { concurrency: atOnce, discard: true })
  yield* each(
    found.flat().filter(({ type }) => type !== "Directory"),
    sftp.remove
  )
  for (const level of found.toReversed()) {
    yield* each(
      level.filter(({ type }) => type === "Directory"),
      sftp.removeDirectory
    )
  }
  yield* orGone(sftp.removeDirectory(root))
})

export const remove = Effect.fnUntraced(function* (
  sftp: Sftp,
  path: string,
  options: { readonly recursive?: boolean | undefined; readonly force?: boolean | undefined } = {}
): Effect.fn.Return<void, SshError.SshError> {
  const removed = yield* Effect.result(sftp.remove(path))
  if (removed._tag === "Success") return
  if (isMissing(removed.failure) && options.force === true) return
  // Systems other than Linux say that it is not permitted.
  const isFolder =
    removed.failure.code === "EISDIR" ||
    (removed.failure.code === "EACCES" &&
      kindOf(yield* Effect.orElseSucceed(sftp.lstat(path), () => ({}))) === "Directory")
  if (!isFolder) return yield* removed.failure
  if (options.recursive !== true) return yield* unable(path, "it is a directory, and not to be removed with all in it")
  yield* removeTree(sftp, path)
})

export const makeDirectory = Effect.fnUntraced(function* (
  sftp: Sftp,
  path: string,
  options: { readonly recursive?: boolean | undefined; readonly mode?: number | undefined } = {}
): Effect.fn.Return<void, SshError.SshError> {
  if (options.recursive !== true) return yield* sftp.makeDirectory(path, options.mode)
  const whole = plain(path)
  const waiting: Array<string> = []
  for (let at = whole; ;) {
    const made = yield* Effect.result(sftp.makeDirectory(at, options.mode))
    if (made._tag === "Success") {
      const next = waiting.pop()
      if (next === undefined) return
      at = next
      continue
    }
    const { failure } = made
    const slash = at.lastIndexOf("/")
    if (isMissing(failure) && slash > 0 && !waiting.includes(at)) {
      waiting.push(at)
      at = at.slice(0, slash)
    } else if (failure.code === "EEXIST" && kindOf(yield* sftp.stat(at)) === "Directory") {
      const next = waiting.pop()
      if (next === undefined) return
      at = next
    } else {
      return yield* failure.code === "EEXIST" && at !== whole ? failed(path, "ENOTDIR") : failure
    }
  }
})

/** Without empty names, `.` and `..`: a folder that is yet to be made has no parent to go back to. */
const plain = (path: string): string => {
  const names: Array<string> = []
  for (const name of path.split("/")) {
    if (name === "" || name === ".") continue
    if (name === ".." && names.length > 0 && names.at(-1) !== "..") names.pop()
    else if (name !== ".." || !path.startsWith("/")) names.push(name)
  }
  return `${path.startsWith("/") ? "/" : ""}${names.join("/")}` || "."
}

export const entryOf = ({ name, type }: Entry): FileSystem.DirectoryEntry => ({ name, type })
