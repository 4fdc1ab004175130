/** A whole tree to a path where nothing is yet: under another name until all of it is there. */
import { Effect, Option } from "effect"
import * as TransferError from "../TransferError.ts"
import { at, type End } from "./checksum.ts"
import { type Entry, keptMode } from "./entry.ts"
import { ofPlatform } from "./failure.ts"
import { parent } from "./location.ts"
import { type Done, type Job, listSourceOf, mirror } from "./mirror.ts"
import * as Partial from "./partial.ts"
import { lookAt, makeFolder } from "./place.ts"

type Doing<A> = Effect.Effect<A, TransferError.TransferError>

/** `final` is the path that it gets in the end, `entry` the folder at the source. */
export const copyTree = Effect.fnUntraced(function* (
  job: Omit<Job, "target" | "final" | "ownsFolders" | "isDryRun" | "isEmpty" | "listed" | "policy">,
  final: string,
  entry: Entry,
  safeLinks: boolean
): Effect.fn.Return<Done, TransferError.TransferError> {
  const { from, meter, persist, source, to } = job
  const { files } = to.endpoint
  const folder = parent(final)
  const key = Partial.keyOf([from.endpoint.name ?? "", source, final])
  const partial = yield* Partial.fresh(folder, "tree", key)
  const hidden = Partial.pathOf(partial)
  const placed = meter.state.placed
  const open = Effect.gen(function* () {
    const isLeft = yield* persist(Partial.take(to, partial))
    yield* isLeft
      ? Effect.ignore(files.chmod(hidden, 0o700))
      : persist(makeFolder(to, hidden, { parents: false, mode: 0o700 }))
    return isLeft
  })
  const work = Effect.gen(function* () {
    const [listed, isLeft] = yield* Effect.all([listSourceOf(job), open], { concurrency: 2 })
    const sending = mirror({
      ...job,
      listed,
      target: hidden,
      // What an earlier run brought is taken up, and what the source has no more goes.
      policy: { compare: "time-and-sum", replace: true, delete: true, safeLinks },
      isDryRun: false,
      isEmpty: !isLeft,
      ownsFolders: true,
      final
    })
    const done = yield* Effect.raceFirst(sending, Partial.heartbeat(to, partial))
    yield* persist(setFolder(to, hidden, entry))
    yield* publish(job, hidden, final)
    return done
  })
  return yield* work.pipe(
    Effect.onInterrupt(() => Partial.leave(to, partial)),
    Effect.tapError(({ reason }) => {
      meter.hidden(placed)
      // A full disk must not be kept full, and an empty folder is of no use to anybody.
      const isUseful = reason._tag !== "NoSpace" && meter.state.moved > 0
      return isUseful ? Partial.leave(to, partial) : Partial.discard(to, partial)
    })
  )
})

/** The mode and the time of the topmost folder. */
export const setFolder = (to: End, path: string, entry: Entry): Doing<void> => {
  const { files, isWindows } = to.endpoint
  return Effect.all(
    [
      files.utimes(path, entry.mtime, entry.mtime),
      isWindows === true ? Effect.void : files.chmod(path, keptMode(entry))
    ],
    { concurrency: 2, discard: true }
  ).pipe(Effect.mapError((error) => ofPlatform(error, at(to, path))))
}

/** Gives the tree its name. Where the reply was lost, the name that is gone and the one that is there tell. */
const publish = ({ persist, to }: Pick<Job, "persist" | "to">, hidden: string, final: string): Doing<void> => {
  let isAsked = false
  const rename = Effect.suspend(() => {
    const wasAsked = isAsked
    isAsked = true
    return to.endpoint.files.rename(hidden, final).pipe(
      Effect.mapError((error) =>
        error.reason._tag === "NotFound"
          ? TransferError.make(new TransferError.TakenOver(at(to, final)), error)
          : ofPlatform(error, at(to, final))
      ),
      Effect.catchIf(
        ({ reason }) => wasAsked && reason._tag === "TakenOver",
        (error) =>
          Effect.flatMap(lookAt(to, final), (there) => (Option.isSome(there) ? Effect.void : Effect.fail(error)))
      )
    )
  })
  return persist(rename)
}
