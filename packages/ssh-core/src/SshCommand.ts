/**
 * A command for a machine that is reached over SSH: a program with its arguments, or a piece of shell text.
 *
 * @since 0.1.0
 */
import { Redacted, Result } from "effect"
import { CommandLine } from "effect/process"
import * as SshError from "./SshError.ts"

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
  readonly words: ReadonlyArray<string>
  readonly cwd: string | undefined
  readonly env: Readonly<Record<string, string | Redacted.Redacted<string>>>
}

/**
 * Options of a command.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly cwd?: string | undefined
  readonly env?: Readonly<Record<string, string | Redacted.Redacted<string>>> | undefined
}

/**
 * A program with its arguments, sent exactly as they are.
 *
 * @since 0.1.0
 * @category constructors
 */
export const argv = (words: readonly [string, ...Array<string>], options: Options = {}): SshCommand => ({
  kind: "argv",
  words,
  cwd: options.cwd,
  env: options.env ?? {}
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
  env: options.env ?? {}
})

/**
 * The command as a person would type it, for messages and logs. The environment is left out.
 *
 * @since 0.1.0
 * @category formatting
 */
export const display = (command: SshCommand): string =>
  command.kind === "shell" ? (command.words[0] ?? "") : CommandLine.display(command.words)

/**
 * The command as one line of POSIX shell text that ends by replacing the shell with it. The line holds no newline:
 * those of the arguments travel as `$n`. Fails with `InvalidArgument` for a NUL, an empty command or an impossible
 * variable name.
 *
 * @since 0.1.0
 * @category encoding
 */
export const toScript = (command: SshCommand): Result.Result<string, SshError.SshError> => {
  if (command.words[0] === undefined || command.words[0] === "") {
    return invalid("The command", "it is empty")
  }
  const lines = ["n=${IFS#??}"]
  if (command.cwd !== undefined) {
    if (command.cwd === "") return invalid("The working folder", "it is empty")
    if (command.cwd.includes("\0")) return invalid("The working folder", "it holds a NUL, which no path can")
    lines.push(`unset CDPATH; cd -- ${folder(command.cwd)} || exit 126`)
  }
  for (const [name, value] of Object.entries(command.env)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      return invalid(`The environment variable "${name}"`, "a name is letters, digits and _, and begins with no digit")
    }
    const text = Redacted.isRedacted(value) ? Redacted.value(value) : value
    if (text.includes("\0")) return invalid(`The environment variable "${name}"`, "it holds a NUL, which none can")
    lines.push(`export ${name}=${quote(text)}`)
  }
  const words = command.kind === "shell" ? ["/bin/sh", "-c", ...command.words] : command.words
  const nul = words.findIndex((word) => word.includes("\0"))
  if (nul !== -1) {
    const name = command.kind === "shell" ? "The shell text" : nul === 0 ? "The command" : `Argument ${nul}`
    return invalid(name, "it holds a NUL, which no argument can")
  }
  lines.push(`exec ${words.map(quote).join(" ")}`)
  return Result.succeed(lines.join("; "))
}

const invalid = (argument: string, detail: string): Result.Result<never, SshError.SshError> =>
  Result.fail(SshError.make(new SshError.InvalidArgument({ argument, detail })))

const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`).replaceAll("\n", `'"$n"'`)}'`

/** `cd` takes `-` and names in CDPATH for something else, and never expands a quoted `~`. */
const folder = (cwd: string): string =>
  cwd === "~"
    ? `"$HOME"`
    : cwd.startsWith("~/")
      ? `"$HOME"/${quote(cwd.slice(2))}`
      : quote(cwd.startsWith("-") ? `./${cwd}` : cwd)

/**
 * Whether a value of the command's environment is a secret, so that the script may be on no command line.
 *
 * @since 0.1.0
 * @category accessors
 */
export const hasSecrets = (command: SshCommand): boolean => Object.values(command.env).some(Redacted.isRedacted)
