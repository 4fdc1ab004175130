/** Small files of a tree, many at once: as one tar stream between two ends that can take part in it. */
import { Effect, Exit, Scope, Stream } from "effect"
import type { FileSystem, PlatformError } from "effect"
import * as TransferError from "../TransferError.ts"
import { at, type End, sumsOf } from "./checksum.ts"
import { type Entry, keptMode, sameFile, type Tree } from "./entry.ts"
import { ofPlatform, ofProgram } from "./failure.ts"
import { list } from "./listing.ts"
import { join, parent, relativeParent } from "./location.ts"
import type { Meter } from "./meter.ts"
import * as Partial from "./partial.ts"
import { collect, run } from "./program.ts"
import { fits } from "./tarHeader.ts"
import { type FileEvents, pack, packHere, unpack } from "./tarStream.ts"

type Doing<A> = Effect.Effect<A, TransferError.TransferError>

/** A file that would be worth taking up again goes by itself. */
export const smallSize = 1024 * 1024

/** What a lost connection takes with it at most. */
const batchBytes = 64 * 1024 * 1024
const batchFiles = 10_000

export const isSmall = (entry: Entry): boolean => entry.size < smallSize && fits(entry)

/** Where the size of a file says nothing about what is in it. */
export const isPseudo = (root: string): boolean => /^\/(?:proc|sys|dev)(?:\/|$)/.test(root)

/** A near end can do without programs: what it does costs no round trip. */
export const canStream = ({ endpoint, tools }: End): boolean => tools.tar || endpoint.isWindows === true

export const batchesOf = (files: ReadonlyArray<Entry>): ReadonlyArray<ReadonlyArray<Entry>> => {
  const batches: Array<Array<Entry>> = []
  let bytes = 0
  for (const file of files) {
    const last = batches.at(-1)
    if (last === undefined || last.length >= batchFiles || bytes + file.size > batchBytes) {
      batches.push([file])
      bytes = file.size
    } else {
      last.push(file)
      bytes += file.size
    }
  }
  return batches
}

export interface Way {
  readonly from: End
  readonly source: string
  readonly to: End
  readonly target: string
  readonly meter: Meter
  /** Nobody looks at the target before all of it is there: what arrives needs no other place first. */
  readonly isHidden: boolean
  /** Compares sums as well before a file counts as arrived. */
  readonly verify: boolean
}

/** Sends the files of a batch, and answers those that did not arrive: they are for who sends files one by one. */
export const sendBatch = Effect.fnUntraced(function* (
  way: Way,
  files: ReadonlyArray<Entry>
): Effect.fn.Return<ReadonlyArray<Entry>, TransferError.TransferError> {
  const { from, meter, source } = way
  let passed = 0
  const counted = (events: FileEvents): FileEvents =>
    Stream.map(events, (event) => {
      if (event._tag === "Data") {
        passed += event.bytes.length
        meter.add(event.bytes.length)
      }
      return event
    })
  const sending = from.tools.tar
    ? pack(from, source, files, (events) => receive(way, files, counted(events)))
    : receive(way, files, counted(packHere(from, source, files)))
  const arrived = yield* sending.pipe(
    Effect.tapError(() => Effect.sync(() => meter.credit(-passed))),
    // What only this way of sending can't do is no failure yet.
    Effect.catchIf(
      ({ reason }) => reason._tag !== "ConnectionLost" && reason._tag !== "NoSpace",
      () => Effect.sync((): ReadonlySet<string> => ((passed = 0), new Set()))
    )
  )
  let done = 0
  for (const { path, size } of files) {
    if (!arrived.has(path)) continue
    done += size
    meter.fileDone()
  }
  meter.credit(done - passed)
  return files.filter(({ path }) => !arrived.has(path))
})

/** Answers the paths of what is in place. */
const receive = (way: Way, files: ReadonlyArray<Entry>, events: FileEvents): Doing<ReadonlySet<string>> =>
  !way.to.tools.tar
    ? writeHere(way.to, way.target, events)
    : way.isHidden
      ? Effect.andThen(unpack(way.to, way.target, events, []), arrivedIn(way, way.target, files))
      : receiveStaged(way, files, events)

/** What is there with the size and the time that it should have; tar gives a file its time when it is whole. */
export const arrivedIn = Effect.fnUntraced(function* (
  { from, source, to, verify }: Way,
  root: string,
  files: ReadonlyArray<Entry>
): Effect.fn.Return<ReadonlySet<string>, TransferError.TransferError> {
  const tops = [...new Set(files.map(({ path }) => path.split("/", 1)[0] ?? ""))]
  const tree = yield* list(to.endpoint, "target", root, to.tools, { only: tops })
  const there = files.filter((file) => isIn(tree, file)).map(({ path }) => path)
  return new Set(verify ? yield* equalPaths({ end: from, root: source }, { end: to, root }, there) : there)
})

interface Side {
  readonly end: End
  readonly root: string
}

/** The paths that hold the same bytes on both sides. */
export const equalPaths = Effect.fnUntraced(function* (
  one: Side,
  other: Side,
  paths: ReadonlyArray<string>
): Effect.fn.Return<ReadonlyArray<string>, TransferError.TransferError> {
  if (paths.length === 0) return []
  const sums = ({ end, root }: Side) =>
    sumsOf(
      end,
      paths.map((path) => join(root, path))
    )
  const [here, there] = yield* Effect.all([sums(one), sums(other)], { concurrency: 2 })
  return paths.filter((path) => {
    const sum = here.get(join(one.root, path))
    return sum !== undefined && sum === there.get(join(other.root, path))
  })
})

const isIn = (tree: Tree, file: Entry): boolean => {
  const there = tree.get(file.path)
  return there !== undefined && sameFile(there, file)
}

/** Unpacks into a folder of its own at the target, and moves what arrived whole to its final path by renaming. */
const receiveStaged = Effect.fnUntraced(function* (
  way: Way,
  files: ReadonlyArray<Entry>,
  events: FileEvents
): Effect.fn.Return<ReadonlySet<string>, TransferError.TransferError> {
  const { target, to } = way
  const partial = yield* Partial.fresh(target, "tree")
  const stage = Partial.pathOf(partial)
  const failed = (error: PlatformError.PlatformError) => ofPlatform(error, at(to, target))
  return yield* Effect.gen(function* () {
    yield* Effect.mapError(to.endpoint.files.makeDirectory(stage, { mode: 0o700 }), failed)
    yield* unpack(to, stage, events, [])
    const arrived = yield* arrivedIn(way, stage, files)
    yield* merge(
      to,
      stage,
      target,
      files.filter(({ path }) => arrived.has(path))
    )
    return arrived
  }).pipe(Effect.ensuring(Partial.discard(to, partial)))
})

/** So many characters of names fit a command line on every system. */
const argumentLength = 60_000

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** One mv for the files of one folder: each is renamed by itself, and no folder is entered through a link. */
const merge = (to: End, stage: string, target: string, files: ReadonlyArray<Entry>): Doing<void> => {
  const folders = new Map<string, Array<string>>()
  for (const { path } of files) {
    const folder = relativeParent(path)
    const names = folders.get(folder)
    const name = `./${path.slice(folder === "" ? 0 : folder.length + 1)}`
    if (names === undefined) folders.set(folder, [name])
    else names.push(name)
  }
  const lines: Array<string> = []
  for (const [folder, names] of folders) {
    const final = join(target, folder)
    lines.push(
      folder === ""
        ? `cd -- ${quote(stage)} || exit 3`
        : `[ ! -L ${quote(final)} ] && cd -- ${quote(join(stage, folder))} || exit 3`
    )
    for (let first = 0, length = 0, index = 0; index <= names.length; index++) {
      length += (names[index]?.length ?? 0) + 3
      if (index < names.length && length < argumentLength) continue
      const some = names.slice(first, index)
      if (some.length > 0) lines.push(`mv -f ${some.map(quote).join(" ")} ${quote(`${final}/`)} </dev/null || exit 4`)
      first = index
      length = 0
    }
  }
  const text = new TextEncoder().encode(`${lines.join("\n")}\nexit 0\n`)
  return run(
    to.endpoint,
    // Read whole, so that nothing of it is done where its end did not come.
    { text: `s=$(cat; echo .) && eval "\${s%.}"`, args: [] },
    { input: Stream.succeed(text), consumer: collect(4096) }
  ).pipe(
    Effect.mapError((error) => ofPlatform(error, at(to, target))),
    Effect.flatMap((ended) =>
      ended.exitCode === 0 ? Effect.void : Effect.fail(ofProgram("mv", ended, at(to, target)))
    )
  )
}

interface Open {
  readonly entry: Entry
  readonly path: string
  readonly file: FileSystem.File
  readonly scope: Scope.Closeable
}

/** Writes the files in this process, each to a partial beside its final path first, for an end that has no tar. */
const writeHere = (to: End, root: string, events: FileEvents): Doing<ReadonlySet<string>> =>
  Effect.acquireUseRelease(
    Effect.succeed({ open: undefined as Open | undefined }), // the file at hand, which its end closes
    (state) => {
      const { files } = to.endpoint
      const arrived = new Set<string>()
      const begin = (entry: Entry) =>
        Effect.gen(function* () {
          const partial = yield* Partial.fresh(parent(join(root, entry.path)), "part")
          const path = Partial.pathOf(partial)
          const scope = yield* Scope.make()
          const file = yield* files.open(path, { flag: "wx", mode: 0o600 }).pipe(
            Scope.provide(scope),
            Effect.onError(() => Scope.close(scope, Exit.void))
          )
          state.open = { entry, path, file, scope }
        })
      const end = ({ entry, path, scope }: Open) =>
        Effect.gen(function* () {
          yield* Scope.close(scope, Exit.void)
          yield* files.utimes(path, entry.mtime, entry.mtime)
          yield* files.chmod(path, keptMode(entry))
          yield* files.rename(path, join(root, entry.path))
          state.open = undefined
          arrived.add(entry.path)
        })
      return Stream.runForEach(events, (event) => {
        const { open } = state
        const step =
          event._tag === "Begin"
            ? begin(event.entry)
            : open === undefined
              ? Effect.void
              : event._tag === "Data"
                ? open.file.writeAll(event.bytes)
                : end(open)
        return Effect.mapError(step, (error) => ofPlatform(error, at(to, root)))
      }).pipe(Effect.map((): ReadonlySet<string> => arrived))
    },
    ({ open }) =>
      open === undefined
        ? Effect.void
        : Effect.andThen(Scope.close(open.scope, Exit.void), Effect.ignore(to.endpoint.files.remove(open.path)))
  )
