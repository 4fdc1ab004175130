/** Starting a job that may be there already, from this attempt or an earlier one. */
import { Effect } from "effect"
import type { Jobs } from "@toehold/jobs/Jobs"
import type * as JobsError from "@toehold/jobs/JobsError"
import type { JobSpec } from "@toehold/jobs/JobSpec"
import { isDone, type JobStatus } from "@toehold/jobs/JobStatus"

/** The job of an id, where there is one. */
export const find = (jobs: Jobs["Service"], id: string): Effect.Effect<JobStatus | undefined, JobsError.JobsError> =>
  jobs.status(id).pipe(
    Effect.catchIf(
      ({ reason }) => reason._tag === "NotFound",
      () => Effect.undefined
    )
  )

/**
 * Starts the job, or finds the one of its id that runs. The one that was found `before` is forgotten first if it is over,
 * and ended if it runs something else.
 */
export const startFresh = (
  jobs: Jobs["Service"],
  spec: JobSpec & { readonly id: string },
  before: JobStatus | undefined
): Effect.Effect<JobStatus, JobsError.JobsError> =>
  Effect.gen(function* () {
    if (before !== undefined && isDone(before)) yield* jobs.forget(spec.id)
    return yield* jobs.start(spec).pipe(
      Effect.catchIf(
        ({ reason }) => reason._tag === "AlreadyExists",
        () => Effect.andThen(Effect.andThen(jobs.kill(spec.id), jobs.forget(spec.id)), jobs.start(spec))
      )
    )
  })
