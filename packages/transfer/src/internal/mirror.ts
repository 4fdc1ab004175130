/** Makes one tree as another is, in an order in which nothing is ever half there. */
import { Effect, type PlatformError, Result } from "effect"
import type { Change } from "../Summary.ts"
import * as TransferError from "../TransferError.ts"
import { at, type End } from "./checksum.ts"
import { type Entry, isOwn, keptMode, sameTime, type Tree } from "./entry.ts"
import { without } from "./exclusion.ts"
import { ofPlatform } from "./failure.ts"
import { concurrency, list, lookAtEach } from "./listing.ts"
import { join, parent, relativeParent } from "./location.ts"
import type { Meter } from "./meter.ts"
import * as Partial from "./partial.ts"
import type { persist } from "./persistence.ts"
import { makeFolder } from "./place.ts"
import * as Plan from "./plan.ts"
import { sendFile } from "./sendFile.ts"
import { unpackFolders } from "./tarStream.ts"
import {
  arrivedIn,
  batchConcurrency,
  batchesOf,
  below,
  canStream,
  equalPaths,
  isPseudo,
  isSmall,
  sendBatch,
  type Way
} from "./treeBatch.ts"

type Doing<A> = Effect.Effect<A, TransferError.TransferError>

export interface Job {
  readonly from: End
  readonly source: string
  readonly to: End
  /** A folder that is there. */
  readonly target: string
  readonly policy: Omit<Plan.Policy, "isWindows">
  readonly exclude: ReadonlyArray<string>
  readonly isDryRun: boolean
  /** There is nothing at the target, which saves looking. */
  readonly isEmpty?: boolean
  /** The source, where it was listed already. */
  readonly listed?: Tree
  /** Folders that are there get the mode and the time of their source as well, the topmost among them. */
  readonly ownsFolders: boolean
  /** The path that the target gets in the end, where nobody looks at it before all of it is there. */
  readonly final?: string
  readonly verify: boolean
  readonly meter: Meter
  readonly persist: ReturnType<typeof persist>
}

export interface Done {
  readonly files: number
  readonly bytes: number
  readonly links: number
  readonly folders: number
  readonly same: number
  readonly changes: ReadonlyArray<Change>
  readonly removed: ReadonlyArray<string>
  readonly leftOut: ReadonlyArray<string>
}

const by = (action: Change["action"], entries: ReadonlyArray<Entry>): ReadonlyArray<Change> =>
  entries.map(({ path }) => ({ action, path }))

const changesOf = (todo: Plan.Plan): ReadonlyArray<Change> => {
  return [
    ...todo.clear.map((path) => ({ action: "delete", path }) as const),
    ...by("folder", todo.folders),
    ...by("send", [...todo.files, ...todo.names.map(({ entry }) => entry)]),
    ...by("link", todo.links),
    ...by("touch", todo.touched),
    ...todo.surplus.map((path) => ({ action: "delete", path }) as const)
  ]
}

const fileConcurrency = 8

/** Fewer go one by one sooner than a program is started for them. */
const fewFiles = 4

export const listSourceOf = ({ from, persist, source }: Pick<Job, "from" | "persist" | "source">): Doing<Tree> =>
  persist(list(from.endpoint, "source", source, from.tools))

export const mirror = Effect.fnUntraced(function* (job: Job): Effect.fn.Return<Done, TransferError.TransferError> {
  const { exclude, from, persist, source, to } = job
  const policy: Plan.Policy = { ...job.policy, isWindows: to.endpoint.isWindows === true }
  const { listed } = job
  const listSource = (listed === undefined ? listSourceOf(job) : Effect.succeed(listed)).pipe(
    Effect.map((tree) => without(tree, exclude))
  )
  const [wanted, everything] = yield* listBoth(job, listSource)
  const target = without(everything, exclude)
  const equal = yield* persist(
    equalPaths(
      { end: from, at: below(source) },
      { end: to, at: below(job.target) },
      Plan.candidates(wanted, target, policy)
    )
  )
  const made = Plan.plan(wanted, target, new Set(equal), policy, everything)
  if (Result.isFailure(made)) {
    const { end, path, reason } = made.failure
    const [side, root] = end === "source" ? [from, source] : [to, job.target]
    return yield* TransferError.make(reason({ machine: side.endpoint.name ?? "", path: join(root, path) }))
  }
  const todo = made.success
  if (!job.isDryRun) yield* carryOut(job, todo, wanted, everything, policy)
  const { files, folders, leftOut, links, names, same, surplus } = todo
  return {
    files: files.length + names.length,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    links: links.length,
    folders: folders.length,
    same,
    changes: job.isDryRun ? changesOf(todo) : [],
    removed: surplus,
    leftOut
  }
})

/** A dry run may be about a folder that is not there yet. */
const listTarget = ({ isDryRun, target, to }: Job, only: ReadonlyArray<string> | undefined): Doing<Tree> =>
  list(to.endpoint, "target", target, to.tools, { only }).pipe(
    Effect.catchIf(
      ({ reason }) => isDryRun && reason._tag === "NotFound",
      () => Effect.succeed<Tree>(new Map())
    )
  )

/** All of the target where something is to be deleted; else only what the source has: it may be a whole home folder. */
const listBoth = (job: Job, listSource: Doing<Tree>): Doing<readonly [Tree, Tree]> => {
  if (job.isEmpty === true) return Effect.map(listSource, (source) => [source, new Map<string, Entry>()])
  if (job.policy.delete) return Effect.all([listSource, job.persist(listTarget(job, undefined))], { concurrency: 2 })
  return Effect.flatMap(listSource, (source) => {
    const tops = [...source.keys()].filter((path) => !path.includes("/"))
    return Effect.map(job.persist(listTarget(job, tops)), (target) => [source, target])
  })
}

const carryOut = Effect.fnUntraced(function* (
  job: Job,
  todo: Plan.Plan,
  wanted: Tree,
  before: Tree,
  policy: Plan.Policy
): Effect.fn.Return<void, TransferError.TransferError> {
  const { meter, persist } = job
  meter.expect(
    todo.files.length + todo.names.length,
    todo.files.reduce((sum, { size }) => sum + size, 0)
  )
  const changed = job.ownsFolders
    ? foldersAround(todo, wanted, Plan.unlikeFolders(wanted, before, policy))
    : todo.folders
  if (job.ownsFolders) yield* each(job, lockedFolders(todo, changed, before), (entry) => unlock(job, entry))
  yield* each(job, todo.clear, (path) => remove(job, path))
  const stream = streamOf(job, todo.files)
  // The stream to a tree of our own brings its folders itself.
  const bringsFolders = stream.length > 0 && job.final !== undefined && job.to.tools.tar
  if (!bringsFolders) yield* persist(makeFolders(job, todo.folders))
  yield* sendFiles(job, wanted, todo.files, stream, bringsFolders ? todo.folders : [])
  yield* each(job, todo.names, ({ entry, first }) => nameAgain(job, entry, first))
  yield* each(job, todo.links, (entry) => placeLink(job, entry))
  yield* each(job, todo.touched, (entry) => Effect.tap(setTimesAndMode(job, entry), () => Effect.sync(meter.placed)))
  yield* each(job, todo.surplus, (path) => remove(job, path))
  // Before the folders get their times, which it changes.
  if (job.final === undefined) yield* Partial.tidy(job.to)
  else if (job.to.litter.size > 0 || [...before.keys()].some(isOwn)) yield* persist(sweep(job))
  yield* persist(finishFolders(job, changed))
})

/** What earlier runs and lost connections left inside must not get a name with the rest. */
const sweep = Effect.fnUntraced(function* ({ target, to }: Job): Effect.fn.Return<void, TransferError.TransferError> {
  const tree = yield* list(to.endpoint, "target", target, to.tools)
  for (const { path } of tree.values()) {
    if (!isOwn(path) || isOwn(relativeParent(path))) continue
    const full = join(target, path)
    yield* to.endpoint.files
      .remove(full, { recursive: true, force: true })
      .pipe(Effect.mapError((error) => ofPlatform(error, at(to, full))))
    to.litter.delete(full)
  }
})

/** New folders and unlike ones, and those that something was put into or taken from, whose time that changed. */
const foldersAround = (todo: Plan.Plan, wanted: Tree, unlike: ReadonlyArray<Entry>): ReadonlyArray<Entry> => {
  const paths = new Set(unlike.map(({ path }) => path))
  const changes = [
    ...todo.clear,
    ...todo.surplus,
    ...[...todo.files, ...todo.links, ...todo.folders].map(({ path }) => path),
    ...todo.names.map(({ entry }) => entry.path)
  ]
  for (const path of changes) paths.add(relativeParent(path))
  return [...paths].flatMap((path) => wanted.get(path) ?? [])
}

/** Folders whose owner may not write to them, and that are to change or to go. */
const lockedFolders = (todo: Plan.Plan, changed: ReadonlyArray<Entry>, before: Tree): ReadonlyArray<Entry> => {
  const paths = new Set(changed.map(({ path }) => path))
  const gone = [...todo.clear, ...todo.surplus].map((path) => `${path}/`)
  return [...before.values()].filter(
    ({ mode, path, type }) =>
      type === "directory" &&
      (mode & 0o700) !== 0o700 &&
      (paths.has(path) || gone.some((folder) => `${path}/`.startsWith(folder)))
  )
}

const unlock = (job: Job, { mode, path }: Entry): Doing<void> =>
  Effect.mapError(job.to.endpoint.files.chmod(join(job.target, path), mode | 0o700), failedAt(job, path))

const each = <A>(job: Job, items: ReadonlyArray<A>, step: (item: A) => Doing<void>): Doing<void> =>
  Effect.forEach(items, (item) => job.persist(step(item)), { concurrency, discard: true })

const failedAt = (job: Job, path: string) => (error: PlatformError.PlatformError) =>
  ofPlatform(error, at(job.to, join(job.target, path)))

const remove = (job: Job, path: string): Doing<void> =>
  job.to.endpoint.files.remove(join(job.target, path), { recursive: true, force: true }).pipe(
    Effect.mapError(failedAt(job, path)),
    Effect.tap(() => Effect.sync(job.meter.placed))
  )

/** So that its owner can fill it. */
const opened = (folder: Entry): Entry => ({ ...folder, mode: folder.mode | 0o700 })

/** By one program where there are many of them. */
const makeFolders = (job: Job, folders: ReadonlyArray<Entry>): Doing<void> => {
  if (folders.length > fewFiles && job.to.tools.tar) {
    return unpackFolders(job.to, job.target, folders.map(opened)).pipe(
      Effect.catchIf(
        ({ reason }) => reason._tag !== "ConnectionLost",
        () => makeEach(job, folders)
      )
    )
  }
  return makeEach(job, folders)
}

const depthOf = ({ path }: Entry): number => path.split("/").length

/** In their order, those of one depth together. */
const byDepth = (folders: ReadonlyArray<Entry>): ReadonlyArray<ReadonlyArray<Entry>> => {
  const levels = new Map<number, Array<Entry>>()
  for (const folder of folders) {
    const depth = depthOf(folder)
    const level = levels.get(depth)
    if (level === undefined) levels.set(depth, [folder])
    else level.push(folder)
  }
  return [...levels.values()]
}

const makeEach = Effect.fnUntraced(function* (
  job: Job,
  folders: ReadonlyArray<Entry>
): Effect.fn.Return<void, TransferError.TransferError> {
  for (const level of byDepth(folders)) {
    yield* Effect.forEach(
      level,
      (folder) => makeFolder(job.to, join(job.target, folder.path), { parents: false, mode: keptMode(folder) | 0o700 }),
      { concurrency, discard: true }
    )
  }
})

/** Deepest first: a folder that may not be entered any more hides what is in it. */
const finishFolders = (job: Job, folders: ReadonlyArray<Entry>): Doing<void> => {
  const { to, target } = job
  const deepest = folders.toSorted((one, other) => depthOf(other) - depthOf(one))
  if (folders.length <= fewFiles || !to.tools.tar) return finishEach(job, deepest)
  return Effect.gen(function* () {
    const done = yield* Effect.result(unpackFolders(to, target, deepest))
    if (Result.isSuccess(done) && to.tools.isGnuTar) return
    // BusyBox gives a folder that is there already no mode but for root.
    const paths = deepest.map(({ path }) => path)
    const now = yield* lookAtEach(to.endpoint, "target", target, to.tools, paths)
    yield* finishEach(
      job,
      deepest.filter((folder) => {
        const there = now.get(folder.path)
        return there === undefined || !sameTime(there, folder) || keptMode(there) !== keptMode(folder)
      })
    )
  })
}

const finishEach = (job: Job, deepest: ReadonlyArray<Entry>): Doing<void> =>
  Effect.forEach(
    byDepth(deepest),
    (level) => Effect.forEach(level, (folder) => setTimesAndMode(job, folder), { concurrency, discard: true }),
    { discard: true }
  )

/** Windows knows one bit of a mode, and a folder can't have it. */
const setTimesAndMode = (job: Job, entry: Entry): Doing<void> => {
  const { files } = job.to.endpoint
  const path = join(job.target, entry.path)
  const hasMode = job.to.endpoint.isWindows !== true || entry.type !== "directory"
  return Effect.all(
    [files.utimes(path, entry.mtime, entry.mtime), hasMode ? files.chmod(path, keptMode(entry)) : Effect.void],
    { concurrency: 2, discard: true }
  ).pipe(Effect.mapError(failedAt(job, entry.path)))
}

/** The small files, where both ends can take part in a stream and there are enough of them. */
const streamOf = ({ from, source, to }: Job, files: ReadonlyArray<Entry>): ReadonlyArray<Entry> => {
  const small = canStream(from) && canStream(to) && !isPseudo(source) ? files.filter(isSmall) : []
  return small.length < fewFiles ? [] : small
}

const sendFiles = Effect.fnUntraced(function* (
  job: Job,
  wanted: Tree,
  files: ReadonlyArray<Entry>,
  stream: ReadonlyArray<Entry>,
  folders: ReadonlyArray<Entry>
): Effect.fn.Return<void, TransferError.TransferError> {
  const { from, meter, persist, source, target, to, verify } = job
  const way: Way = { from, source, to, target, meter, files: wanted, verify, isHidden: job.final !== undefined }
  const one = (entry: Entry) =>
    sendOne(job, entry).pipe(
      Effect.mapError(asVanished),
      Effect.tap(() => Effect.sync(meter.fileDone))
    )
  const sendEach = (entries: ReadonlyArray<Entry>) =>
    Effect.forEach(entries, one, { concurrency: fileConcurrency, discard: true })
  let cuts = 0
  const send = (batch: ReadonlyArray<Entry>, folders: ReadonlyArray<Entry>) =>
    persist(sendBatch(way, batch, folders.map(opened)).pipe(Effect.tapError(() => Effect.sync(() => void (cuts += 1)))))
  const streamed = new Set(stream)
  const others = files.filter((entry) => !streamed.has(entry))
  // The stream makes the others when their files come.
  yield* persist(makeEach(job, above(others, folders)))
  const rest: Array<Entry> = []
  const inBatches = Effect.forEach(
    batchesOf(stream),
    (batch, index) => Effect.map(send(batch, index === 0 ? folders : []), (left) => void rest.push(...left)),
    { concurrency: batchConcurrency, discard: true }
  )
  yield* Effect.all([inBatches, sendEach(others)], { concurrency: 2, discard: true })
  if (rest.length > 0) yield* persist(makeEach(job, folders))
  if (cuts > 0 && way.isHidden) {
    // A tar that lost its input may have had the last word on a file.
    const left = new Set(rest)
    const sent = stream.filter((entry) => !left.has(entry))
    const arrived = new Set(
      yield* persist(
        arrivedIn(
          way,
          sent.map(({ path }) => path)
        )
      )
    )
    rest.push(...sent.filter(({ path }) => !arrived.has(path)))
  }
  yield* sendEach(rest)
})

/** The folders that hold any of the files, at any depth. */
const above = (files: ReadonlyArray<Entry>, folders: ReadonlyArray<Entry>): ReadonlyArray<Entry> => {
  const paths = new Set<string>()
  for (const { path } of files) {
    for (let folder = relativeParent(path); folder !== "" && !paths.has(folder); folder = relativeParent(folder)) {
      paths.add(folder)
    }
  }
  return folders.filter(({ path }) => paths.has(path))
}

const sendOne = ({ final, from, meter, persist, source, target, to, verify }: Job, { path }: Entry) =>
  sendFile(from, join(source, path), to, join(target, path), {
    verify,
    meter,
    persist,
    ...(final === undefined ? {} : { final: join(final, path) })
  })

const asVanished = (error: TransferError.TransferError): TransferError.TransferError =>
  error.reason._tag === "NotFound" && error.reason.end === "source"
    ? TransferError.make(
        new TransferError.SourceVanished({ machine: error.reason.machine, path: error.reason.path }),
        error.cause
      )
    : error

/** Under another name first: what stands at the final path is replaced in one step. */
const nameAgain = Effect.fnUntraced(function* (
  job: Job,
  entry: Entry,
  first: string
): Effect.fn.Return<void, TransferError.TransferError> {
  const { files } = job.to.endpoint
  const path = join(job.target, entry.path)
  const partial = yield* Partial.fresh(parent(path), "part")
  const isLinked = yield* files.link(join(job.target, first), Partial.pathOf(partial)).pipe(
    Effect.as(true),
    Effect.catchIf(
      (error) => ofPlatform(error, at(job.to, path)).reason._tag !== "ConnectionLost",
      () => Effect.succeed(false)
    ),
    Effect.onError(() => Partial.discard(job.to, partial)),
    Effect.mapError(failedAt(job, entry.path))
  )
  if (isLinked) {
    yield* files.rename(Partial.pathOf(partial), path).pipe(
      // Two names of one file: renaming one to the other does nothing.
      Effect.ensuring(Partial.discard(job.to, partial)),
      Effect.mapError(failedAt(job, entry.path))
    )
  } else {
    // Where there are no further names, it is a file of its own.
    yield* sendOne(job, entry)
  }
  job.meter.fileDone()
})

const placeLink = Effect.fnUntraced(function* (
  job: Job,
  entry: Entry
): Effect.fn.Return<void, TransferError.TransferError> {
  const { files } = job.to.endpoint
  const path = join(job.target, entry.path)
  const partial = yield* Partial.fresh(parent(path), "part")
  yield* files.symlink(entry.target ?? "", Partial.pathOf(partial)).pipe(
    Effect.andThen(files.rename(Partial.pathOf(partial), path)),
    Effect.onError(() => Partial.discard(job.to, partial)),
    Effect.mapError(failedAt(job, entry.path))
  )
  job.meter.placed()
})
