/**
 * More ways into one file. A server takes no more than a window's worth of data on a channel in each round trip, so where
 * that is long a file is written over several.
 */
import { Clock, Effect, Scope } from "effect"
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
  let opened = false

  const one = Effect.gen(function* () {
    const sftp = yield* extra
    const handle = yield* Effect.acquireRelease(sftp.open(open.handle.path, { write: true }), (handle) =>
      Effect.sync(() => sftp.release(handle))
    )
    return { sftp, handle }
  })

  const openAll = Effect.fnUntraced(function* (add: (lane: Lane) => void) {
    for (let index = 0; index < count; index++) {
      const lane = yield* one
      if (!(yield* isSameFile(open, lane))) return
      add(lane)
    }
  })

  return {
    offer: (written, add) => {
      if (opened || written < worthIt) return Effect.void
      opened = true
      // Without more lanes it is slower, and right.
      return Effect.asVoid(Effect.forkIn(Effect.ignore(Scope.provide(openAll(add), scope)), scope))
    }
  }
})

/** The path may lead to another file by now: only what is changed through the one handle and seen through the other is it. */
const isSameFile = Effect.fnUntraced(function* (open: Open, lane: { readonly sftp: Sftp; readonly handle: Handle }) {
  const { sftp } = open.session
  const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
  const mark = randomInt(1, 2 ** 31)
  yield* sftp.fsetstat(open.handle, { atime: mark, mtime: now })
  const seen = yield* lane.sftp.fstat(lane.handle)
  yield* sftp.fsetstat(open.handle, { atime: now, mtime: now })
  return seen.atime === mark
})
