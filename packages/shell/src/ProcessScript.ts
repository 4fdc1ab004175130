/**
 * A program with its arguments, its folder and its environment as one line of POSIX shell text that ends by replacing the
 * shell with it.
 *
 * @since 0.1.0
 */
import { Redacted, Result } from "effect"
import type { CommandLine } from "effect/process"
import * as ShellFolder from "./ShellFolder.ts"

/**
 * What to run. `argv` is a program with exactly these arguments; `shell` is one text for `/bin/sh -c`. A folder that begins
 * with `~/` is in the home folder, and `freshEnv` leaves out every variable but those of `env`, of which one that is
 * `undefined` is taken away.
 *
 * @since 0.1.0
 * @category models
 */
export interface Command {
  readonly kind: "argv" | "shell"
  readonly words: ReadonlyArray<CommandLine.Word>
  readonly cwd: string | undefined
  readonly env: Readonly<Record<string, CommandLine.Word | undefined>>
  readonly freshEnv: boolean
}

/**
 * A named pipe that a process has as a file descriptor. Its folder is made for it, closed to other accounts, and removed
 * once both ends are open; until then the process waits, so open the other end.
 *
 * @since 0.1.0
 * @category models
 */
export interface Fifo {
  readonly fd: number
  /** What the process does with it. */
  readonly direction: "read" | "write"
  readonly path: string
}

/**
 * How a process whose streams are apart is started. A word of what came of it goes ahead of everything else: `ok`, or
 * `program`, `cwd` or `fifo` with Node's code of the reason.
 *
 * @since 0.1.0
 * @category models
 */
export interface Spawn {
  /** The shell text that says a word, which may hold `$toehold_e` and stands in double quotes. */
  readonly say: (word: string) => string
  /** `null` for the null device in place of a stream. Default: `pipe`. */
  readonly stdin?: "pipe" | "null" | undefined
  /** Default: `pipe`. */
  readonly stdout?: "pipe" | "null" | undefined
  /** Default: `pipe`. */
  readonly stderr?: "pipe" | "null" | undefined
  /** Named pipes to make on the machine, one for each further file descriptor of the process. */
  readonly fifos?: ReadonlyArray<Fifo> | undefined
}

/**
 * A command that no shell can be given, and why.
 *
 * @since 0.1.0
 * @category models
 */
export interface Invalid {
  readonly argument: string
  readonly detail: string
}

/**
 * The text of a word, a secret's as well.
 *
 * @since 0.1.0
 * @category accessors
 */
export const unwrap = (word: CommandLine.Word): string => (Redacted.isRedacted(word) ? Redacted.value(word) : word)

const invalid = (argument: string, detail: string): Result.Result<never, Invalid> => Result.fail({ argument, detail })

const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`).replaceAll("\n", `'"$toehold_n"'`)}'`

/** A name that the list only seems to hold, in a value of many lines, is unset in vain. */
const clearEnvironment =
  "for toehold_v in $(env | LC_ALL=C sed -n 's/^\\([A-Za-z_][A-Za-z0-9_]*\\)=.*/\\1/p'); do " +
  'command unset "$toehold_v" 2>/dev/null; done'

/** Where the system looks for programs when there is no PATH. */
const systemFolders = "/bin /usr/bin"

/** Why a folder can't be entered, as the system would say it. */
const cwdFailure = ({ say }: Spawn, path: string): string =>
  `{ if [ ! -e ${path} ]; then toehold_e=ENOENT; elif [ ! -d ${path} ]; then toehold_e=ENOTDIR; else toehold_e=EACCES; fi; ` +
  `${say("cwd $toehold_e")}; exit 126; }`

/** Leaves in `toehold_f` where the program is, or in `toehold_e` why it can't be started, as the system would say it. */
const findProgram = (program: string, path: string): string => {
  const name = quote(program)
  if (program.includes("/")) {
    return `toehold_e=; if [ ! -e ${name} ]; then toehold_e=ENOENT; elif [ -d ${name} ] || [ ! -x ${name} ]; then toehold_e=EACCES; fi`
  }
  return (
    `toehold_e=ENOENT; set -f; IFS=:; for toehold_d in ${path}; do toehold_f=\${toehold_d:-.}/${name}; ` +
    `[ -f "$toehold_f" ] || continue; if [ -x "$toehold_f" ]; then toehold_e=; break; fi; toehold_e=EACCES; done; ` +
    `unset IFS; set +f`
  )
}

/** Fails by a word of our own: the status of a shell that finds no program may be that of a program, too. */
const failWithout = ({ say }: Spawn): string =>
  `if [ -n "$toehold_e" ]; then ${say("program $toehold_e")}; exit 127; fi`

/**
 * Says that the program starts, and starts it. Named pipes are made before, and removed when they are open at both ends
 * or when the shell is killed while it waits for that: as redirections of a group, since one of `exec` that fails ends a
 * shell before its traps.
 */
const startSaying = ({ fifos = [], say }: Spawn, start: string): ReadonlyArray<string> => {
  const ok = say("ok")
  const [first] = fifos
  if (first === undefined) return [ok, start]
  const dir = quote(first.path.slice(0, first.path.lastIndexOf("/")))
  const paths = fifos.map(({ path }) => quote(path)).join(" ")
  const opens = fifos.map(({ direction, fd, path }) => `${fd}${direction === "read" ? "<" : ">"}${quote(path)}`)
  return [
    `( umask 077; mkdir ${dir} && mkfifo ${paths} ) 2>/dev/null || { ${say("fifo EIO")}; exit 126; }`,
    `toehold_d=${dir}; trap 'rm -rf "$toehold_d"' 0; trap 'exit 143' HUP INT TERM`,
    ok,
    `{ rm -rf "$toehold_d"; trap - 0 HUP INT TERM; ${start}; } ${opens.join(" ")}`,
    "exit 126"
  ]
}

const redirections = ({ stderr, stdin, stdout }: Spawn): string =>
  (stdin === "null" ? " </dev/null" : "") +
  (stdout === "null" ? " >/dev/null" : "") +
  (stderr === "null" ? " 2>/dev/null" : "")

/**
 * The line, which holds no newline: those of the arguments travel as a variable. With `spawn` it says what comes of it
 * first. The shell's own variables have names that no login exports: setting one that is exported would change the
 * command's environment. Fails for a NUL, an empty command or an impossible variable name.
 *
 * @since 0.1.0
 * @category encoding
 */
export const make = (command: Command, spawn?: Spawn): Result.Result<string, Invalid> => {
  const words = (command.kind === "shell" ? ["/bin/sh", "-c", ...command.words] : command.words).map(unwrap)
  const [program] = words
  if (program === undefined || program === "" || command.words[0] === "") return invalid("The command", "it is empty")
  const lines = ["toehold_n=${IFS#??}"]
  if (command.cwd !== undefined) {
    if (command.cwd === "") return invalid("The working folder", "it is empty")
    if (command.cwd.includes("\0")) return invalid("The working folder", "it holds a NUL, which no path can")
    const path = ShellFolder.word(command.cwd, quote)
    const failed = spawn === undefined ? "exit 126" : cwdFailure(spawn, path)
    lines.push(`unset CDPATH; cd -- ${path} ${spawn === undefined ? "" : "2>/dev/null "}|| ${failed}`)
  }
  if (command.freshEnv) lines.push(clearEnvironment)
  for (const [name, value] of Object.entries(command.env)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      return invalid(`The environment variable "${name}"`, "a name is letters, digits and _, and begins with no digit")
    }
    if (value === undefined) {
      if (!command.freshEnv) lines.push(`unset ${name}`)
      continue
    }
    const text = unwrap(value)
    if (text.includes("\0")) return invalid(`The environment variable "${name}"`, "it holds a NUL, which none can")
    lines.push(`export ${name}=${quote(text)}`)
  }
  const nul = command.words.map(unwrap).findIndex((word) => word.includes("\0"))
  if (nul !== -1) {
    const name = command.kind === "shell" ? "The shell text" : nul === 0 ? "The command" : `Argument ${nul}`
    return invalid(name, "it holds a NUL, which no argument can")
  }
  // Without a PATH the shell would find nothing, and one that is set only for it would be exported by some.
  const hasPath = !command.freshEnv || command.env["PATH"] !== undefined
  if (spawn !== undefined || !hasPath) lines.push(findProgram(program, hasPath ? "$PATH" : systemFolders))
  if (spawn !== undefined) lines.push(failWithout(spawn))
  const started = hasPath || program.includes("/") ? quote(program) : '"$toehold_f"'
  const call = [started, ...words.slice(1).map(quote)].join(" ")
  const start = `exec ${call}`
  if (spawn === undefined) lines.push(start)
  else lines.push(...startSaying(spawn, `${start}${redirections(spawn)}`))
  return Result.succeed(lines.join("; "))
}
