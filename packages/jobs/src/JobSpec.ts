/**
 * What a job runs: a program with its arguments or a piece of shell text, and the limits that hold while no client looks.
 *
 * @since 0.1.0
 */
import type { Duration, Redacted } from "effect"

/**
 * What to run and how. `argv` starts a program with exactly these words, `shell` runs the one text with `sh -c`.
 *
 * @since 0.1.0
 * @category models
 */
export interface JobSpec extends Options {
  readonly kind: "argv" | "shell"
  readonly words: ReadonlyArray<string>
}

/**
 * Everything but the command itself.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * The job's name on its machine: letters, digits, `.`, `_` and `-`, 64 at most, with a letter or digit first. Starting
   * a second time under a name finds the job that is there. Without one there is a new name for each start.
   */
  readonly id?: string | undefined
  /** Where to start; the folder of a login if none is given. A leading `~/` stands for the home folder. */
  readonly cwd?: string | undefined
  /**
   * Variables that are added to those of a login. `Redacted` values are on no command line, and in a file of mode 0600
   * only until the command begins.
   */
  readonly env?: Readonly<Record<string, string | Redacted.Redacted<string>>> | undefined
  /** What the command reads; nothing if absent. It is on the machine's disk until the command begins. */
  readonly stdin?: Uint8Array | string | Redacted.Redacted<string> | undefined
  /** After this time, whole seconds rounded up, the machine itself ends the job: SIGTERM, and SIGKILL 10 s later. */
  readonly timeLimit?: Duration.Input | undefined
  /**
   * Bytes that are kept of stdout and of stderr, each: of longer output the newest (default: 256 MiB). A sixteenth of
   * it, or 128 KiB if that is more, may be on the disk beyond.
   */
  readonly maxOutput?: number | undefined
}

/**
 * A program with its arguments, run exactly as they are.
 *
 * @since 0.1.0
 * @category constructors
 */
export const argv = (words: readonly [string, ...Array<string>], options: Options = {}): JobSpec => ({
  ...options,
  kind: "argv",
  words
})

/**
 * A piece of shell text, run by `sh -c` whatever the login shell is.
 *
 * @since 0.1.0
 * @category constructors
 */
export const shell = (text: string, options: Options = {}): JobSpec => ({ ...options, kind: "shell", words: [text] })
