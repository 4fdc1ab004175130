/**
 * Output of a job, by its offset in the stream that it belongs to.
 *
 * @since 0.1.0
 */
import type { JobStatus } from "./JobStatus.ts"

/**
 * The two streams, which are kept apart.
 *
 * @since 0.1.0
 * @category models
 */
export type StreamName = "stdout" | "stderr"

/**
 * Output that is no longer there, or never was: bytes `from` up to and without `to`. Offsets count what the command
 * printed, so what comes after a gap has the offset that it always had.
 *
 * **Gotchas**
 *
 * Where the machine's disk was full, up to 16 KiB were lost uncounted, and the gap is called longer than it is.
 *
 * @since 0.1.0
 * @category models
 */
export interface Gap {
  readonly from: number
  readonly to: number
}

/**
 * What following a job brings: output, gaps in it, and last the job's end.
 *
 * @since 0.1.0
 * @category models
 */
export type JobEvent =
  | { readonly _tag: "Output"; readonly stream: StreamName; readonly offset: number; readonly data: Uint8Array }
  | ({ readonly _tag: "Gap"; readonly stream: StreamName } & Gap)
  | { readonly _tag: "Ended"; readonly status: JobStatus }

/**
 * One piece of a stream.
 *
 * @since 0.1.0
 * @category models
 */
export interface Piece {
  readonly data: Uint8Array
  /** Of the first byte of `data`: what was asked for, or later, where there is a gap. */
  readonly offset: number
  readonly nextOffset: number
  /** What is missing between the offset that was asked for and `offset`. */
  readonly gap: Gap | undefined
  /** The job is over and this was the rest. */
  readonly done: boolean
}
