/**
 * Files and trees from one machine to another, whole or not at all.
 *
 * Every function works between any two ends: this machine, one over SSH, one at a serial console. Data goes to a hidden
 * name beside its target first (`.toehold-…`), and to its final path by one rename when it is complete.
 *
 * @since 0.1.0
 */
import { Clock, Effect, type FileSystem, Option, type Path, type Schedule } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import * as Endpoint from "./Endpoint.ts"
import { at, type End, type Side, sumOf } from "./internal/checksum.ts"
import { copyTree, setFolder } from "./internal/copyTree.ts"
import { sameFile } from "./internal/entry.ts"
import { baseName, parent } from "./internal/location.ts"
import * as Meter from "./internal/meter.ts"
import { type Done, type Job, mirror } from "./internal/mirror.ts"
import * as Partial from "./internal/partial.ts"
import { defaultSchedule, persist } from "./internal/persistence.ts"
import { findSource, findTarget, inside, lookAt, makeFolder, type Source, type Target } from "./internal/place.ts"
import { sendFile } from "./internal/sendFile.ts"
import * as Tools from "./internal/tools.ts"
import * as ToolSet from "./internal/toolSet.ts"
import type { Progress } from "./Progress.ts"
import type { Summary } from "./Summary.ts"
import * as TransferError from "./TransferError.ts"

/**
 * What every transfer takes.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * Compares the SHA-256 of source and target of every file before it gets its name. Without it that is done for files
   * that were taken up from an earlier run; for the others the transport vouches, and the length is checked.
   */
  readonly verify?: boolean | undefined
  /** Patterns of what to leave out, as of rsync: `*.o` at any depth, `/build` at the top, `cache/` for folders only. */
  readonly exclude?: ReadonlyArray<string> | undefined
  /** Leaves out symbolic links that lead out of their tree. They are made as they are otherwise. */
  readonly safeLinks?: boolean | undefined
  /** Makes the folders above the target that are missing. */
  readonly parents?: boolean | undefined
  /** Told of the progress twice a second at most, and at the end. */
  readonly onProgress?: ((progress: Progress) => Effect.Effect<void>) | undefined
  /** When to try again after a lost connection; it begins anew whenever something has arrived. About 40 s by default. */
  readonly retry?: Schedule.Schedule<unknown> | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface CopyOptions extends Options {
  readonly from: Endpoint.Endpoint
  /** Files and folders. A relative path starts in the login folder; `DIR/` stands for what is in the folder. */
  readonly sources: ReadonlyArray<string>
  readonly to: Endpoint.Endpoint
  /** The path of the copy; where it is a folder or ends with `/`, the copies go into it. */
  readonly target: string
}

/**
 * @since 0.1.0
 * @category models
 */
export interface SyncOptions extends Options {
  readonly from: Endpoint.Endpoint
  /** `DIR/` makes the target as the folder is; `DIR` makes `TARGET/DIR` so. A file can be given as well. */
  readonly source: string
  readonly to: Endpoint.Endpoint
  readonly target: string
  /** Removes what the source doesn't have, after all else has succeeded. What is excluded stays. */
  readonly delete?: boolean | undefined
  /** Files of the same size are compared by their SHA-256; without it by their time, to the second. */
  readonly checksum?: boolean | undefined
  /** Changes nothing, and answers what would be done. */
  readonly dryRun?: boolean | undefined
}

type Transferring<A, R = never> = Effect.Effect<A, TransferError.TransferError, R>

const nothing: Done = { files: 0, bytes: 0, links: 0, folders: 0, same: 0, changes: [], removed: [], leftOut: [] }

const sum = (one: Done, other: Done): Done => ({
  files: one.files + other.files,
  bytes: one.bytes + other.bytes,
  links: one.links + other.links,
  folders: one.folders + other.folders,
  same: one.same + other.same,
  changes: [...one.changes, ...other.changes],
  removed: [...one.removed, ...other.removed],
  leftOut: [...one.leftOut, ...other.leftOut]
})

/** What all steps of one transfer share. */
interface Run extends Pick<Job, "from" | "to" | "meter" | "persist" | "verify" | "exclude"> {
  readonly options: Options
}

type Sides = Pick<Run, "persist"> & { readonly from: Side; readonly to: Side }

/** What has to be seen of both ends first. */
interface Look<S extends ReadonlyArray<Source>> {
  readonly sources: (sides: Sides) => Transferring<S>
  readonly target: (sides: Sides) => Transferring<Target>
}

/** Files by themselves need no programs. */
const needsTools = (sources: ReadonlyArray<Source>): boolean => sources.some(({ entry }) => entry.type !== "file")

/**
 * Looks at both ends, runs the work with what was seen, and answers with counts and the time it took. Looking at a far end
 * takes as long as finding out what it can do, and goes on beside it; near ones say first whether that is needed.
 */
const running = <S extends ReadonlyArray<Source>>(
  options: Options & Pick<CopyOptions, "from" | "to">,
  look: Look<S>,
  work: (
    run: Run,
    seen: { readonly sources: S; readonly found: Target }
  ) => Transferring<Done & { readonly sha256?: string | undefined }>
): Transferring<Summary> =>
  Effect.gen(function* () {
    const started = yield* Clock.currentTimeMillis
    const meter = Meter.make()
    const from: Side = { endpoint: options.from, end: "source" }
    const to: Side = { endpoint: options.to, end: "target" }
    const persisting = persist(meter, options.retry ?? defaultSchedule)
    const sides: Sides = { from, to, persist: persisting }
    const here = Tools.finder(from)
    const there = Tools.finder(to)
    const finding = Effect.all([here, there], { concurrency: 2, discard: true })
    const isNear = options.from.name === "local:"
    const sources = isNear
      ? look.sources(sides)
      : Effect.map(Effect.all([look.sources(sides), finding], { concurrency: 2 }), ([sources]) => sources)
    const seen = yield* Effect.all(
      {
        sources: Effect.tap(sources, (sources) => (needsTools(sources) ? finding : Effect.void)),
        found: look.target(sides)
      },
      { concurrency: 2 }
    )
    const isTree = needsTools(seen.sources)
    const endOf = (side: Side, tools: Effect.Effect<ToolSet.Tools>) =>
      Effect.map(isTree ? tools : Effect.succeed(ToolSet.none), (known): End => ({
        ...side,
        tools: known,
        sum: Tools.sumFinder(side),
        litter: new Set()
      }))
    const run: Run = {
      from: yield* endOf(from, here),
      to: yield* endOf(to, there),
      meter,
      persist: persisting,
      verify: options.verify === true,
      exclude: options.exclude ?? [],
      options
    }
    const done = yield* work(run, seen).pipe(
      Meter.reporting(meter, options.onProgress),
      Effect.ensuring(Partial.tidy(run.to)),
      Effect.mapError(
        (error) =>
          new TransferError.TransferError({
            reason: error.reason,
            placed: meter.state.placed,
            ...(error.cause === undefined ? {} : { cause: error.cause })
          })
      )
    )
    const { bytes, changes, files, folders, leftOut, links, removed, same, sha256 } = done
    const durationMs = (yield* Clock.currentTimeMillis) - started
    const counts = { files, bytes, skipped: same, links, folders, deleted: removed, leftOut, changes, durationMs }
    return sha256 === undefined ? counts : { ...counts, sha256 }
  })

/** What is at a path: the target itself has been looked at already. */
const lookAgain = ({ persist, to }: Run, path: string, target: Target): Transferring<Target["entry"]> =>
  path === target.path ? Effect.succeed(target.entry) : persist(lookAt(to, path))

const copyFile = Effect.fnUntraced(function* (
  run: Run,
  source: Source,
  path: string,
  target: Target,
  same: (there: string) => Transferring<boolean>
): Effect.fn.Return<Done & { readonly sha256?: string | undefined }, TransferError.TransferError> {
  const { from, meter, persist, to, verify } = run
  const there = Option.getOrUndefined(yield* lookAgain(run, path, target))
  if (there?.type === "directory") return yield* TransferError.make(new TransferError.IsADirectory(at(to, path)))
  if (there?.type === "other") {
    return yield* TransferError.make(new TransferError.NotAFile({ ...at(to, path), kind: "device, pipe or socket" }))
  }
  if (there !== undefined && sameFile(source.entry, there) && (yield* same(path))) return { ...nothing, same: 1 }
  meter.expect(1, source.entry.size)
  const before = meter.state.bytes
  const sha256 = yield* sendFile(from, source.path, to, path, { verify, meter, persist })
  meter.fileDone()
  return { ...nothing, files: 1, bytes: meter.state.bytes - before, sha256 }
})

/** The folder that a target must be, made where that was asked for. */
const openFolder = (run: Run, target: Target): Transferring<void> =>
  Option.isSome(target.entry)
    ? target.entry.value.type === "directory"
      ? Effect.void
      : Effect.fail(TransferError.make(new TransferError.NotADirectory({ ...at(run.to, target.path), kind: "file" })))
    : run.persist(makeFolder(run.to, target.path, { parents: run.options.parents === true }))

const makeParents = (run: Run, path: string): Transferring<void> =>
  run.options.parents === true ? run.persist(makeFolder(run.to, parent(path), { parents: true })) : Effect.void

const copyOne = Effect.fnUntraced(function* (
  run: Run,
  source: Source,
  target: Target
): Effect.fn.Return<Done & { readonly sha256?: string | undefined }, TransferError.TransferError> {
  const { from, persist, to } = run
  const path = target.isFolder && !source.isContent ? yield* inside(from, source, to, target.path) : target.path
  if (source.entry.type === "file") {
    const isEqual = (there: string) =>
      Effect.map(
        Effect.all([persist(sumOf(from, source.path)), persist(sumOf(to, there))], { concurrency: 2 }),
        ([one, other]) => one === other
      )
    return yield* copyFile(run, source, path, target, isEqual)
  }
  const there = yield* lookAgain(run, path, target)
  const job = { ...run, source: source.path }
  const safeLinks = run.options.safeLinks === true
  if (Option.isNone(there)) return yield* copyTree(job, path, source.entry, safeLinks)
  if (there.value.type !== "directory") {
    return yield* TransferError.make(new TransferError.NotADirectory({ ...at(to, path), kind: "file" }))
  }
  return yield* mirror({
    ...job,
    target: path,
    policy: { compare: "time-and-sum", replace: false, delete: false, safeLinks },
    isDryRun: false,
    ownsFolders: false
  })
})

/** Two sources of one name would be one file, and which one would be chance. */
const checkNames = (sources: ReadonlyArray<Source>): Transferring<void> => {
  const names = sources.filter(({ isContent }) => !isContent).map(({ path }) => baseName(path))
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  return twice === undefined
    ? Effect.void
    : Effect.fail(
        TransferError.make(
          new TransferError.InvalidArgument({
            argument: twice,
            detail: "two sources have this name, and would come to the same path",
            hint: "Transfer them one after the other, each to its own path."
          })
        )
      )
}

/**
 * Copies files and folders from one end to the other.
 *
 * A folder whose copy doesn't exist yet appears with all that is in it at once. Into a folder that exists the files go
 * one by one, each whole; what is there stays, and files that are the same byte for byte are skipped. Modes (without
 * setuid and setgid) and times (to the second) are kept, symbolic links stay links, and further names of one file stay
 * names of it; owners are not kept. A run that was cut off, however it ended, is taken up by the next one: files from
 * 1 MiB on in their middle, checked by SHA-256.
 *
 * **Gotchas**
 *
 * A symbolic link at the final path is replaced, not followed. Small files of a tree go as one tar stream where both ends
 * have tar, and are not flushed to the disk one by one as large ones are.
 *
 * @since 0.1.0
 * @category running
 */
export const copy: (options: CopyOptions) => Transferring<Summary> = Effect.fn("Transfer.copy")(function* (
  options: CopyOptions
): Effect.fn.Return<Summary, TransferError.TransferError> {
  return yield* running(
    options,
    {
      sources: ({ from, persist }) =>
        Effect.forEach(options.sources, (text) => persist(findSource(from, text)), { concurrency: 4 }),
      target: ({ persist, to }) => persist(findTarget(to, options.target))
    },
    Effect.fnUntraced(function* (run, { found, sources }) {
      const target = { ...found, isFolder: found.isFolder || sources.length > 1 }
      yield* checkNames(sources)
      // The content of one folder brings its folder itself.
      const isWhole = sources.length === 1 && sources.every(({ isContent }) => isContent)
      yield* target.isFolder && !isWhole ? openFolder(run, target) : makeParents(run, target.path)
      let all: Done & { readonly sha256?: string | undefined } = nothing
      for (const source of sources) {
        const done = yield* copyOne(run, source, target)
        all = sources.length === 1 ? done : sum(all, done)
      }
      return all
    })
  )
})

/**
 * Makes a tree at the target as the one at the source is, and sends only what differs: the semantics of `rsync -a`
 * without owners and devices. Every file at its final path is whole at every moment.
 *
 * @since 0.1.0
 * @category running
 */
export const sync: (options: SyncOptions) => Transferring<Summary> = Effect.fn("Transfer.sync")(function* (
  options: SyncOptions
): Effect.fn.Return<Summary, TransferError.TransferError> {
  return yield* running(
    options,
    {
      sources: ({ from, persist }) =>
        Effect.map(persist(findSource(from, options.source)), (source) => [source] as const),
      target: ({ persist, to }) => persist(findTarget(to, options.target))
    },
    Effect.fnUntraced(function* (run, { found: target, sources: [source] }) {
      const { from, persist, to } = run
      const isDryRun = options.dryRun === true
      if (source.entry.type === "file") {
        if (!isDryRun) yield* target.isFolder ? openFolder(run, target) : makeParents(run, target.path)
        const path = target.isFolder ? yield* inside(from, source, to, target.path) : target.path
        return yield* syncFile(run, source, path, target, options)
      }
      const path = source.isContent ? target.path : yield* inside(from, source, to, target.path)
      if (!isDryRun) {
        if (!source.isContent) yield* openFolder(run, target)
        else yield* makeParents(run, path)
        yield* openFolder(run, { ...target, path, entry: yield* lookAgain(run, path, target) })
      }
      const done = yield* mirror({
        ...run,
        source: source.path,
        target: path,
        policy: {
          compare: options.checksum === true ? "sum" : "time",
          replace: true,
          delete: options.delete === true,
          safeLinks: options.safeLinks === true
        },
        isDryRun,
        ownsFolders: true
      })
      if (!isDryRun) yield* persist(setFolder(to, path, source.entry))
      return done
    })
  )
})

const syncFile = Effect.fnUntraced(function* (
  run: Run,
  source: Source,
  path: string,
  target: Target,
  options: SyncOptions
): Effect.fn.Return<Done & { readonly sha256?: string | undefined }, TransferError.TransferError> {
  const { from, persist, to } = run
  const isEqual = (there: string) =>
    options.checksum !== true
      ? Effect.succeed(true)
      : Effect.map(
          Effect.all([persist(sumOf(from, source.path)), persist(sumOf(to, there))], { concurrency: 2 }),
          ([one, other]) => one === other
        )
  if (options.dryRun !== true) return yield* copyFile(run, source, path, target, isEqual)
  const there = Option.getOrUndefined(yield* lookAgain(run, path, target))
  if (there !== undefined && sameFile(source.entry, there) && (yield* isEqual(path))) return { ...nothing, same: 1 }
  const change = { action: "send", path } as const
  return { ...nothing, files: 1, bytes: source.entry.size, changes: [change] }
})

type Local = FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner

/**
 * {@link copy} from this machine, as the context has it, to another.
 *
 * @since 0.1.0
 * @category running
 */
export const put = (
  machine: Endpoint.Endpoint,
  options: Omit<CopyOptions, "from" | "to">
): Transferring<Summary, Local> => Effect.flatMap(Endpoint.local, (from) => copy({ ...options, from, to: machine }))

/**
 * {@link copy} from another machine to this one, as the context has it.
 *
 * @since 0.1.0
 * @category running
 */
export const get = (
  machine: Endpoint.Endpoint,
  options: Omit<CopyOptions, "from" | "to">
): Transferring<Summary, Local> => Effect.flatMap(Endpoint.local, (to) => copy({ ...options, from: machine, to }))
