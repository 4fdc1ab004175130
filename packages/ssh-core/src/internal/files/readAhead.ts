/** Reading a file from one place to another with many requests under way. */
import { Cause, Effect, Exit, Fiber, type Pull, Scope } from "effect"
import type { Handle } from "../../Sftp.ts"
import type * as SshError from "../../SshError.ts"
import type { Session } from "./sessionRef.ts"

/** What may be under way for one file: enough to keep a fast link busy for a round trip. */
export const windowOf = (roundTripMs: number): number =>
  Math.min(Math.max(Math.ceil(roundTripMs * bytesPerMs), minWindow), maxWindow)
const bytesPerMs = 400_000
const batch = 4
const minWindow = 4 * 1024 * 1024
const maxWindow = 16 * 1024 * 1024

export interface Open {
  readonly session: Session
  readonly handle: Handle
}

/** What the server said of the file, once it did. */
export interface Told {
  size?: bigint
}

/** Up to `length` bytes in one request after the other, until that many are there or the file ends. */
const filled = Effect.fnUntraced(function* (
  { handle, session }: Open,
  position: bigint,
  length: number,
  told: Told
): Effect.fn.Return<Uint8Array, SshError.SshError> {
  const first = yield* session.sftp.read(handle, position, length)
  if (first === undefined) return new Uint8Array(0)
  if (first.length === length || isEnd(position + BigInt(first.length), told)) return first
  const all = [first]
  for (let have = first.length; have < length;) {
    const next = yield* session.sftp.read(handle, position + BigInt(have), length - have)
    if (next === undefined || next.length === 0) break
    all.push(next)
    have += next.length
  }
  return Buffer.concat(all)
})

/** Files that are made as they are read, as in /proc, have the size 0: there the server must say where the end is. */
const isEnd = (position: bigint, { size }: Told): boolean => size !== undefined && size > 0n && position >= size

/** A part of a file, in as many requests at once as it takes: less than `length` bytes only at the end of the file. */
export const range = (
  open: Open,
  position: bigint,
  length: number,
  told: Told = {}
): Effect.Effect<Uint8Array, SshError.SshError> => {
  const { limits, roundTripMs } = open.session.sftp
  if (length <= limits.readBytes) return filled(open, position, length, told)
  const starts = Array.from({ length: Math.ceil(length / limits.readBytes) }, (_, index) => index * limits.readBytes)
  return Effect.forEach(
    starts,
    (start) => filled(open, position + BigInt(start), Math.min(limits.readBytes, length - start), told),
    { concurrency: Math.ceil(windowOf(roundTripMs) / limits.readBytes) }
  ).pipe(
    Effect.map((parts) => {
      const end = parts.findIndex(
        (part, index) => part.length < Math.min(limits.readBytes, length - (starts[index] ?? 0))
      )
      return Buffer.concat(end === -1 ? parts : parts.slice(0, end + 1))
    })
  )
}

export interface Options extends Open {
  readonly from: bigint
  /** Where to stop, if before the end of the file. */
  readonly to: bigint | undefined
  /** How much to ask for at a time; each piece but the last is as long. */
  readonly unit: number
  readonly told: Told
}

interface UnderWay {
  readonly fiber: Fiber.Fiber<Uint8Array, SshError.SshError>
  readonly length: number
}

/** The pieces of a file in order. The requests end with the scope. */
export const pull = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<{ readonly next: Pull.Pull<Uint8Array, SshError.SshError> }, never, Scope.Scope> {
  const { readAhead, sftp } = options.session
  const parent = yield* Effect.scope
  const scope = yield* Scope.fork(parent)
  const mostUnits = Math.max(2, Math.ceil(windowOf(sftp.roundTripMs) / options.unit))
  const underWay: Array<UnderWay> = []
  let asked = options.from
  let units = 2
  let ended = false

  yield* Scope.addFinalizer(
    scope,
    Effect.sync(() => {
      for (const { length } of underWay.splice(0)) readAhead.give(length)
    })
  )

  const ask = Effect.gen(function* () {
    // Several at a time, which then travel together.
    if (underWay.length > 0 && underWay.length > units - Math.min(batch, units / 2)) return
    while (underWay.length < units) {
      const left = options.to === undefined ? BigInt(options.unit) : options.to - asked
      // Past the end that was told there is most often nothing: one request is enough to see.
      const beyond = underWay.length > 0 && isEnd(asked - BigInt(options.unit), options.told)
      if (left <= 0n || beyond) return
      const length = left < BigInt(options.unit) ? Number(left) : options.unit
      if (!readAhead.take(length, underWay.length === 0)) return
      const fiber = yield* Effect.forkIn(range(options, asked, length, options.told), scope, { startImmediately: true })
      underWay.push({ fiber, length })
      asked += BigInt(length)
    }
  })

  const finish = Effect.suspend(() => {
    ended = true
    return Effect.andThen(Scope.close(scope, Exit.void), Cause.done())
  })

  const next = Effect.gen(function* () {
    if (ended) return yield* Cause.done()
    yield* ask
    const [head] = underWay
    if (head === undefined) return yield* finish
    const piece = yield* Fiber.join(head.fiber)
    underWay.shift()
    readAhead.give(head.length)
    if (piece.length === 0) return yield* finish
    if (piece.length < head.length) {
      ended = true
      yield* Scope.close(scope, Exit.void)
    } else {
      units = Math.min(units * 2, mostUnits)
      yield* ask
    }
    return piece
  })

  return { next }
})
