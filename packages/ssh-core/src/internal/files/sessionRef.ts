/** The SFTP session that all calls of one file system share: opened when it is first needed, and again when it ended. */
import { Effect, Exit, Scope, Semaphore } from "effect"
import type { Sftp } from "../../Sftp.ts"
import type * as SshError from "../../SshError.ts"
import { Budget } from "./budget.ts"

/** Bytes that reads may have asked for and nobody has taken, or writes have sent without an answer. */
const maxOutstanding = 32 * 1024 * 1024

export interface Session {
  readonly sftp: Sftp
  readonly readAhead: Budget
  readonly writeBehind: Budget
}

interface Entry extends Session {
  readonly scope: Scope.Closeable
  users: number
  unwanted: boolean
}

export interface SessionRef {
  /** The session for as long as the scope. */
  readonly lease: Effect.Effect<Session, SshError.SshError, Scope.Scope>
  /** A further session, if the server has one to spare right now. */
  readonly extra: Effect.Effect<Sftp, SshError.SshError, Scope.Scope>
}

type Open = (options?: { readonly atOnce?: boolean }) => Effect.Effect<Sftp, SshError.SshError, Scope.Scope>

export const make = Effect.fnUntraced(function* (open: Open): Effect.fn.Return<SessionRef, never, Scope.Scope> {
  // In the place of its own: a session that is opened late is closed as late as the first, after all that uses it.
  const parent = yield* Scope.fork(yield* Effect.scope)
  const opening = yield* Semaphore.make(1)
  let current: Entry | undefined

  const end = (entry: Entry) =>
    Effect.suspend(() => {
      if (current === entry) current = undefined
      return Scope.close(entry.scope, Exit.void)
    })

  type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

  const openEntry = Effect.fnUntraced(function* (restore: Restore) {
    const scope = yield* Scope.fork(parent)
    const sftp = yield* restore(Scope.provide(open(), scope)).pipe(
      Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
    )
    const entry: Entry = {
      sftp,
      scope,
      readAhead: new Budget(maxOutstanding),
      writeBehind: new Budget(maxOutstanding),
      users: 1,
      unwanted: false
    }
    current = entry
    const giveWay = Effect.suspend(() => {
      entry.unwanted = true
      return entry.users === 0 ? end(entry) : Effect.void
    })
    yield* Effect.forkIn(Effect.andThen(sftp.wanted, giveWay), scope)
    yield* Effect.forkIn(Effect.andThen(sftp.closed, end(entry)), parent)
    return entry
  })

  const orTaken = <R>(otherwise: Effect.Effect<Entry, SshError.SshError, R>) =>
    Effect.suspend((): Effect.Effect<Entry, SshError.SshError, R> => {
      if (current?.sftp.isOpen() !== true) return otherwise
      current.users += 1
      return Effect.succeed(current)
    })

  const release = (entry: Entry) =>
    Effect.suspend(() => {
      entry.users -= 1
      return entry.users === 0 && entry.unwanted ? end(entry) : Effect.void
    })

  const take = (restore: Restore) =>
    orTaken(
      Effect.acquireUseRelease(
        restore(Semaphore.take(opening, 1)),
        () => orTaken(openEntry(restore)),
        () => Semaphore.release(opening, 1)
      )
    )

  return {
    // Once a session is taken nothing may come in between, or it would count as in use for ever.
    lease: Effect.uninterruptibleMask((restore) =>
      Effect.tap(take(restore), (entry) => Effect.addFinalizer(() => release(entry)))
    ),
    extra: open({ atOnce: true })
  }
})
