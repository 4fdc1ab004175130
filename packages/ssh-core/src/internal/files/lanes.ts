/**
 * More ways into one file. A server takes no more than a window's worth of data on a channel in each round trip, so where
 * that is long a file is written over several.
 */
import { Clock, Effect, Option, Scope } from "effect"
import { randomInt } from "node:crypto"
import type { Handle, Sftp } from "../../Sftp.ts"
import type { SshError } from "../../SshError.ts"
import { type Open, windowOf } from "./readAhead.ts"

/** A file that is smaller is written before another channel would be open. */
const worthIt = 4n * 1024n * 1024n

/** What a channel carries in a round trip: OpenSSH's window. */
const channelBytes = 2 * 1024 * 1024

const mostLanes = 6

/** One way for data into the file: a handle of a session. */
export interface Lane {
  readonly sftp: Sftp
  readonly handle: Handle
}

export interface Lanes {
  /** Says how much was written; opens the lanes, in the background, when that is worth it. */
  readonly offer: (written: bigint, add: (lane: Lane) => void) => Effect.Effect<void>
}

export const make = Effect.fnUntraced(function* (
  open: Open,
  extra: Effect.Effect<Sftp, SshError, Scope.Scope>
): Effect.fn.Return<Lanes | undefined, never, Scope.Scope> {
  const count = Math.min(Math.ceil(windowOf(open.session.sftp.roundTripMs) / channelBytes), mostLanes) - 1
  if (count < 1) return undefined
  const scope = yield* Effect.scope
  let begun = false

  const one = Effect.gen(function* () {
    const sftp = yield* extra
    const handle = yield* Effect.acquireRelease(sftp.open(open.handle.path, { write: true }), (handle) =>
      Effect.sync(() => sftp.release(handle))
    )
    return { sftp, handle }
  })

  const openAll = Effect.fnUntraced(function* (add: (lane: Lane) => void) {
    const opened = yield* Effect.forEach(Array.from({ length: count }), () => Effect.option(one), {
      concurrency: "unbounded"
    })
    for (const lane of yield* ofSameFile(open, opened.flatMap(Option.toArray))) add(lane)
  })

  return {
    offer: (written, add) => {
      if (begun || written < worthIt) return Effect.void
      begun = true
      // Without more lanes it is slower, and right.
      return Effect.asVoid(Effect.forkIn(Effect.ignore(Scope.provide(openAll(add), scope)), scope))
    }
  }
})

/** The path may lead to another file by now: only what is changed through the one handle and seen through the other is it. */
const ofSameFile = Effect.fnUntraced(function* (
  { handle, session: { sftp } }: Open,
  lanes: ReadonlyArray<Lane>
): Effect.fn.Return<ReadonlyArray<Lane>, SshError> {
  if (lanes.length === 0) return []
  const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
  const mark = randomInt(1, 2 ** 31)
  yield* sftp.fsetstat(handle, { atime: mark, mtime: now })
  const seen = yield* Effect.forEach(lanes, (lane) => Effect.option(lane.sftp.fstat(lane.handle)), {
    concurrency: "unbounded"
  })
  yield* sftp.fsetstat(handle, { atime: now, mtime: now })
  return lanes.filter((_, index) => Option.exists(seen[index] ?? Option.none(), ({ atime }) => atime === mark))
})
