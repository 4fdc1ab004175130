/** Where a source goes, as what it is and what stands at the target say. */
import { Effect, Option } from "effect"
import * as TransferError from "../TransferError.ts"
import { at, type Side } from "./checksum.ts"
import { type Entry, nameFault } from "./entry.ts"
import { ofPlatform } from "./failure.ts"
import { entryFrom } from "./listing.ts"
import { baseName, endsAsFolder, join, parent, resolve } from "./location.ts"

type Finding<A> = Effect.Effect<A, TransferError.TransferError>

/** What a path leads to, links followed; nothing where there is nothing. */
export const lookAt = (end: Side, path: string): Finding<Option.Option<Entry>> =>
  end.endpoint.files.stat(path).pipe(
    Effect.map((info) => Option.some(entryFrom(end.endpoint, info, path))),
    Effect.catchIf(
      ({ reason }) => reason._tag === "NotFound",
      () => Effect.succeedNone
    ),
    Effect.mapError((error) => ofPlatform(error, at(end, path)))
  )

export interface Source {
  readonly path: string
  readonly entry: Entry
  /** It stands for what is in the folder. */
  readonly isContent: boolean
}

export const findSource = Effect.fnUntraced(function* (
  from: Side,
  text: string
): Effect.fn.Return<Source, TransferError.TransferError> {
  const path = yield* resolve(from.endpoint, "source", text)
  const entry = yield* Effect.flatMap(
    lookAt(from, path),
    Option.match({
      onNone: () => Effect.fail(TransferError.make(new TransferError.NotFound(at(from, path)))),
      onSome: (entry) => Effect.succeed(entry)
    })
  )
  if (entry.type === "other") {
    return yield* TransferError.make(new TransferError.NotAFile({ ...at(from, path), kind: "device, pipe or socket" }))
  }
  const isContent = endsAsFolder(from.endpoint, text) || baseName(path) === ""
  if (isContent && entry.type === "file") {
    return yield* TransferError.make(new TransferError.NotADirectory({ ...at(from, path), kind: "file" }))
  }
  return { path, entry, isContent }
})

export interface Target {
  readonly path: string
  /** What is there. */
  readonly entry: Option.Option<Entry>
  /** Sources go into it, under their own names. */
  readonly isFolder: boolean
}

export const findTarget = Effect.fnUntraced(function* (
  to: Side,
  text: string
): Effect.fn.Return<Target, TransferError.TransferError> {
  const path = yield* resolve(to.endpoint, "target", text)
  const entry = yield* lookAt(to, path)
  const isFolder = endsAsFolder(to.endpoint, text) || (Option.isSome(entry) && entry.value.type === "directory")
  return { path, entry, isFolder }
})

/** The path of a source inside of a target folder. */
export const inside = (from: Side, source: Source, to: Side, folder: string): Finding<string> => {
  const name = baseName(source.path)
  const detail = nameFault(name, { isWindows: to.endpoint.isWindows === true })
  return detail === undefined
    ? Effect.succeed(join(folder, name))
    : Effect.fail(TransferError.make(new TransferError.UnsafeName({ ...at(from, source.path), detail })))
}

/** What is there already is fine: the reply to an earlier attempt may have been lost. */
export const makeFolder = (
  to: Side,
  path: string,
  options: { readonly parents: boolean; readonly mode?: number }
): Finding<void> =>
  to.endpoint.files.makeDirectory(path, { recursive: options.parents, mode: options.mode }).pipe(
    Effect.catchIf(
      ({ reason }) => reason._tag === "AlreadyExists",
      () => Effect.void
    ),
    Effect.mapError((error) => ofPlatform(error, at(to, error.reason._tag === "NotFound" ? parent(path) : path)))
  )
