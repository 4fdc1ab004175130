/**
 * A command for a machine that is reached over SSH: a program with its arguments, or a piece of shell text.
 *
 * @since 0.1.0
 */
import { Redacted, type Result } from "effect"
import { CommandLine } from "effect/process"
import * as CommandScript from "./internal/commandScript.ts"
import type * as SshError from "./SshError.ts"

/**
 * What to run. `argv` starts a program with exactly these arguments, whatever characters they hold; `shell` runs the
 * text with `/bin/sh -c`. Both start in `cwd` (the login folder if none is given; a leading `~/` stands for it) with
 * `env` added to the environment of the login.
 *
 * **Gotchas**
 *
 * Values of `env` that are `Redacted` travel on the standard input, never on a command line, so that they show in no
 * process list.
 *
 * @since 0.1.0
 * @category models
 */
export interface SshCommand {
  readonly kind: "argv" | "shell"
  /** The program and its arguments; for `shell` the one text. */
  readonly words: ReadonlyArray<CommandLine.Word>
  readonly cwd: string | undefined
  /** `undefined` takes a variable of the login away. */
  readonly env: Readonly<Record<string, CommandLine.Word | undefined>>
  /** `true` for the variables of `env` and no others. */
  readonly freshEnv: boolean
}

/**
 * Options of a command.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly cwd?: string | undefined
  readonly env?: Readonly<Record<string, CommandLine.Word | undefined>> | undefined
  /** Default: `false`. */
  readonly freshEnv?: boolean | undefined
}

/**
 * A program with its arguments, sent exactly as they are.
 *
 * @since 0.1.0
 * @category constructors
 */
export const argv = (words: readonly [string, ...Array<CommandLine.Word>], options: Options = {}): SshCommand => ({
  kind: "argv",
  words,
  cwd: options.cwd,
  env: options.env ?? {},
  freshEnv: options.freshEnv ?? false
})

/**
 * A piece of shell text, run by `/bin/sh -c` whatever the login shell is.
 *
 * @since 0.1.0
 * @category constructors
 */
export const shell = (text: string, options: Options = {}): SshCommand => ({
  kind: "shell",
  words: [text],
  cwd: options.cwd,
  env: options.env ?? {},
  freshEnv: options.freshEnv ?? false
})

/**
 * The command as a person would type it, for messages and logs. The environment is left out.
 *
 * @since 0.1.0
 * @category formatting
 */
export const display = (command: SshCommand): string =>
  command.kind === "shell" ? command.words.filter((word) => !Redacted.isRedacted(word)).join(" ") : CommandLine.display(command.words)

/**
 * The command as one line of POSIX shell text that ends by replacing the shell with it. The line holds no newline:
 * those of the arguments travel as a variable. Fails with `InvalidArgument` for a NUL, an empty command or an impossible
 * variable name.
 *
 * @since 0.1.0
 * @category encoding
 */
export const toScript = (command: SshCommand): Result.Result<string, SshError.SshError> => CommandScript.make(command)

/**
 * Whether a word of the command or a value of its environment is a secret, so that the script may be on no command line.
 *
 * @since 0.1.0
 * @category accessors
 */
export const hasSecrets = (command: SshCommand): boolean =>
  [...command.words, ...Object.values(command.env)].some(Redacted.isRedacted)
