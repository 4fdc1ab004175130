/** Failures of jobs, as failures of the step that they belong to. */
import * as JobsError from "@toehold/jobs/JobsError"
import * as ProvisionError from "../../ProvisionError.ts"
import type { Step } from "../../ProvisionEvent.ts"

export const jobFailure = (step: Step, cause: JobsError.JobsError): ProvisionError.ProvisionError => {
  const { fix, isRetryable, message, outcome, reason } = cause
  return ProvisionError.make(
    new ProvisionError.JobFailed({ step, kind: reason._tag, detail: message, hint: fix, isRetryable, outcome, cause })
  )
}

/** Whether it is one of these. */
export const whenJob =
  (...tags: ReadonlyArray<JobsError.Reason["_tag"]>) =>
  ({ reason }: JobsError.JobsError): boolean =>
    tags.includes(reason._tag)
