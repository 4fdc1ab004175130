import type { JobsError } from "@toehold/jobs/JobsError"
import type { SshError } from "@toehold/ssh-core/SshError"

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

const isSshError = (value: unknown): value is SshError => isRecord(value) && value["_tag"] === "SshError"

/** What was wrong with the way to the machine, where that is what a job's failure comes from. */
export const causeOf = ({ reason }: JobsError): SshError | undefined => {
  let cause: unknown = reason._tag === "Transport" ? reason.cause : undefined
  for (let depth = 0; isRecord(cause) && depth < 5; depth++) {
    if (isSshError(cause)) return cause
    cause = cause["cause"]
  }
  return undefined
}
