/** Writing a file in order with many requests under way. */
import { Deferred, Effect, Exit, type Scope } from "effect"
import type * as SshError from "../../SshError.ts"
import type { Lane, Lanes } from "./lanes.ts"
import { type Open, windowOf } from "./readAhead.ts"

/** More than a server takes in before it answers, so that it never waits: OpenSSH gives each channel a window of 2 MiB. */
const laneBytes = 3 * 1024 * 1024

export interface Options extends Open {
  readonly from: bigint
  /** Opens more ways into the file where one is not enough for the round trip. */
  readonly lanes: Lanes | undefined
  /** The writes go where the file ends, so each must be done before the next one. */
  readonly append: boolean
}

export interface Writer {
  /** Takes data over; returns before it is written, and waits only while too much is under way. */
  readonly push: (data: Uint8Array) => Effect.Effect<void, SshError.SshError>
  /** Waits until everything is written. */
  readonly finish: Effect.Effect<void, SshError.SshError>
  /** How far from the start everything is written, once nothing is under way. */
  readonly written: () => bigint
}

interface LaneState extends Lane {
  underWay: number
}

interface Failed {
  readonly at: bigint
  readonly error: SshError.SshError
}

export const make = Effect.fnUntraced(function* (options: Options): Effect.fn.Return<Writer, never, Scope.Scope> {
  const { sftp, writeBehind } = { ...options.session }
  const scope = yield* Effect.scope
  const unit = sftp.limits.writeBytes
  const most = options.append ? 1 : windowOf(sftp.roundTripMs)
  const lanes: Array<LaneState> = [{ sftp, handle: options.handle, underWay: 0 }]
  let pieces: Array<Uint8Array> = []
  let gathered = 0
  let position = options.from
  let underWay = 0
  let failure: Failed | undefined
  let changed = Deferred.makeUnsafe<void>()

  const settled = (lane: LaneState, at: bigint, length: number) => (exit: Exit.Exit<void, SshError.SshError>) =>
    Effect.sync(() => {
      lane.underWay -= length
      underWay -= length
      writeBehind.give(length)
      if (Exit.isFailure(exit)) {
        const error = Exit.findErrorOption(exit)
        if (error._tag === "Some" && (failure === undefined || at < failure.at)) failure = { at, error: error.value }
      }
      const before = changed
      changed = Deferred.makeUnsafe<void>()
      Deferred.doneUnsafe(before, Effect.void)
    })

  const isBusy = () => underWay > 0

  const leastBusy = () => lanes.reduce((best, lane) => (lane.underWay < best.underWay ? lane : best))

  const send = Effect.fnUntraced(function* (data: Uint8Array) {
    for (;;) {
      if (failure !== undefined) return yield* failure.error
      const lane = leastBusy()
      const fits = underWay === 0 || (underWay + data.length <= most && lane.underWay + data.length <= laneBytes)
      if (fits && writeBehind.take(data.length, underWay === 0)) {
        const at = position
        position += BigInt(data.length)
        lane.underWay += data.length
        underWay += data.length
        yield* Effect.forkIn(
          Effect.onExit(lane.sftp.write(lane.handle, at, data), settled(lane, at, data.length)),
          scope,
          { startImmediately: true }
        )
        return
      }
      yield* Deferred.await(changed)
    }
  })

  const flush = Effect.suspend(() => {
    const data = pieces.length === 1 ? pieces[0] : Buffer.concat(pieces)
    pieces = []
    gathered = 0
    return data === undefined || data.length === 0 ? Effect.void : send(data)
  })

  const offer = () =>
    options.lanes?.offer(position - options.from, (lane) => {
      lanes.push({ ...lane, underWay: 0 })
    }) ?? Effect.void

  const push = Effect.fnUntraced(function* (data: Uint8Array) {
    for (let start = 0; start < data.length;) {
      const piece = data.subarray(start, start + unit - gathered)
      start += piece.length
      pieces.push(piece)
      gathered += piece.length
      // Small pieces are put together while there is something to wait for, and not held back when there is not.
      if (gathered === unit || underWay === 0) {
        yield* flush
        yield* offer()
      }
    }
  })

  const finish = Effect.gen(function* () {
    yield* flush
    while (isBusy()) yield* Deferred.await(changed)
    if (failure !== undefined) return yield* failure.error
  })

  return { push, finish, written: () => failure?.at ?? position }
})
