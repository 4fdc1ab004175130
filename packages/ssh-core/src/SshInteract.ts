/**
 * Interactive programs by a script: what to wait for on a terminal, and what to type then.
 *
 * @since 0.1.0
 */
import type { Duration, Redacted } from "effect"
import type { CapturedOutput } from "./CapturedOutput.ts"
import type { ExitStatus, Terminal } from "./SshExec.ts"

/**
 * One step: wait for `expect`, then type `send`. Without `expect` the text is typed at once, without `send` the step only
 * waits.
 *
 * **Gotchas**
 *
 * Output counts once: a step looks only at what came after the match of the step before it. A pattern is tried on the
 * last 8192 characters at most, and a match of nothing is none. `\r\n`, as terminals end a line, reads as `\n`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Step {
  /** A text, exactly as it stands, or a pattern. */
  readonly expect?: string | RegExp | undefined
  /**
   * What is typed. A secret is only ever typed in answer to something, to a terminal that shows none of it, and is
   * replaced in the transcript where the program prints it nonetheless.
   */
  readonly send?: string | Redacted.Redacted<string> | undefined
  /** Whether Enter is pressed after it. Default: `true`. */
  readonly enter?: boolean | undefined
  /** Longest time to wait for `expect`. Default: that of the options. */
  readonly timeout?: Duration.Input | undefined
  /** It may come or not: what the following steps wait for is looked for as well. Default: `false`. */
  readonly optional?: boolean | undefined
  /** It may come again until a following step's comes, up to 1000 times. Default: `false`. */
  readonly repeat?: boolean | undefined
}

/**
 * Options of an interaction.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Answers to what may be asked at any time, any number of times. */
  readonly always?: ReadonlyArray<Pick<Step, "expect" | "send" | "enter">> | undefined
  /** For steps that have no time of their own, since the match before. Default: 30 seconds. */
  readonly stepTimeout?: Duration.Input | undefined
  /** Longest time for all of it. Unlimited if not given. */
  readonly timeout?: Duration.Input | undefined
  /** As for `exec`. Default: 2 seconds; `false` to wait at questions that no step answers, as long as the steps allow. */
  readonly promptTimeout?: Duration.Input | false | undefined
  /** Time between SIGTERM and SIGKILL for a command that must end. Default: 2 seconds. */
  readonly killGrace?: Duration.Input | undefined
  /** Default: 50 rows, 200 columns, of the kind `dumb`, so that little is drawn and nothing is coloured. */
  readonly pty?: Omit<Terminal, "echo"> | undefined
  /** Bytes kept of the transcript: the first half of the limit and the last. Default: 1 MiB. */
  readonly maxTranscript?: number | undefined
}

/**
 * An interaction that came to the end of its steps and of its command. A non-zero exit code is a result, not an error.
 *
 * @since 0.1.0
 * @category models
 */
export interface Result extends ExitStatus {
  /** What the terminal showed, every secret of the steps replaced by `[secret]`. What was typed is not part of it. */
  readonly transcript: CapturedOutput
  /** How often each step's `expect` came, or its text was typed. */
  readonly matches: ReadonlyArray<number>
  /** From the request to the end of the output, in milliseconds. */
  readonly durationMs: number
}
