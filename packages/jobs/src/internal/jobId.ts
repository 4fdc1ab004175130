/** Names of jobs: one word in a shell, in a path and on a command line. */
import { Effect, Result } from "effect"
import * as JobsError from "../JobsError.ts"

/** Without letters and digits that look alike. */
const alphabet = "abcdefghijkmnpqrstuvwxyz23456789"

export const randomWord = (length: number): Effect.Effect<string> =>
  Effect.sync(() =>
    Array.from(globalThis.crypto.getRandomValues(new Uint8Array(length)), (byte) => alphabet[byte % 32]).join("")
  )

export const checkId = (id: string): Result.Result<string, JobsError.JobsError> =>
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(id)
    ? Result.succeed(id)
    : Result.fail(
        JobsError.make(
          new JobsError.InvalidArgument({
            argument: `The job's name "${id}"`,
            detail: "a name is letters, digits, . _ and -, 64 at most, and begins with a letter or digit"
          })
        )
      )
