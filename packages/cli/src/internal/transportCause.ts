import type { JobsError } from "@toehold/jobs/JobsError"
import type { SerialError } from "@toehold/serial-runner/SerialError"
import type { SshError } from "@toehold/ssh-core/SshError"

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

const isTransportError = (value: unknown): value is SshError | SerialError =>
  isRecord(value) && (value["_tag"] === "SshError" || value["_tag"] === "SerialError")

/** What was wrong with the way to the machine, where that is what a job's failure comes from. */
export const causeOf = ({ reason }: JobsError): SshError | SerialError | undefined => {
  let cause: unknown = reason._tag === "Transport" ? reason.cause : undefined
  for (let depth = 0; isRecord(cause) && depth < 5; depth++) {
    if (isTransportError(cause)) return cause
    cause = cause["cause"]
  }
  return undefined
}
