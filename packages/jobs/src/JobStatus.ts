/**
 * What is known of a job.
 *
 * @since 0.1.0
 */
import { Data, type DateTime } from "effect"

/**
 * `Exited` and `Killed` are what the command itself came to. `Lost` is a job of which neither process nor end is there:
 * the machine was started anew (`reboot`), or everything that belonged to the job was killed at once (`outside`).
 *
 * **Gotchas**
 *
 * A shell can't tell an exit code of 130 or 141 from a death by SIGINT or SIGPIPE: these two count as deaths.
 *
 * @since 0.1.0
 * @category models
 */
export type JobState = Data.TaggedEnum<{
  Running: {}
  Exited: { readonly exitCode: number }
  /** `signal` as Node has them: `SIGTERM`. */
  Killed: { readonly signal: string }
  Lost: { readonly cause: "reboot" | "outside" }
}>

/**
 * Constructors and matchers of {@link JobState}.
 *
 * @since 0.1.0
 * @category constructors
 */
export const JobState = Data.taggedEnum<JobState>()

/**
 * A job as its machine knows it. Times are of the machine's clock, to the second.
 *
 * @since 0.1.0
 * @category models
 */
export interface JobStatus {
  readonly id: string
  /** The command as a person would type it, shortened where it is very long; never with secrets. */
  readonly command: string
  readonly cwd: string | undefined
  readonly state: JobState
  /** Whether the job's own time limit ended it. */
  readonly timedOut: boolean
  /** The command's process, which leads a group of its own. */
  readonly pid: number | undefined
  readonly startedAt: DateTime.Utc | undefined
  readonly endedAt: DateTime.Utc | undefined
  /** Bytes that the command has printed, those that were cut off included: where the next byte will be. */
  readonly stdoutBytes: number
  readonly stderrBytes: number
}

/**
 * Whether the job is over, so that no output will come.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isDone = (status: JobStatus): boolean => status.state._tag !== "Running"
