/** Whole files: streams out of them, sinks into them, and both in one call. */
import { type Array, Effect, Pull, type Scope, Stream } from "effect"
import type { SshError } from "../../SshError.ts"
import { kindOf } from "../sftp/attributes.ts"
import { failed } from "../sftp/cause.ts"
import { invalid } from "./failure.ts"
import * as Lanes from "./lanes.ts"
import * as Opening from "./opening.ts"
import * as ReadAhead from "./readAhead.ts"
import type { SessionRef } from "./sessionRef.ts"
import * as WriteBehind from "./writeBehind.ts"

export interface Part {
  readonly from: bigint
  /** Where to stop, if before the end. */
  readonly to: bigint | undefined
  /** Length of each piece that is handed out, but for the last one. */
  readonly pieceBytes: number
}

const pull = Effect.fnUntraced(function* (sessions: SessionRef, path: string, { from, pieceBytes, to }: Part) {
  const session = yield* sessions.lease
  const open = yield* Opening.forReading(session, path)
  const told: ReadAhead.Told = {}
  // Asked for before the data, and so answered before it, without a round trip of its own.
  yield* session.sftp.fstat(open.handle).pipe(
    Effect.map((attributes) => {
      if (attributes.size !== undefined && kindOf(attributes) === "File") told.size = attributes.size
    }),
    Effect.ignore,
    Effect.forkScoped({ startImmediately: true })
  )
  const unit = Math.max(1, Math.floor(session.sftp.limits.readBytes / pieceBytes)) * pieceBytes
  const units = yield* ReadAhead.pull({ ...open, from, to, unit, told })
  const next = Effect.map(units.next, (data): Array.NonEmptyReadonlyArray<Uint8Array> => {
    const pieces: Array.NonEmptyArray<Uint8Array> = [data.subarray(0, pieceBytes)]
    for (let at = pieceBytes; at < data.length; at += pieceBytes) pieces.push(data.subarray(at, at + pieceBytes))
    return pieces
  })
  return { next }
})

export const stream = (sessions: SessionRef, path: string, part: Part): Stream.Stream<Uint8Array, SshError> => {
  if (part.pieceBytes === 0) return Stream.empty
  return Number.isSafeInteger(part.pieceBytes) && part.pieceBytes > 0
    ? Stream.unwrap(Effect.map(pull(sessions, path, part), ({ next }) => Stream.fromPull(Effect.succeed(next))))
    : Stream.fail(invalid("The chunk size", "it must be a whole number that is not negative"))
}

/** All of a file. */
export const read = (sessions: SessionRef, path: string): Effect.Effect<Uint8Array, SshError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const { next } = yield* pull(sessions, path, { from: 0n, to: undefined, pieceBytes: 128 * 1024 })
      const all: Array<Uint8Array> = []
      const collect = Effect.map(next, (pieces) => void all.push(...pieces))
      yield* Effect.forever(collect).pipe(Pull.catchDone(() => Effect.void))
      return Buffer.concat(all)
    })
  )

/** A writer for a path. Where something fails, what a new file keeps is what came before it, without holes. */
export const writer = Effect.fnUntraced(function* (
  sessions: SessionRef,
  path: string,
  request: Opening.Request
): Effect.fn.Return<Pick<WriteBehind.Writer, "push" | "finish">, SshError, Scope.Scope> {
  const session = yield* sessions.lease
  const can = Opening.allowed(request.flag)
  let closed = false
  const handle = yield* Effect.acquireRelease(
    Opening.open(session, path, request),
    (handle) => (closed ? Effect.void : Effect.ignore(session.sftp.close(handle))),
    { interruptible: true }
  )
  if (can.write !== true) return yield* failed(path, "EBADF")
  const append = can.append === true
  const lanes = append ? undefined : yield* Lanes.make({ session, handle }, sessions.extra)
  const behind = yield* WriteBehind.make({ session, handle, from: 0n, lanes, append })
  const isNew = !append && (can.truncate === true || can.exclusive === true)
  const keepWhole = Effect.suspend(() =>
    isNew
      ? Effect.ignore(
          Effect.andThen(Effect.ignore(behind.finish), () => session.sftp.fsetstat(handle, { size: behind.written() }))
        )
      : Effect.void
  )
  const close = Effect.suspend(() => {
    closed = true
    return session.sftp.close(handle)
  })
  return {
    push: (data) => Effect.tapError(behind.push(data), () => keepWhole),
    finish: Effect.andThen(
      Effect.tapError(behind.finish, () => keepWhole),
      close
    )
  }
})
