/** Small files of a tree, many at once: as one tar stream between two ends that can take part in it. */
import { Deferred, Effect, Exit, Scope, Stream } from "effect"
import type { FileSystem, PlatformError } from "effect"
import * as TransferError from "../TransferError.ts"
import { at, type End, sumsOf } from "./checksum.ts"
import { type Entry, keptMode, sameFile, type Tree } from "./entry.ts"
import { ofPlatform, ofProgram } from "./failure.ts"
import { lookAtEach } from "./listing.ts"
import { join, parent, relativeParent } from "./location.ts"
import type { Meter } from "./meter.ts"
import * as Partial from "./partial.ts"
import { collect, run } from "./program.ts"
import { fits } from "./tarHeader.ts"
import { type FileEvent, type FileEvents, pack, packHere, unpack } from "./tarStream.ts"

type Doing<A> = Effect.Effect<A, TransferError.TransferError>

/** A file that would be worth taking up again goes by itself. */
export const smallSize = 1024 * 1024

/** Several streams fill a long way that the window of one doesn't, and a lost connection takes less with it. */
const batchBytes = 16 * 1024 * 1024
const batchFiles = 5000
export const batchConcurrency = 3

export const isSmall = (entry: Entry): boolean => entry.size < smallSize && fits(entry)

/** Where the size of a file says nothing about what is in it. */
export const isPseudo = (root: string): boolean => /^\/(?:proc|sys)(?:\/|$)/.test(root)

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
  /** The whole tree as it was listed. */
  readonly files: Tree
  /** Nobody looks at the target before all of it is there: what arrives needs no other place first. */
  readonly isHidden: boolean
  /** Compares sums as well before a file counts as arrived. */
  readonly verify: boolean
}

/**
 * Sends the folders and then the files of a batch, and answers the files that did not arrive: they are for who sends
 * files one by one.
 */
export const sendBatch = Effect.fnUntraced(function* (
  way: Way,
  files: ReadonlyArray<Entry>,
  folders: ReadonlyArray<Entry>
): Effect.fn.Return<ReadonlyArray<Entry>, TransferError.TransferError> {
  const { from, meter, source } = way
  const passed = { bytes: 0, files: new Set<string>() }
  const counted = (events: FileEvents): FileEvents =>
    Stream.map(events, (some) => {
      for (const event of some) {
        if (event._tag === "End") passed.files.add(event.entry.path)
        if (event._tag !== "Data") continue
        passed.bytes += event.bytes.length
        meter.add(event.bytes.length)
      }
      return some
    })
  const arrivals = (events: FileEvents) => receive(way, passed.files, counted(events), folders)
  const sending = from.tools.tar ? pack(from, source, files, arrivals) : arrivals(packHere(from, source, files))
  const arrived = yield* sending.pipe(
    Effect.tapError((error) => {
      meter.credit(-passed.bytes)
      passed.bytes = 0
      return Effect.logDebug("The stream of small files failed, and they go one by one", error.message)
    }),
    // What only this way of sending can't do is no failure yet.
    Effect.catchIf(
      ({ reason }) => reason._tag !== "ConnectionLost" && reason._tag !== "NoSpace",
      () => Effect.succeed<ReadonlySet<string>>(new Set())
    )
  )
  let done = 0
  for (const { path, size } of files) {
    if (!arrived.has(path)) continue
    done += size
    meter.fileDone()
  }
  meter.credit(done - passed.bytes)
  return files.filter(({ path }) => !arrived.has(path))
})

/** Answers the paths of what is in place, of those that have passed when all events are through. */
const receive = (
  way: Way,
  passed: ReadonlySet<string>,
  events: FileEvents,
  folders: ReadonlyArray<Entry>
): Doing<ReadonlySet<string>> =>
  !way.to.tools.tar
    ? writeHere(way, passed, events)
    : way.isHidden
      ? unpackSettled(way, way.target, passed, events, folders)
      : receiveStaged(way, passed, events)

/** Of what has passed, what the source still has as it was listed: what was written to meanwhile may have been sent torn. */
const unchanged = Effect.fnUntraced(function* (
  { files, from, source }: Way,
  passed: ReadonlySet<string>
): Effect.fn.Return<ReadonlyArray<string>, TransferError.TransferError> {
  const now = yield* lookAtEach(from.endpoint, "source", source, from.tools, [...passed])
  return [...passed].filter((path) => {
    const [was, is] = [files.get(path), now.get(path)]
    return was !== undefined && is !== undefined && sameFile(was, is) && was.mtime === is.mtime
  })
})

/** Those of the paths that arrived with the same sum, where that is asked for. */
const verified = (
  { from, source, to, verify }: Way,
  placeOf: Held["at"],
  paths: ReadonlyArray<string>
): Doing<ReadonlySet<string>> =>
  Effect.map(
    verify ? equalPaths({ end: from, at: below(source) }, { end: to, at: placeOf }, paths) : Effect.succeed(paths),
    (equal) => new Set(equal)
  )

/** Unpacks, and answers what arrived as the source still has it. The source is looked at while the rest is on its way. */
const unpackSettled = Effect.fnUntraced(function* (
  way: Way,
  root: string,
  passed: ReadonlySet<string>,
  events: FileEvents,
  folders: ReadonlyArray<Entry>
): Effect.fn.Return<ReadonlySet<string>, TransferError.TransferError> {
  const isPacked = yield* Deferred.make<void>()
  const told = Stream.concat(events, Stream.fromEffectDrain(Deferred.succeed(isPacked, undefined)))
  const [same] = yield* Effect.all(
    [Effect.andThen(Deferred.await(isPacked), unchanged(way, passed)), unpack(way.to, root, told, folders)],
    { concurrency: 2 }
  )
  return yield* verified(way, below(root), same)
})

/** What is at the target with the size and the time that it should have; tar gives a file its time when it is whole. */
export const arrivedIn = Effect.fnUntraced(function* (
  { files, target, to }: Way,
  paths: ReadonlyArray<string>
): Effect.fn.Return<ReadonlyArray<string>, TransferError.TransferError> {
  const there = yield* lookAtEach(to.endpoint, "target", target, to.tools, paths)
  return paths.filter((path) => {
    const [was, is] = [files.get(path), there.get(path)]
    return was !== undefined && is !== undefined && sameFile(was, is)
  })
})

/** One end of a comparison: where each path of the tree is there. */
export interface Held {
  readonly end: End
  readonly at: (path: string) => string
}

export const below =
  (root: string): Held["at"] =>
  (path) =>
    join(root, path)

/** The paths that hold the same bytes on both sides. */
export const equalPaths = Effect.fnUntraced(function* (
  one: Held,
  other: Held,
  paths: ReadonlyArray<string>
): Effect.fn.Return<ReadonlyArray<string>, TransferError.TransferError> {
  if (paths.length === 0) return []
  const [here, there] = yield* Effect.forEach([one, other], ({ at, end }) => sumsOf(end, paths.map(at)), {
    concurrency: 2
  })
  return paths.filter((path) => {
    const sum = here?.get(one.at(path))
    return sum !== undefined && sum === there?.get(other.at(path))
  })
})

/** Unpacks into a folder of its own at the target, and moves what arrived whole to its final path by renaming. */
const receiveStaged = Effect.fnUntraced(function* (
  way: Way,
  passed: ReadonlySet<string>,
  events: FileEvents
): Effect.fn.Return<ReadonlySet<string>, TransferError.TransferError> {
  const { target, to } = way
  const partial = yield* Partial.fresh(target, "tree")
  const stage = Partial.pathOf(partial)
  const failed = (error: PlatformError.PlatformError) => ofPlatform(error, at(to, target))
  return yield* Effect.gen(function* () {
    yield* Effect.mapError(to.endpoint.files.makeDirectory(stage, { mode: 0o700 }), failed)
    const arrived = yield* unpackSettled(way, stage, passed, events, [])
    yield* merge(to, stage, target, [...arrived])
    return arrived
  }).pipe(Effect.ensuring(Partial.discard(to, partial)))
})

/** So many characters of names fit a command line on every system. */
const argumentLength = 60_000

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** One mv for the files of one folder: each is renamed by itself, and no folder is entered through a link. */
const merge = (to: End, stage: string, target: string, paths: ReadonlyArray<string>): Doing<void> => {
  const folders = new Map<string, Array<string>>()
  for (const path of paths) {
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

/** Writes the files in this process, each to a partial beside its final path first, for an end that has no tar. */
const writeHere = (way: Way, passed: ReadonlySet<string>, events: FileEvents): Doing<ReadonlySet<string>> =>
  Effect.acquireUseRelease(
    Effect.sync((): Written => ({ open: undefined, waiting: new Map() })),
    Effect.fnUntraced(function* (written) {
      const { target, to } = way
      const failed = (error: PlatformError.PlatformError) => ofPlatform(error, at(to, target))
      yield* Stream.runForEach(events, (some) =>
        Effect.mapError(
          Effect.forEach(some, (event) => writeEvent(way, written, event), { discard: true }),
          failed
        )
      )
      const waitsAt = (path: string) => {
        const partial = written.waiting.get(path)
        return partial === undefined ? join(target, path) : Partial.pathOf(partial)
      }
      const arrived = yield* verified(way, waitsAt, yield* unchanged(way, passed))
      for (const [path, partial] of written.waiting) {
        if (!arrived.has(path)) continue
        yield* Effect.mapError(to.endpoint.files.rename(Partial.pathOf(partial), join(target, path)), failed)
        written.waiting.delete(path)
      }
      return arrived
    }),
    ({ open, waiting }) =>
      Effect.andThen(
        open === undefined ? Effect.void : Scope.close(open.scope, Exit.void),
        Effect.forEach(waiting.values(), (partial) => Partial.discard(way.to, partial), { discard: true })
      )
  )

/** What is under way: the file at hand, and what waits for its name, by path. */
interface Written {
  open: { readonly file: FileSystem.File; readonly scope: Scope.Closeable } | undefined
  readonly waiting: Map<string, Partial.Partial>
}

const writeEvent = Effect.fnUntraced(function* (
  { target, to }: Way,
  written: Written,
  event: FileEvent
): Effect.fn.Return<void, PlatformError.PlatformError> {
  const { files } = to.endpoint
  if (event._tag === "Data") {
    if (written.open !== undefined) yield* written.open.file.writeAll(event.bytes)
    return
  }
  const { entry } = event
  if (event._tag === "Begin") {
    const partial = yield* Partial.fresh(parent(join(target, entry.path)), "part")
    written.waiting.set(entry.path, partial)
    const scope = yield* Scope.make()
    const file = yield* files.open(Partial.pathOf(partial), { flag: "wx", mode: 0o600 }).pipe(
      Scope.provide(scope),
      Effect.onError(() => Scope.close(scope, Exit.void))
    )
    written.open = { file, scope }
    return
  }
  const partial = written.waiting.get(entry.path)
  if (written.open === undefined || partial === undefined) return
  const path = Partial.pathOf(partial)
  yield* Scope.close(written.open.scope, Exit.void)
  written.open = undefined
  yield* files.utimes(path, entry.mtime, entry.mtime)
  yield* files.chmod(path, keptMode(entry))
})
