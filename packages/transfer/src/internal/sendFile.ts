/** One file from end to end: to a partial beside its target first, and to its own name when it is whole. */
import { ByteSize, Effect, type PlatformError, Stream } from "effect"
import * as Crypto from "node:crypto"
import * as TransferError from "../TransferError.ts"
import { at, type End, sumOf } from "./checksum.ts"
import { type Entry, keptMode } from "./entry.ts"
import { ofPlatform } from "./failure.ts"
import { entryFrom, entryOf } from "./listing.ts"
import { parent } from "./location.ts"
import type { Meter } from "./meter.ts"
import * as Partial from "./partial.ts"
import type { persist } from "./persistence.ts"

type Sent<A> = Effect.Effect<A, TransferError.TransferError>

export interface Options {
  /** Compares the sums of both files before the one that arrived gets its name. */
  readonly verify: boolean
  readonly meter: Meter
  readonly persist: ReturnType<typeof persist>
  /** The path that it has in the end, where the target is inside of a tree that gets its name later. */
  readonly final?: string
}

/** What a smaller file would save by being taken up again is less than looking for what is left of it costs. */
const resumable = 1024 * 1024

/** Pieces that are read at once: as large as four requests that OpenSSH takes, so that none is put together of two. */
const chunkSize = 4 * 255 * 1024

/** Requests that were under way when a connection was lost may have left a gap near the end. */
const doubtful = 32 * 1024 * 1024

/**
 * Sends it, whatever stands at the target, which must be no folder. Answers the SHA-256 where it was verified. After a
 * lost connection it goes on by itself.
 */
export const sendFile = (
  from: End,
  source: string,
  to: End,
  target: string,
  options: Options
): Sent<string | undefined> =>
  Effect.gen(function* () {
    const before = yield* options.persist(statOf(from, source))
    if (before.type !== "file") {
      return yield* before.type === "directory"
        ? TransferError.make(new TransferError.IsADirectory(at(from, source)))
        : TransferError.make(new TransferError.NotAFile({ ...at(from, source), kind: "device, pipe or socket" }))
    }
    const folder = parent(target)
    const final = options.final ?? target
    const key = Partial.keyOf([from.endpoint.name ?? "", source, before.size, Math.floor(before.mtime), final])
    const partial = yield* Partial.fresh(folder, "part", key)
    const isBegun = before.size >= resumable && (yield* options.persist(Partial.take(to, partial)))
    const job: Job = { from, source, before, to, target, partial, options, isBegun, counted: 0 }
    const step = Effect.suspend(() => (job.isBegun && before.size >= resumable ? resumed(job) : anew(job)))
    return yield* options.persist(step).pipe(
      Effect.onInterrupt(() => keepOrDiscard(job)),
      Effect.tapError((error) => (mayGoOn(error) ? keepOrDiscard(job) : Partial.discard(to, job.partial)))
    )
  })

interface Job {
  readonly from: End
  readonly source: string
  readonly before: Entry
  readonly to: End
  readonly target: string
  readonly options: Options
  /** Another one for each beginning. */
  partial: Partial.Partial
  /** Whether the partial may hold something. */
  isBegun: boolean
  /** Bytes that the meter has of the attempt that is under way. */
  counted: number
}

/** A full disk must not be kept full, and what differs from its source is of no use. */
const mayGoOn = ({ reason }: TransferError.TransferError): boolean =>
  reason._tag === "ConnectionLost" || reason._tag === "PermissionDenied" || reason._tag === "FileFailed"

const keepOrDiscard = ({ before, partial, to }: Job) =>
  before.size >= resumable ? Partial.leave(to, partial) : Partial.discard(to, partial)

/** Through a link, as a source that is named may be one. */
const statOf = (end: End, path: string): Sent<Entry> =>
  end.endpoint.files.stat(path).pipe(
    Effect.map((info) => entryFrom(end.endpoint, info, path)),
    Effect.mapError((error) => ofPlatform(error, at(end, path)))
  )

/** Goes on where the partial is the beginning of the source, byte for byte; else begins anew. */
const resumed = Effect.fnUntraced(function* (
  job: Job
): Effect.fn.Return<string | undefined, TransferError.TransferError> {
  const { before, from, partial, source, to } = job
  const path = Partial.pathOf(partial)
  const size = yield* entryOf(to.endpoint, path, "").pipe(
    Effect.map((entry) => entry.size),
    Effect.catchIf(
      (error) => error.reason._tag === "NotFound",
      () => Effect.succeed(0)
    ),
    Effect.mapError((error) => ofPlatform(error, at(to, path)))
  )
  for (const length of size > before.size ? [] : [size, size - doubtful]) {
    if (length <= 0) continue
    const [there, here] = yield* Effect.all([sumOf(to, path, length), sumOf(from, source, length)], { concurrency: 2 })
    if (there !== here) continue
    return yield* attempt(job, length).pipe(
      Effect.catchIf(
        ({ reason }) => reason._tag === "ChecksumMismatch",
        () => anew(job)
      )
    )
  }
  return yield* anew(job)
})

/** In a file of its own, that nothing of an earlier attempt can still be on its way to. */
const anew = Effect.fnUntraced(function* (job: Job): Effect.fn.Return<string | undefined, TransferError.TransferError> {
  if (job.isBegun) {
    yield* Partial.discard(job.to, job.partial)
    job.partial = yield* Partial.fresh(job.partial.folder, "part", job.partial.key)
  }
  job.isBegun = true
  return yield* attempt(job, 0)
})

/** What did not come to its end has not arrived. */
const attempt = (job: Job, offset: number): Sent<string | undefined> =>
  Effect.suspend(() => {
    job.counted = offset
    job.options.meter.credit(offset)
    return place(job, offset)
  }).pipe(Effect.tapError(() => Effect.sync(() => job.options.meter.credit(-job.counted))))

const place = Effect.fnUntraced(function* (
  job: Job,
  offset: number
): Effect.fn.Return<string | undefined, TransferError.TransferError> {
  const { before, from, options, partial, source, target, to } = job
  const path = Partial.pathOf(partial)
  const { files } = to.endpoint
  const failed = (error: PlatformError.PlatformError) => ofPlatform(error, at(to, target))
  const copied = yield* Effect.raceFirst(copy(job, offset), flushBehind(job))
  yield* checkSource(job, copied.bytes)
  const isVerified = options.verify || offset > 0
  if (isVerified) {
    const expected = copied.sum ?? (yield* sumOf(from, source))
    const actual = yield* sumOf(to, path)
    if (actual !== expected) {
      return yield* TransferError.make(new TransferError.ChecksumMismatch({ ...at(to, target), expected, actual }))
    }
  }
  if (before.size >= resumable) yield* flush(to, path)
  const dated = files.utimes(path, before.mtime, before.mtime)
  const moded = files.chmod(path, keptMode(before))
  // To Windows a file that may not be written can't be given its times.
  const finished = Effect.all([dated, moded], { concurrency: to.endpoint.isWindows === true ? 1 : 2, discard: true })
  yield* Effect.mapError(finished, failed)
  yield* Effect.mapError(files.rename(path, target), (error) =>
    error.reason._tag === "NotFound"
      ? TransferError.make(new TransferError.TakenOver(at(to, target)), error)
      : failed(error)
  )
  return isVerified ? (copied.sum ?? (yield* sumOf(to, target))) : undefined
})

/** A file system that can't flush is no cause to fail: the data is there as far as it can tell. */
const flush = (to: End, path: string): Effect.Effect<void> =>
  Effect.ignore(
    Effect.scoped(Effect.flatMap(to.endpoint.files.open(path, { flag: "r+" }), (file) => Effect.ignore(file.sync)))
  )

/** What is written before the disk is told to begin, so that little is left for it at the end. */
const flushedAtOnce = 32 * 1024 * 1024

/** Flushes while it is written. Another machine's file server would stand still meanwhile. */
const flushBehind = (job: Job): Effect.Effect<never> => {
  if (job.to.endpoint.name !== "local:" || job.before.size < flushedAtOnce) return Effect.never
  let flushed = job.counted
  const look = Effect.suspend(() => {
    if (job.counted - flushed < flushedAtOnce) return Effect.void
    flushed = job.counted
    return flush(job.to, Partial.pathOf(job.partial))
  })
  return Effect.forever(Effect.andThen(Effect.sleep("20 millis"), look))
}

interface Copied {
  /** The length of the whole, what was there before included. */
  readonly bytes: number
  /** Of the whole, where all of it went by and it was asked for. */
  readonly sum: string | undefined
}

const copy = (job: Job, offset: number): Sent<Copied> =>
  Effect.suspend(() => {
    const { from, options, partial, source, target, to } = job
    const path = Partial.pathOf(partial)
    const hash = options.verify && offset === 0 ? Crypto.createHash("sha256") : undefined
    let bytes = offset
    const pieces = from.endpoint.files.stream(source, { chunkSize, offset: ByteSize.bytes(offset) }).pipe(
      Stream.mapError((error) => ofPlatform(error, at(from, source))),
      Stream.map((piece) => {
        hash?.update(piece)
        bytes += piece.length
        job.counted += piece.length
        options.meter.add(piece.length)
        return piece
      }),
      // The next pieces are read while one is written.
      Stream.buffer({ capacity: 4 })
    )
    return Effect.map(writeTo(to, path, target, offset, pieces), (): Copied => ({ bytes, sum: hash?.digest("hex") }))
  })

const writeTo = (
  to: End,
  path: string,
  target: string,
  offset: number,
  pieces: Stream.Stream<Uint8Array, TransferError.TransferError>
): Sent<void> => {
  const { files } = to.endpoint
  const failed = (error: TransferError.TransferError | PlatformError.PlatformError) =>
    error._tag === "TransferError"
      ? error
      : ofPlatform(error, at(to, error.reason._tag === "NotFound" ? parent(target) : target))
  // Exclusive, so that no link that was put there is followed, and readable to nobody else before it has its mode.
  if (offset === 0) return Effect.mapError(Stream.run(pieces, files.sink(path, { flag: "wx", mode: 0o600 })), failed)
  // At its place rather than by appending: what an old connection still had under way comes to the same.
  return Effect.gen(function* () {
    const file = yield* files.open(path, { flag: "r+" })
    yield* file.seek(BigInt(offset), "start")
    yield* Stream.runForEach(gather(pieces), (piece) => file.writeAll(piece))
  }).pipe(Effect.scoped, Effect.mapError(failed))
}

/** Enough at once for a transport to split it into requests that are under way together. */
const gather = <E>(pieces: Stream.Stream<Uint8Array, E>): Stream.Stream<Uint8Array, E> =>
  pieces.pipe(
    Stream.rechunk(32),
    Stream.mapArray((parts) => [Buffer.concat(parts)] as const),
    Stream.buffer({ capacity: 1 })
  )

/** Whether what was read is one state of the file. */
const checkSource = Effect.fnUntraced(function* (
  { before, from, source }: Job,
  bytes: number
): Effect.fn.Return<void, TransferError.TransferError> {
  const changed = (detail: string) =>
    TransferError.make(new TransferError.SourceChanged({ ...at(from, source), detail }))
  const after = yield* statOf(from, source).pipe(
    Effect.mapError((error) =>
      error.reason._tag === "NotFound"
        ? TransferError.make(new TransferError.SourceVanished(at(from, source)), error)
        : error
    )
  )
  // The files of /proc have no size, and their time is that of the question.
  if (before.size === 0 && after.size === 0) return
  if (after.size !== before.size) return yield* changed(`it had ${before.size} bytes, and then ${after.size}`)
  if (after.mtime !== before.mtime) return yield* changed("it was written to")
  if (bytes > before.size) return yield* changed(`it has ${before.size} bytes, and ${bytes} came`)
  // The files of /sys claim a page and hold less. Nothing after what came says that it was all.
  if (bytes < before.size && !(yield* endsAt(from, source, bytes))) {
    return yield* changed(`it has ${before.size} bytes, and only ${bytes} came`)
  }
})

const endsAt = (from: End, source: string, bytes: number): Sent<boolean> =>
  from.endpoint.files.stream(source, { offset: ByteSize.bytes(bytes), bytesToRead: 1 }).pipe(
    Stream.runFold(
      () => 0,
      (sum, piece) => sum + piece.length
    ),
    Effect.map((more) => more === 0),
    Effect.mapError((error) => ofPlatform(error, at(from, source)))
  )
