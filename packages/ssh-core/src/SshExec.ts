/**
 * Running a command on a connected machine: what can be asked for, and what comes back.
 *
 * @since 0.1.0
 */
import type { Duration, Effect, Redacted, Stream } from "effect"
import type * as Spawned from "@toehold/shell/SpawnedProcess"
import type { CapturedOutput } from "./CapturedOutput.ts"
import type * as SshError from "./SshError.ts"

/**
 * How a command ended. Exactly one of the two is set: a number, or the name of the signal that ended it (`SIGTERM`).
 *
 * @since 0.1.0
 * @category models
 */
export type ExitStatus = Spawned.ExitStatus

/**
 * A piece of output, in the order of arrival.
 *
 * @since 0.1.0
 * @category models
 */
export interface OutputChunk {
  readonly stream: "stdout" | "stderr"
  readonly data: Uint8Array
}

/**
 * A terminal for a command.
 *
 * @since 0.1.0
 * @category models
 */
export interface Terminal {
  readonly rows: number
  readonly cols: number
  /** Its kind, for `TERM`. Default: `xterm-256color`. */
  readonly term?: string | undefined
  /** Whether what is typed is shown, until a program decides otherwise. Default: `true`. */
  readonly echo?: boolean | undefined
}

/**
 * Options for starting a command.
 *
 * @since 0.1.0
 * @category models
 */
export interface StartOptions<E = never, R = never> {
  /** What the command reads. Nothing given means an empty input, ended at once, so that no command waits for it. */
  readonly stdin?: string | Uint8Array | Stream.Stream<Uint8Array, E, R> | undefined
  /** Runs the command in a terminal; stderr then comes on stdout. `true` for 80 columns and 24 rows. */
  readonly pty?: boolean | Terminal | undefined
  /**
   * Runs the command as root by sudo. `true` where sudo asks for no password; else the password of the user that logs in,
   * which is given on the standard input, only when sudo asks for it, and shows nowhere. As root it is run as it is.
   * Fails with `SudoRefused`, after which nothing has run. Not with `pty`.
   *
   * **Gotchas**
   *
   * sudo must allow root's shell. It sets the environment anew: `~/` in `cwd` is root's home, `env` is there.
   */
  readonly sudo?: boolean | { readonly password: Redacted.Redacted<string> } | undefined
  /**
   * Longest time from the request to the command's end; it is killed then. What it waits for before it runs counts as well:
   * a connection or a session of a pool, a slow login. Unlimited if not given.
   */
  readonly timeout?: Duration.Input | undefined
  /** Longest time without output; the command is killed then. Unlimited if not given. */
  readonly idleTimeout?: Duration.Input | undefined
  /**
   * Longest time that a question may stay unanswered: the command is killed, with `PromptDetected`, when its output ends
   * in a prompt, nothing has been printed or given to it for so long, and the machine says that it waits for input.
   * Where the machine can't tell, 15 seconds at least must have passed. `false`: never.
   *
   * Default: 2 seconds for a command in a terminal that is given no stream to read; else never, for without a terminal an
   * input that has ended answers every question.
   */
  readonly promptTimeout?: Duration.Input | false | undefined
  /** Time between SIGTERM and SIGKILL for a command that must end. Default: 2 seconds. */
  readonly killGrace?: Duration.Input | undefined
}

/**
 * Options for running a command to its end.
 *
 * @since 0.1.0
 * @category models
 */
export interface ExecOptions<E = never, R = never> extends StartOptions<E, R> {
  /** Bytes kept of each stream: the first half of the limit and the last. Default: 16 MiB. */
  readonly maxOutput?: number | undefined
}

/**
 * A command that ran to its end. A non-zero exit code is a result, not an error.
 *
 * @since 0.1.0
 * @category models
 */
export interface ExecResult extends ExitStatus {
  readonly stdout: CapturedOutput
  readonly stderr: CapturedOutput
  /** From the request to the end of the output, in milliseconds. */
  readonly durationMs: number
}

/**
 * A command that is running. Its scope ends it: closing the scope before the command's end kills its process group.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunningCommand {
  /** Process id on the machine, which is that of the process group as well. */
  readonly pid: number
  /**
   * All output in the order of arrival, once. It fails as `exit` does. An output that nobody reads holds the command
   * back, as a pipe does.
   */
  readonly output: Stream.Stream<OutputChunk, SshError.SshError>
  /**
   * The end of the command. Fails with `CommandTimeout`, `IdleTimeout`, `PromptDetected` or `ConnectionLost`, never with a guess.
   *
   * **Gotchas**
   *
   * The end comes after the output: read `output`, or it may never come.
   */
  readonly exit: Effect.Effect<ExitStatus, SshError.SshError>
  /** Tells the command's terminal, where it has one, its new size. */
  readonly resize: (size: { readonly rows: number; readonly cols: number }) => Effect.Effect<void>
  /** Sends a signal (default `TERM`) to the process group, `KILL` after the grace; `true` when it is gone. */
  readonly kill: (signal?: string) => Effect.Effect<boolean>
}

/**
 * Options for a process with its streams apart.
 *
 * @since 0.1.0
 * @category models
 */
export type SpawnOptions = Spawned.SpawnOptions

/**
 * How a process is ended.
 *
 * @since 0.1.0
 * @category models
 */
export type KillOptions = Spawned.KillOptions

/**
 * A process on the machine, for as long as its scope, which ends its group. `write` fails with `InputClosed` when it takes
 * no more, and `kill` with `SignalFailed` when there is nothing to signal.
 *
 * @since 0.1.0
 * @category models
 */
export type SpawnedProcess = Spawned.SpawnedProcess<SshError.SshError>
