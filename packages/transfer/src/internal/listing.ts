/** What a tree holds: by one program where the end has it, else name by name. */
import { Effect, type FileSystem, Option, type PlatformError, Stream } from "effect"
import type { Endpoint } from "../Endpoint.ts"
import * as TransferError from "../TransferError.ts"
import type { Entry, Tree } from "./entry.ts"
import { ofPlatform, ofProgram, type Where, where } from "./failure.ts"
import { join } from "./location.ts"
import { collect, run } from "./program.ts"
import type { Tools } from "./toolSet.ts"

/** Some millions of files; beyond it the machine is not telling the truth, or the tree is to be taken in parts. */
const maxBytes = 512 * 1024 * 1024

export interface Options {
  /** These names at the top and what is below them, rather than all. They need not exist. */
  readonly only?: ReadonlyArray<string> | undefined
}

/** Of the folder at `root`, which may itself be a link. */
export const list = (
  endpoint: Endpoint,
  end: Where["end"],
  root: string,
  tools: Tools,
  options: Options = {}
): Effect.Effect<Tree, TransferError.TransferError> =>
  tools.list === undefined
    ? walk(endpoint, end, root, options)
    : byProgram(endpoint, end, root, tools.list, options).pipe(
        // One program sees all or fails; asked one by one, what is at fault is named.
        Effect.catchIf(
          (error) => error.reason._tag !== "ConnectionLost",
          () => walk(endpoint, end, root, options)
        )
      )

/** What prints records of the things that it is given, with `$@` for them. */
const scripts = {
  // Zero bytes stand between the fields, which no name holds.
  "find-printf": { tree: `find "$@" -printf`, one: "", format: `'%y %m %s %T@ %n %D:%i\\0%p\\0%l\\0'` },
  // No path of find's holds two slashes in a row: they end a record, whatever the name is.
  "stat-c": { tree: `find "$@" -exec stat -c`, one: `stat -c`, format: `'%f %s %Y %h %d:%i %n//'` },
  "stat-f": { tree: `find "$@" -exec stat -f`, one: `stat -f`, format: `'%Xp %z %m %l %d:%i %N//'` }
} as const

type Kind = NonNullable<Tools["list"]>

const treeScript = (kind: Kind): string => {
  const { format, tree } = scripts[kind]
  return kind === "find-printf" ? `${tree} ${format}` : `${tree} ${format} {} +`
}

/** Of each path on the standard input by itself, zero bytes after them. */
const eachScript = (kind: Kind): string => {
  const { format, one } = scripts[kind]
  return kind === "find-printf"
    ? `f=${format}; export f; exec xargs -0 sh -c 'find "$@" -prune -printf "$f"' sh`
    : `exec xargs -0 ${one} ${format}`
}

/** The script's arguments must fit one command line; beyond it the whole folder is listed. */
const maxNames = 500

const byProgram = Effect.fnUntraced(function* (
  endpoint: Endpoint,
  end: Where["end"],
  root: string,
  kind: NonNullable<Tools["list"]>,
  { only }: Options
): Effect.fn.Return<Tree, TransferError.TransferError> {
  const at = where(end, endpoint, root)
  const some = only !== undefined && only.length <= maxNames ? only : undefined
  if (some?.length === 0) return new Map()
  // What isn't there is no fault where some names are asked for.
  const text =
    some === undefined
      ? `cd -- "$1" && set -- . && ${treeScript(kind)}`
      : `cd -- "$1" && shift && for n do shift; if [ -e "$n" ] || [ -L "$n" ]; then set -- "$@" "$n"; fi; done; ` +
        `[ $# -eq 0 ] || ${treeScript(kind)}`
  const args = [root, ...(some ?? []).map((name) => `./${name}`)]
  const ended = yield* run(endpoint, { text, args }, { consumer: collect(maxBytes) }).pipe(
    Effect.mapError((error) => ofPlatform(error, at))
  )
  if (ended.exitCode !== 0) return yield* ofProgram("find", ended, at)
  const read = readRecords(kind, ended.value)
  if (read === undefined) {
    return yield* TransferError.make(new TransferError.FileFailed({ ...at, detail: "its listing can't be read" }))
  }
  return yield* complete(endpoint, end, root, read)
})

const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

const stripDot = (path: string): string => (path === "." ? "" : path.startsWith("./") ? path.slice(2) : path)

const linked = (count: string, inode: string): { readonly inode?: string } => (Number(count) > 1 ? { inode } : {})

const kinds: Readonly<Record<string, Entry["type"]>> = { f: "file", d: "directory", l: "link" }

const readPrintf = (bytes: Buffer): ReadonlyArray<Entry> | undefined => {
  const parts = decoder.decode(bytes).split("\0")
  if (parts.pop() !== "" || parts.length % 3 !== 0) return undefined
  const entries: Array<Entry> = []
  for (let at = 0; at < parts.length; at += 3) {
    const [kind = "", mode = "", size = "", mtime = "", links = "", inode = ""] = (parts[at] ?? "").split(" ", 6)
    const type = kinds[kind] ?? "other"
    entries.push({
      path: stripDot(parts[at + 1] ?? ""),
      type,
      size: type === "file" ? Number(size) : 0,
      mode: Number.parseInt(mode, 8),
      mtime: Number(mtime),
      ...(type === "link" ? { target: parts[at + 2] ?? "" } : {}),
      ...(type === "file" ? linked(links, inode) : {})
    })
  }
  return entries.every(isSane) ? entries : undefined
}

const readRecords = (kind: Kind, bytes: Buffer): ReadonlyArray<Entry> | undefined =>
  kind === "find-printf" ? readPrintf(bytes) : readStat(bytes)

/**
 * These things of a tree and no others, by path, links not followed. What is not there any more is left out, and what a
 * link points to is not asked for.
 */
export const lookAtEach = Effect.fnUntraced(function* (
  endpoint: Endpoint,
  end: Where["end"],
  root: string,
  tools: Tools,
  paths: ReadonlyArray<string>
): Effect.fn.Return<Tree, TransferError.TransferError> {
  const at = where(end, endpoint, root)
  const { list: kind } = tools
  if (paths.length === 0) return new Map()
  if (kind !== undefined && tools.tar) {
    const text = `cd -- "$1" && ${eachScript(kind)}`
    const input = Stream.succeed(new TextEncoder().encode(paths.map((path) => `./${path}\0`).join("")))
    const ended = yield* run(endpoint, { text, args: [root] }, { input, consumer: collect(maxBytes) }).pipe(
      Effect.mapError((error) => ofPlatform(error, at))
    )
    const read = readRecords(kind, ended.value)
    if (read !== undefined && read.length > 0) return treeOf(read)
  }
  const entries = yield* Effect.forEach(
    paths,
    (path) => ifThere(Effect.mapError(entryOf(endpoint, join(root, path), path), (error) => ofPlatform(error, at))),
    { concurrency }
  )
  return treeOf(entries.filter((entry) => entry !== undefined))
})

const typeBits: Readonly<Record<number, Entry["type"]>> = { 0o100000: "file", 0o040000: "directory", 0o120000: "link" }

const readStat = (bytes: Buffer): ReadonlyArray<Entry> | undefined => {
  const records = decoder.decode(bytes).split("//\n")
  if (records.pop() !== "") return undefined
  const entries: Array<Entry> = []
  for (const record of records) {
    const match = /^([0-9a-fA-F]+) (\d+) (-?\d+) (\d+) (\S+) ([^]*)$/.exec(record)
    if (match === null) return undefined
    const [, bits = "", size = "", mtime = "", links = "", inode = "", path = ""] = match
    const mode = Number.parseInt(bits, 16)
    const type = typeBits[mode & 0o170000] ?? "other"
    entries.push({
      path: stripDot(path),
      type,
      size: type === "file" ? Number(size) : 0,
      mode: mode & 0o7777,
      mtime: Number(mtime),
      ...(type === "file" ? linked(links, inode) : {})
    })
  }
  return entries.every(isSane) ? entries : undefined
}

const isSane = ({ mode, mtime, size }: Entry): boolean =>
  Number.isSafeInteger(size) && size >= 0 && Number.isInteger(mode) && Number.isFinite(mtime)

/** In the order of the paths, without the root, with what the program did not say about links. */
const complete = Effect.fnUntraced(function* (
  endpoint: Endpoint,
  end: Where["end"],
  root: string,
  entries: ReadonlyArray<Entry>
): Effect.fn.Return<Tree, TransferError.TransferError> {
  const known = yield* Effect.forEach(
    entries.filter(({ path }) => path !== ""),
    (entry) =>
      entry.type === "link" && entry.target === undefined
        ? readLink(endpoint, end, root, entry)
        : Effect.succeed(entry),
    { concurrency }
  )
  return treeOf(known)
})

/** Parents stand before what is in them. */
export const treeOf = (entries: ReadonlyArray<Entry>): Tree =>
  new Map(entries.toSorted((one, other) => (one.path < other.path ? -1 : 1)).map((entry) => [entry.path, entry]))

/** Requests at once: enough to fill a long way, few enough for any server. */
export const concurrency = 16

const readLink = (endpoint: Endpoint, end: Where["end"], root: string, entry: Entry) => {
  const path = join(root, entry.path)
  return endpoint.files.readLink(path).pipe(
    Effect.map((target): Entry => ({ ...entry, target })),
    Effect.mapError((error) => ofPlatform(error, where(end, endpoint, path)))
  )
}

const walk = Effect.fnUntraced(function* (
  endpoint: Endpoint,
  end: Where["end"],
  root: string,
  { only }: Options
): Effect.fn.Return<Tree, TransferError.TransferError> {
  const entries: Array<Entry> = []
  const failed = (path: string) => (error: PlatformError.PlatformError) => ofPlatform(error, where(end, endpoint, path))
  const read = Effect.fnUntraced(function* (path: string) {
    const full = join(root, path)
    const entry = yield* Effect.mapError(entryOf(endpoint, full, path), failed(full))
    return entry.type === "link" ? yield* readLink(endpoint, end, root, entry) : entry
  })
  const namesIn = (folder: string) => {
    const full = join(root, folder)
    return endpoint.files.readDirectory(full).pipe(
      Effect.mapError(failed(full)),
      Effect.map((names) => names.map((name) => (folder === "" ? name : `${folder}/${name}`)))
    )
  }
  const top = yield* namesIn("")
  let level = only === undefined ? top : top.filter((name) => only.includes(name))
  while (level.length > 0) {
    const found = (yield* Effect.forEach(level, (path) => ifThere(read(path)), { concurrency })).filter(
      (entry) => entry !== undefined
    )
    entries.push(...found)
    const folders = found.filter(({ type }) => type === "directory")
    const below = yield* Effect.forEach(folders, ({ path }) => ifThere(namesIn(path)), { concurrency })
    level = below.flatMap((names) => names ?? [])
  }
  return treeOf(entries)
})

/** What goes while a tree is read was never in it. */
const ifThere = <A>(effect: Effect.Effect<A, TransferError.TransferError>) =>
  Effect.catchIf(
    effect,
    (error) => error.reason._tag === "NotFound",
    () => Effect.undefined
  )

/** One entry as the file system tells of it, the link itself where it is one. */
export const entryOf = (
  endpoint: Endpoint,
  full: string,
  path: string
): Effect.Effect<Entry, PlatformError.PlatformError> =>
  Effect.map(endpoint.files.lstat(full), (info) => entryFrom(endpoint, info, path))

const types: Readonly<Partial<Record<FileSystem.File.Type, Entry["type"]>>> = {
  File: "file",
  Directory: "directory",
  SymbolicLink: "link"
}

/** Windows says that everybody may write everything, which would be true elsewhere. */
const modeFrom = (endpoint: Endpoint, mode: number, type: Entry["type"]): number =>
  endpoint.isWindows !== true ? mode & 0o7777 : type === "directory" ? 0o755 : (mode & 0o200) === 0 ? 0o444 : 0o644

export const entryFrom = (endpoint: Endpoint, info: FileSystem.File.Info, path: string): Entry => {
  const type = types[info.type] ?? "other"
  const ino = Option.getOrUndefined(info.ino)
  const isLinked = Option.getOrElse(info.nlink, () => 1n) > 1n
  return {
    path,
    type,
    size: type === "file" ? Number(info.size) : 0,
    mode: modeFrom(endpoint, info.mode, type),
    mtime: Option.match(info.mtime, { onNone: () => 0, onSome: (date) => date.getTime() / 1000 }),
    ...(type === "file" && isLinked && ino !== undefined ? { inode: `${info.dev}:${ino}` } : {})
  }
}
