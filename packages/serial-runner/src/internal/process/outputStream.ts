/** One output of a process: pieces in their order, acknowledged as they are taken. */
import { Cause, Effect, Queue, Stream } from "effect"
import type * as SerialError from "../../SerialError.ts"
import type { Session, StreamName } from "./session.ts"

/** Output that waits for its reader; past this the process is held back. */
const highWater = 256 * 1024

export interface OutputStream {
  readonly stream: Stream.Stream<Uint8Array, SerialError.SerialError>
  /** A piece came whole. */
  readonly arrive: (index: number, data: Buffer) => void
  /** There is a piece, which may have come or not. */
  readonly isThere: (index: number) => void
  /** There are so many pieces, and nothing behind them. */
  readonly ends: (count: number, why: SerialError.SerialError | undefined) => void
  readonly fail: (error: SerialError.SerialError) => void
  /** Takes everything from now on, and keeps none of it. */
  readonly drain: () => void
  /** Nothing more is to come. */
  readonly isDone: () => boolean
}

export const make = Effect.fnUntraced(function* (
  session: Session,
  sequence: number,
  name: StreamName,
  isOpen: boolean
): Effect.fn.Return<OutputStream> {
  const queue = yield* Queue.unbounded<Uint8Array, SerialError.SerialError | Cause.Done>()
  const ahead = new Map<number, Buffer>()
  const pulled = new Set<number>()
  let next = 0
  let acknowledged = -1
  let waiting = 0
  let isDraining = false
  let end: { readonly count: number; readonly why: SerialError.SerialError | undefined } | undefined
  let isDone = !isOpen
  if (isDone) Queue.endUnsafe(queue)

  const acknowledge = (again = false): void => {
    if (waiting > highWater || next === 0 || (!again && acknowledged === next - 1)) return
    acknowledged = next - 1
    session.later("pA", sequence, name, acknowledged)
  }
  const finish = (): void => {
    if (isDone || end === undefined || next < end.count) return
    isDone = true
    if (end.why === undefined) Queue.endUnsafe(queue)
    else Queue.failCauseUnsafe(queue, Cause.fail(end.why))
  }
  const arrive = (index: number, data: Buffer): void => {
    if (index < next) return acknowledge(true)
    ahead.set(index, data)
    for (let piece = ahead.get(next); piece !== undefined; piece = ahead.get(next)) {
      ahead.delete(next)
      next += 1
      if (isDraining) continue
      waiting += piece.length
      Queue.offerUnsafe(queue, piece)
    }
    acknowledge()
    finish()
  }
  return {
    stream: Stream.fromQueue(queue).pipe(
      Stream.mapArray((chunks) => {
        for (const chunk of chunks) waiting -= chunk.length
        acknowledge()
        return chunks
      })
    ),
    arrive,
    isThere: (index) => {
      if (index < next) return acknowledge(true)
      if (ahead.has(index) || pulled.has(index)) return
      pulled.add(index)
      session.start(
        session.pull(sequence, name, index).pipe(
          Effect.flatMap((data) => Effect.sync(() => arrive(index, data))),
          Effect.ignore,
          Effect.ensuring(Effect.sync(() => pulled.delete(index)))
        )
      )
    },
    ends: (count, why) => {
      end ??= { count, why }
      finish()
    },
    fail: (error) => {
      if (isDone) return
      isDone = true
      Queue.failCauseUnsafe(queue, Cause.fail(error))
    },
    drain: () => {
      isDraining = true
      waiting = 0
      acknowledge()
    },
    isDone: () => isDone
  }
})
