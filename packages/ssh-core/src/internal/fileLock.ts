import { Clock, Duration, Effect, FileSystem, Option, Schedule } from "effect"
import * as Crypto from "node:crypto"
import { ClientPlatform } from "../ClientPlatform.ts"
import * as SshError from "../SshError.ts"
import { fileFailure } from "./fileFailure.ts"

/** A lock this old was left behind: what is done under one takes milliseconds. */
const staleAfter = Duration.seconds(10)

/** Longer than it takes for a lock to grow stale, so that a crashed program never keeps another from writing. */
const longestWait = Duration.seconds(20)

const polling = Schedule.spaced("20 millis").pipe(Schedule.jittered, Schedule.upTo({ duration: longestWait }))

/** Windows reports a lock file that is just being deleted as one that may not be opened; it is gone at once. */
const deletion = Schedule.spaced("20 millis").pipe(Schedule.upTo({ times: 10 }))

/** What the work under a lock may ask of it. */
export interface Held {
  /** Fails with `FileLocked` where another program took the lock over: to be run just before what can't be undone. */
  readonly check: Effect.Effect<void, SshError.SshError>
  /** Gives the lock back, waits a little, and does the work again from the start. */
  readonly again: Effect.Effect<never, SshError.SshError>
}

/**
 * Runs work while holding `<file>.lock`, which is made with an exclusive create, so that it holds between processes and
 * on every file system. Fails with `FileLocked` where the lock can't be had in 20 s; a lock that was left behind is taken
 * over after 10 s.
 */
export const make = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const { os } = yield* ClientPlatform

  const takeOverStale = Effect.fnUntraced(function* (lock: string) {
    const info = yield* fs.stat(lock)
    const now = yield* Clock.currentTimeMillis
    const age = Option.match(info.mtime, { onNone: () => 0, onSome: (mtime) => now - mtime.getTime() })
    if (age < Duration.toMillis(staleAfter)) return
    const stale = yield* fs.readFileString(lock)
    const aside = `${lock}.${Crypto.randomUUID()}`
    yield* fs.rename(lock, aside)
    // Another waiter may have replaced the stale lock between the look and the rename: a live one is given back.
    const taken = yield* fs.readFileString(aside)
    if (taken !== stale) yield* Effect.ignore(fs.link(aside, lock))
    yield* fs.remove(aside, { force: true })
  })

  return <A>(
    file: string,
    work: (held: Held) => Effect.Effect<A, SshError.SshError>
  ): Effect.Effect<A, SshError.SshError> => {
    const lock = `${file}.lock`
    const locked = Effect.fail(SshError.make(new SshError.FileLocked({ path: file, lock })))
    const holds = (token: string) =>
      fs.readFileString(lock).pipe(
        Effect.map((content) => content === token),
        Effect.orElseSucceed(() => false)
      )
    const acquire = Effect.gen(function* () {
      const token = Crypto.randomUUID()
      const created = yield* fs.writeFileString(lock, token, { flag: "wx", mode: 0o600 }).pipe(
        Effect.retry({
          while: (error) => os === "win32" && error.reason._tag === "PermissionDenied",
          schedule: deletion
        }),
        Effect.as(true),
        Effect.catchIf(
          (error) => error.reason._tag === "AlreadyExists",
          () => Effect.succeed(false)
        ),
        Effect.mapError(fileFailure(lock))
      )
      if (created) return token
      yield* Effect.ignore(takeOverStale(lock))
      return yield* locked
    })
    return Effect.acquireUseRelease(
      acquire,
      (token) => work({ check: Effect.flatMap(holds(token), (held) => (held ? Effect.void : locked)), again: locked }),
      (token) => Effect.flatMap(holds(token), (held) => (held ? Effect.ignore(fs.remove(lock)) : Effect.void))
    ).pipe(
      // Retried as a whole, so that the wait between two attempts can be interrupted.
      Effect.retry({ while: (error) => error.reason._tag === "FileLocked", schedule: polling })
    )
  }
})
