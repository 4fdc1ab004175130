/** Starting a job that may be there already, from this attempt or an earlier one. */
import { Effect } from "effect"
import type { Jobs } from "@toehold/jobs/Jobs"
import type * as JobsError from "@toehold/jobs/JobsError"
import type { JobSpec } from "@toehold/jobs/JobSpec"
import { isDone, type JobStatus } from "@toehold/jobs/JobStatus"

/**
 * Starts the job, or finds the one of its id that runs. One that is over is forgotten first, and one that runs something
 * else is ended.
 */
export const startFresh = Effect.fnUntraced(function* (
  jobs: Jobs["Service"],
  spec: JobSpec & { readonly id?: string | undefined }
): Effect.fn.Return<JobStatus, JobsError.JobsError> {
  const id = spec.id ?? ""
  const before = yield* jobs.status(id).pipe(
    Effect.catchIf(
      ({ reason }) => reason._tag === "NotFound",
      () => Effect.succeed(undefined)
    )
  )
  if (before !== undefined && isDone(before)) yield* jobs.forget(id)
  return yield* jobs.start(spec).pipe(
    Effect.catchIf(
      ({ reason }) => reason._tag === "AlreadyExists",
      () => Effect.andThen(Effect.andThen(jobs.kill(id), jobs.forget(id)), jobs.start(spec))
    )
  )
})
