/**
 * Where data is until it is whole: a hidden name beside the target, made of what is transferred from where to where, so
 * that a later run finds it, and of its owner, so that two runs never write to the same one.
 *
 * A run that ends in order leaves its partial with the owner `rest`, for anyone to take. One that is killed can't: what
 * it leaves counts as left when nothing happens to it for some seconds. Taking is renaming, so that one taker wins; the
 * other, should it still live, finds its partial gone and fails.
 */
import { Effect, Fiber, Option, type PlatformError, type Scope } from "effect"
import * as Crypto from "node:crypto"
import * as TransferError from "../TransferError.ts"
import { at, type End } from "./checksum.ts"
import { ownPrefix } from "./entry.ts"
import { ofPlatform } from "./failure.ts"
import { join } from "./location.ts"
import { collect, run } from "./program.ts"

export type Kind = "part" | "tree"

const atRest = "rest"

/** Longer than a live writer is ever silent on a working connection: each reply to a write is a sign of life. */
const watchMillis = 5000

export interface Partial {
  readonly folder: string
  readonly key: string
  readonly owner: string
  readonly kind: Kind
}

/** Of a length that every file system takes, whatever the target is called. */
const nameOf = ({ key, kind, owner }: Pick<Partial, "key" | "owner" | "kind">): string =>
  `${ownPrefix}${key}.${owner}.${kind}`

export const pathOf = (partial: Partial): string => join(partial.folder, nameOf(partial))

/** The same for the same data on the same way only. */
export const keyOf = (parts: ReadonlyArray<string | number>): string =>
  Crypto.createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 20)

const newOwner = Effect.sync(() => Crypto.randomBytes(8).toString("hex"))

/** A new partial that nothing is known of yet. */
export const fresh = (folder: string, kind: Kind, key?: string): Effect.Effect<Partial> =>
  Effect.map(newOwner, (owner) => ({ folder, key: key ?? owner, owner, kind }))

interface Sign {
  readonly size: bigint
  readonly mtime: number | undefined
}

const signOf = (end: End, path: string): Effect.Effect<Sign | undefined> =>
  end.endpoint.files.lstat(path).pipe(
    Effect.map(({ mtime, size }) => ({ size, mtime: Option.getOrUndefined(mtime)?.getTime() })),
    Effect.orElseSucceed(() => undefined)
  )

/** A folder of some thousand names says that it is larger. */
const quicklyListed = 128 * 1024

/** Of the same transfer; a large folder is not listed where a program can look. */
const namesIn = Effect.fnUntraced(function* (
  end: End,
  { folder, key }: Partial
): Effect.fn.Return<ReadonlyArray<string>, TransferError.TransferError, Scope.Scope> {
  const { endpoint } = end
  const failed = (error: PlatformError.PlatformError) => ofPlatform(error, at(end, folder))
  const all = Effect.mapError(endpoint.files.readDirectory(folder), failed)
  // Beside the question how large the folder is: most are small.
  const listing = yield* Effect.forkScoped(all, { startImmediately: true })
  const { size } = yield* Effect.mapError(endpoint.files.stat(folder), failed)
  if (endpoint.isWindows === true || size <= quicklyListed) return yield* Fiber.join(listing)
  yield* Fiber.interrupt(listing)
  const text = `cd -- "$1" && for f in "$2".*; do [ ! -e "$f" ] || printf '%s\\n' "$f"; done`
  return yield* run(endpoint, { text, args: [folder, `${ownPrefix}${key}`] }, { consumer: collect(64 * 1024) }).pipe(
    Effect.mapError(failed),
    Effect.flatMap(({ exitCode, value }) =>
      exitCode === 0 ? Effect.succeed(value.toString("utf8").split("\n")) : all
    ),
    // Where no program can be had either.
    Effect.catchIf(
      ({ reason }) => reason._tag !== "ConnectionLost",
      () => all
    )
  )
}, Effect.scoped)

/**
 * Makes what an earlier run left of the same transfer this run's own partial. `false` where there is nothing, or others are
 * at it. Can be asked again after a lost connection: what was taken without a reply is found.
 */
export const take = Effect.fnUntraced(function* (
  end: End,
  mine: Partial
): Effect.fn.Return<boolean, TransferError.TransferError> {
  const { files } = end.endpoint
  const { folder, key, kind } = mine
  const names = yield* namesIn(end, mine)
  if (names.includes(nameOf(mine))) return true
  const left = names.flatMap((name) => {
    const owner = /^\.toehold-[0-9a-f]{20}\.([0-9a-z]{1,20})\.(?:part|tree)$/.exec(name)?.[1]
    return owner !== undefined && name === nameOf({ key, owner, kind }) ? [{ folder, key, owner, kind }] : []
  })
  const claim = (partial: Partial) =>
    files.rename(pathOf(partial), pathOf(mine)).pipe(
      Effect.as(true),
      Effect.mapError((error) => ofPlatform(error, at(end, folder))),
      Effect.catchIf(
        ({ reason }) => reason._tag !== "ConnectionLost",
        () => Effect.succeed(false)
      )
    )
  const resting = left.find(({ owner }) => owner === atRest)
  if (resting !== undefined && (yield* claim(resting))) return true
  const others = left.filter(({ owner }) => owner !== atRest)
  if (others.length === 0) return false
  const before = yield* Effect.forEach(others, (partial) => signOf(end, pathOf(partial)))
  yield* Effect.sleep(watchMillis)
  for (const [index, partial] of others.entries()) {
    const now = yield* signOf(end, pathOf(partial))
    const then = before[index]
    const isStill = now !== undefined && then !== undefined && now.size === then.size && now.mtime === then.mtime
    if (isStill && (yield* claim(partial))) return true
  }
  return false
})

/** Longest wait for a last word to a machine that may be gone. */
const farewell = "5 seconds"

/** Leaves it for a later run. */
export const leave = (end: End, partial: Partial): Effect.Effect<void> =>
  end.endpoint.files
    .rename(pathOf(partial), pathOf({ ...partial, owner: atRest }))
    .pipe(Effect.timeoutOption(farewell), Effect.ignore)

export const discard = (end: End, partial: Partial): Effect.Effect<void> => removeOr(end, pathOf(partial))

const removeOr = (end: End, path: string): Effect.Effect<void> =>
  end.endpoint.files.remove(path, { recursive: true, force: true }).pipe(
    Effect.timeoutOption(farewell),
    Effect.map(Option.isSome),
    Effect.orElseSucceed(() => false),
    Effect.map((isGone) => void (isGone ? end.litter.delete(path) : end.litter.add(path)))
  )

/** Removes what could not be removed before. */
export const tidy = (end: End): Effect.Effect<void> =>
  Effect.forEach([...end.litter], (path) => removeOr(end, path), { discard: true })

/** Says that somebody is at work on a tree, whose own time nothing else changes. */
export const heartbeat = (end: End, partial: Partial): Effect.Effect<never> =>
  Effect.gen(function* () {
    const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
    yield* Effect.ignore(end.endpoint.files.utimes(pathOf(partial), now / 1000, now / 1000))
    yield* Effect.sleep("1500 millis")
  }).pipe(Effect.forever)
