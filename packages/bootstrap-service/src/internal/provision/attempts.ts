/**
 * The attempts of a piece of work, each a job of its own: the next one has the next number, so that of all clients that
 * see the same last attempt fail one starts the next, and the others find it.
 */
import { Effect } from "effect"
import type * as Jobs from "@toehold/jobs/Jobs"
import type * as JobsError from "@toehold/jobs/JobsError"
import type { JobStatus } from "@toehold/jobs/JobStatus"

export interface Attempt {
  readonly number: number
  readonly status: JobStatus
}

export const attemptId = (base: string, number: number): string => (number === 1 ? base : `${base}-r${number}`)

const numberOf = (base: string, id: string): number | undefined => {
  if (id === base) return 1
  const digits = id.startsWith(`${base}-r`) ? id.slice(base.length + 2) : ""
  return /^[1-9]\d{0,5}$/.test(digits) ? Number(digits) : undefined
}

/** Oldest first. */
export const attemptsOf = (
  jobs: Jobs.Jobs["Service"],
  base: string
): Effect.Effect<ReadonlyArray<Attempt>, JobsError.JobsError> =>
  Effect.map(jobs.list, (all) =>
    all
      .flatMap((status): ReadonlyArray<Attempt> => {
        const number = numberOf(base, status.id)
        return number === undefined ? [] : [{ number, status }]
      })
      .toSorted((first, second) => first.number - second.number)
  )

/** Clears away what nobody asks about any more: all attempts but the last two. Others may be at it, too. */
export const clearOld = (jobs: Jobs.Jobs["Service"], attempts: ReadonlyArray<Attempt>): Effect.Effect<void> =>
  Effect.forEach(attempts.slice(0, -1), ({ status }) => Effect.ignore(jobs.forget(status.id)), { discard: true })
