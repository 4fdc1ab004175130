/** Many files as one tar stream: what an end packs, what the other takes, and what may pass in between. */
import { Effect, Stream } from "effect"
import * as TransferError from "../TransferError.ts"
import { at, type End } from "./checksum.ts"
import { type Entry, keptMode } from "./entry.ts"
import { ofPlatform, ofProgram } from "./failure.ts"
import { join } from "./location.ts"
import { run } from "./program.ts"
import { TarDecoder } from "./tarDecoder.ts"
import { headerOf, padding, trailerOf } from "./tarHeader.ts"

type Failing = TransferError.TransferError

/** Files one after the other: each begins, brings as many bytes as its entry says, and ends. */
export type FileEvent =
  | { readonly _tag: "Begin"; readonly entry: Entry }
  | { readonly _tag: "Data"; readonly bytes: Uint8Array }
  | { readonly _tag: "End"; readonly entry: Entry }

/** Many at a time: a piece of an archive holds many small files, and each element of a stream costs. */
export type FileEvents = Stream.Stream<ReadonlyArray<FileEvent>, Failing>

/**
 * Lets through what was asked for, once each, with the size and the time that the listing said; all else that the archive
 * holds is dropped, whatever its name. So nothing gets further that is not of the plan.
 */
const planned = (from: End, root: string, entries: ReadonlyArray<Entry>) => {
  const wanted = new Map(entries.map((entry) => [entry.path, entry]))
  const decoder = new TarDecoder()
  let current: Entry | undefined
  let left = 0
  const damaged = (detail: string) =>
    TransferError.make(
      new TransferError.FileFailed({ ...at(from, root), detail: `its archive can't be read: ${detail}` })
    )
  const take = (piece: Uint8Array): Effect.Effect<ReadonlyArray<FileEvent>, Failing> => {
    const read = decoder.push(piece)
    if (read._tag === "Failure") return Effect.fail(damaged(read.failure))
    const events: Array<FileEvent> = []
    const endIfDone = () => {
      if (current === undefined || left > 0) return
      events.push({ _tag: "End", entry: current })
      current = undefined
    }
    for (const event of read.success) {
      if (event._tag === "Member") {
        const { mtime, name, size, type } = event.member
        const path = name.startsWith("./") ? name.slice(2) : name
        const entry = wanted.get(path)
        const isWanted =
          entry !== undefined && type === "file" && size === entry.size && Math.floor(mtime) === Math.floor(entry.mtime)
        current = isWanted ? entry : undefined
        if (current === undefined) continue
        wanted.delete(path)
        left = size
        events.push({ _tag: "Begin", entry: current })
        endIfDone()
      } else if (current !== undefined) {
        left -= event.bytes.length
        events.push({ _tag: "Data", bytes: event.bytes })
        endIfDone()
      }
    }
    return Effect.succeed(events)
  }
  const end = Effect.suspend(() => (decoder.isWhole ? Effect.void : Effect.fail(damaged("it ends in the middle"))))
  return { take, end }
}

const names = (entries: ReadonlyArray<Entry>): Stream.Stream<Uint8Array> =>
  Stream.succeed(new TextEncoder().encode(entries.map(({ path }) => `./${path}\0`).join("")))

/** TAR_OPTIONS would give GNU tar options of somebody else's. */
const quiet = "unset TAR_OPTIONS;"

/**
 * Packs the files with the end's own tar. What can't be read is left out, and is missed by who counts; which files they
 * are, and why, shows when they are asked for one by one.
 */
export const pack = <A>(
  from: End,
  root: string,
  entries: ReadonlyArray<Entry>,
  consumer: (events: FileEvents) => Effect.Effect<A, Failing>
): Effect.Effect<A, Failing> =>
  run(
    from.endpoint,
    { text: `${quiet} cd -- "$1" && exec xargs -0 tar -cf -`, args: [root] },
    {
      input: names(entries),
      consumer: (stdout) => {
        const { end, take } = planned(from, root, entries)
        return consumer(
          stdout.pipe(
            Stream.mapError((error) => ofPlatform(error, at(from, root))),
            Stream.mapEffect(take),
            Stream.concat(Stream.fromEffectDrain(end))
          )
        )
      }
    }
  ).pipe(
    Effect.map(({ value }) => value),
    Effect.mapError((error) => (error._tag === "TransferError" ? error : ofPlatform(error, at(from, root))))
  )

/** Reads the files in this process, for an end that has no tar. What has shrunk is filled with zeros, and told of later. */
export const packHere = (from: End, root: string, entries: ReadonlyArray<Entry>): FileEvents =>
  Stream.fromIterable(entries).pipe(
    Stream.flatMap((entry): FileEvents => {
      const path = join(root, entry.path)
      let left = entry.size
      const data = from.endpoint.files.stream(path, { bytesToRead: entry.size, chunkSize: 256 * 1024 }).pipe(
        Stream.mapError((error) => ofPlatform(error, at(from, path))),
        Stream.map((bytes): ReadonlyArray<FileEvent> => {
          left -= bytes.length
          return [{ _tag: "Data", bytes }]
        })
      )
      const end = Stream.suspend((): FileEvents => {
        const missing: ReadonlyArray<FileEvent> = left > 0 ? [{ _tag: "Data", bytes: new Uint8Array(left) }] : []
        return Stream.succeed([...missing, { _tag: "End", entry }])
      })
      return Stream.succeed<ReadonlyArray<FileEvent>>([{ _tag: "Begin", entry }]).pipe(
        Stream.concat(entry.size === 0 ? Stream.empty : data),
        Stream.concat(end)
      )
    })
  )

const bytesOf = (event: FileEvent): Uint8Array => {
  switch (event._tag) {
    case "Begin":
      return headerOf(event.entry, keptMode(event.entry))
    case "Data":
      return event.bytes
    case "End":
      return padding(event.entry.size)
  }
}

const encode = (events: FileEvents, folders: ReadonlyArray<Entry>): Stream.Stream<Uint8Array, Failing> => {
  let length = 0
  const join = (parts: ReadonlyArray<Uint8Array>): Uint8Array => {
    const whole = Buffer.concat(parts)
    length += whole.length
    return whole
  }
  return events.pipe(
    Stream.map((some) => join(some.map(bytesOf))),
    Stream.prepend([join(folders.map((entry) => headerOf(entry, keptMode(entry))))]),
    Stream.concat(Stream.suspend(() => Stream.succeed(trailerOf(length))))
  )
}

// BusyBox lets the umask have its way for all but root. Where it unpacks to, nobody else can look.
const unpackText = `${quiet} umask 000; cd -- "$1" && exec tar -xpof -`

/** Unpacks with the end's own tar: the folders, and then the files. */
export const unpack = (
  to: End,
  root: string,
  events: FileEvents,
  folders: ReadonlyArray<Entry>
): Effect.Effect<void, Failing> =>
  Effect.suspend(() =>
    run(to.endpoint, { text: unpackText, args: [root] }, { input: encode(events, folders), consumer: Stream.runDrain })
  ).pipe(
    Effect.mapError((error) => (error._tag === "TransferError" ? error : ofPlatform(error, at(to, root)))),
    Effect.flatMap((ended) =>
      ended.exitCode === 0 && ended.tookAll ? Effect.void : Effect.fail(ofProgram("tar", ended, at(to, root)))
    )
  )

/** Only folders: those that are there get the mode and the time that is told. */
export const unpackFolders = (to: End, root: string, folders: ReadonlyArray<Entry>): Effect.Effect<void, Failing> =>
  unpack(to, root, Stream.empty, folders)
