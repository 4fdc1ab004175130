/**
 * A process on a machine with its streams apart: what a transport hands out, and what it is asked for.
 *
 * @since 0.1.0
 */
import type { Duration, Effect, Stream } from "effect"
import type * as ProcessScript from "./ProcessScript.ts"

/**
 * How a process ended. Exactly one of the two is set: a number, or the name of the signal that ended it (`SIGTERM`).
 *
 * @since 0.1.0
 * @category models
 */
export interface ExitStatus {
  readonly exitCode: number | null
  readonly signal: string | null
}

/**
 * How a process is ended.
 *
 * @since 0.1.0
 * @category models
 */
export interface KillOptions {
  /** `TERM`, `INT`, … */
  readonly signal: string
  /** SIGKILL when something of the group is left after this. Unlimited if not given. */
  readonly forceAfter?: Duration.Input | undefined
}

/**
 * Options for a process with its streams apart.
 *
 * @since 0.1.0
 * @category models
 */
export interface SpawnOptions extends Omit<ProcessScript.Spawn, "say"> {
  /**
   * The process belongs to others that run already and may wait for it: where there is no room for it, room must be made.
   * Default: `false`, it waits.
   */
  readonly atOnce?: boolean | undefined
  /** Signals are for the process itself, and what it leaves behind stays. Default: `false`, they are for its group. */
  readonly leader?: boolean | undefined
  /** How the scope's end ends the process. Default: SIGTERM, and however long it takes. */
  readonly kill?: KillOptions | undefined
}

/**
 * A process on the machine, for as long as its scope, which ends its group. Nothing is read or written but what is asked
 * for: an output that nobody reads holds the process back, as a pipe does.
 *
 * @since 0.1.0
 * @category models
 */
export interface SpawnedProcess<E> {
  /** Process id on the machine, which is that of the process group as well. */
  readonly pid: number
  readonly stdout: Stream.Stream<Uint8Array, E>
  readonly stderr: Stream.Stream<Uint8Array, E>
  /** Writes to the standard input, as fast as the process reads. Fails when it takes no more. */
  readonly write: (chunk: Uint8Array) => Effect.Effect<void, E>
  readonly endInput: Effect.Effect<void>
  /** How the process itself ended, known before its output was read. */
  readonly status: Effect.Effect<ExitStatus, E>
  readonly isRunning: Effect.Effect<boolean>
  /** Sends a signal to the process group and waits for the end of the process. Fails when there is nothing to signal. */
  readonly kill: (options: KillOptions) => Effect.Effect<void, E>
  /** Lets the process outlive the scope; the effect that comes back takes that back. */
  readonly unref: Effect.Effect<Effect.Effect<void>>
}
