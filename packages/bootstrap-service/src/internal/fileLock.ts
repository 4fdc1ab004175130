import { closeSync, openSync } from "node:fs"
import { Effect, type Scope } from "effect"
import * as BootstrapError from "../BootstrapError.ts"

/**
 * Has a file alone until the scope closes or the process ends, however it ends: the lock is the operating system's, taken
 * by SQLite on a database beside the file. It doesn't wait for another process that has it.
 */
export const lockFile = (file: string): Effect.Effect<void, BootstrapError.BootstrapError, Scope.Scope> =>
  Effect.gen(function* () {
    if (file === ":memory:") return
    const failed = (cause: unknown) =>
      BootstrapError.make(
        new BootstrapError.StoreFailed({
          detail: `another process runs the sessions of ${file}, or it can't be locked (${String(cause)})`,
          isRetryable: true
        })
      )
    const sqlite = yield* Effect.tryPromise({ try: () => import("node:sqlite"), catch: failed })
    yield* Effect.acquireRelease(
      Effect.try({
        try: () => {
          closeSync(openSync(`${file}.lock`, "a", 0o600))
          const lock = new sqlite.DatabaseSync(`${file}.lock`)
          lock.exec("BEGIN EXCLUSIVE")
          return lock
        },
        catch: failed
      }),
      (lock) => Effect.sync(() => lock.close())
    )
  })
