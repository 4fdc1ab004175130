/** Counts what has arrived, and tells of it now and then. */
import { Clock, Effect } from "effect"
import type { Progress } from "../Progress.ts"

export interface Meter {
  /** Data on its way. */
  readonly add: (bytes: number) => void
  /** Data that was there before, or, with less than nothing, that has to be sent again. */
  readonly credit: (bytes: number) => void
  /** Adds to what is expected. */
  readonly expect: (files: number, bytes: number) => void
  /** One more file in place. */
  readonly fileDone: () => void
  /** Anything else at the target's final paths that changed. */
  readonly placed: () => void
  /** Nothing since there were so many is at a final path after all. */
  readonly hidden: (placed: number) => void
  readonly state: {
    readonly bytes: number
    readonly totalBytes: number
    readonly files: number
    readonly totalFiles: number
    readonly placed: number
    /** All bytes that were ever sent, those sent twice included. */
    readonly moved: number
  }
}

export const make = (): Meter => {
  const state = { bytes: 0, totalBytes: 0, files: 0, totalFiles: 0, placed: 0, moved: 0 }
  return {
    state,
    add: (bytes) => {
      state.bytes += bytes
      state.moved += bytes
    },
    credit: (bytes) => {
      state.bytes += bytes
    },
    expect: (files, bytes) => {
      state.totalFiles += files
      state.totalBytes += bytes
    },
    fileDone: () => {
      state.files += 1
      state.placed += 1
    },
    placed: () => {
      state.placed += 1
    },
    hidden: (placed) => {
      state.placed = placed
    }
  }
}

/** Two events a second are enough for any eye, and cost nothing. */
const interval = "500 millis"

/** The rate is that of the last seconds, so that a stall shows and a slow start is forgotten. */
const window = 10

/** Tells of the progress while the effect runs, and once more at its end. */
export const reporting =
  (meter: Meter, tell: ((progress: Progress) => Effect.Effect<void>) | undefined) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
    if (tell === undefined) return effect
    const past: Array<{ readonly at: number; readonly bytes: number }> = []
    const look = Effect.gen(function* () {
      const at = yield* Clock.currentTimeMillis
      const { bytes, files, totalBytes, totalFiles } = meter.state
      past.push({ at, bytes })
      if (past.length > window * 2 + 1) past.shift()
      const first = past[0]
      const seconds = first === undefined ? 0 : (at - first.at) / 1000
      // What was taken back for another try is no negative speed.
      const rate = first === undefined || seconds === 0 ? 0 : Math.max(0, (bytes - first.bytes) / seconds)
      const left = Math.max(0, totalBytes - bytes)
      yield* tell({
        bytes,
        totalBytes,
        files,
        totalFiles,
        rate,
        eta: left === 0 ? 0 : rate === 0 ? undefined : left / rate
      })
    })
    const watch = Effect.forever(Effect.andThen(look, Effect.sleep(interval)))
    return Effect.raceFirst(effect, watch).pipe(Effect.tap(() => look))
  }
