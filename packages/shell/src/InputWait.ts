/**
 * Whether a command waits for input that only its terminal or its standard input could bring: what is asked of the
 * machine before a silent command is taken to have a question.
 *
 * @since 0.1.0
 */

/**
 * `waiting` is proven, and so is `working`. `unknown` is neither: there is no `/proc`, the processes belong to somebody
 * else (as under sudo), or they wait for one of several things.
 *
 * @since 0.1.0
 * @category models
 */
export type Verdict = "waiting" | "working" | "unknown"

/**
 * The command that is asked about.
 *
 * @since 0.1.0
 * @category models
 */
export interface Command {
  /** Its process id; those that it started count as well. */
  readonly pid: number
  /** Path of its terminal; `undefined` where it has none. */
  readonly tty: string | undefined
  /** The terminal was made without echo, so that a missing echo says nothing of a password. */
  readonly startedSilent: boolean
}

/**
 * A script for any POSIX shell that prints what there is to know, for {@link verdict}. It changes nothing: it reads the
 * settings of the terminal (`stty -a`) and, on Linux, what the processes are doing (proc(5)).
 *
 * @since 0.1.0
 * @category scripts
 */
export const script = ({ pid, startedSilent, tty }: Command): string =>
  [
    `echo "machine $(uname -m 2>/dev/null)"`,
    ...(tty === undefined || startedSilent
      ? []
      : [
          `set -- $({ stty -a <${tty}; } 2>/dev/null)`,
          `case " $* " in *" icanon"[\\ \\;]*) case " $* " in *" -echo"[\\ \\;]*) echo hidden;; esac;; esac`
        ]),
    `s=; { read -r l </proc/${pid}/stat; } 2>/dev/null && l=\${l##*) } && set -- $l && s=$4`,
    // State, parent, group, session, terminal, foreground group; the 18th is the number of threads.
    `if [ -n "$s" ]; then echo "session $s $(readlink /proc/${pid}/fd/0 2>/dev/null)"; for d in /proc/[0-9]*; do ` +
      `{ read -r l <$d/stat; } 2>/dev/null || continue; l=\${l##*) }; set -- $l; ` +
      `[ "$5" != 0 ] || [ "$4" = "$s" ] || continue; c='?'; { read -r c <$d/syscall; } 2>/dev/null; ` +
      `f=\${c#* 0x}; f=\${f%% *}; ` +
      `echo "process \${d#/proc/} $1 $2 $3 $4 $6 \${18} \${c%% *} $(readlink $d/fd/0 2>/dev/null || echo '?') ` +
      `$(case $f in [0-9a-f]|[0-9a-f][0-9a-f]) readlink $d/fd/$((0x$f));; esac 2>/dev/null)"; done; fi`
  ].join("; ")

interface Process {
  readonly pid: number
  readonly state: string
  readonly parent: number
  readonly group: number
  readonly session: number
  readonly foreground: number
  readonly threads: number
  /** Number of the system call that it is in; `running`, `-1`, or `?` where that may not be known. */
  readonly call: string
  /** Where its standard input leads. */
  readonly input: string
  /** Where the first argument of the call leads, where that is a descriptor. */
  readonly target: string
}

interface Calls {
  readonly read: string
  /** Those that wait for any of several things: poll, select, epoll. */
  readonly several: ReadonlySet<string>
}

const generic: Calls = { read: "63", several: new Set(["72", "73", "22", "441"]) }

/** Numbers of system calls by what `uname -m` says. */
const callsOf: Readonly<Record<string, Calls>> = {
  x86_64: { read: "0", several: new Set(["7", "23", "232", "270", "271", "281", "441"]) },
  aarch64: generic,
  riscv64: generic,
  loongarch64: generic
}

/** More processes than a command has; what is past them is not looked at. */
const maxLines = 4096

const integer = (text: string | undefined): number => (/^-?\d{1,10}$/.test(text ?? "") ? Number(text) : -1)

const readProcess = (words: ReadonlyArray<string>): Process => ({
  pid: integer(words[1]),
  state: words[2] ?? "",
  parent: integer(words[3]),
  group: integer(words[4]),
  session: integer(words[5]),
  foreground: integer(words[6]),
  threads: integer(words[7]),
  call: words[8] ?? "?",
  input: words[9] ?? "?",
  target: words[10] ?? ""
})

/** The processes of the command: its session, and whatever comes of those, terminals within terminals included. */
const familyOf = (processes: ReadonlyArray<Process>, pid: number, session: number): ReadonlyArray<Process> => {
  const family = new Set([pid])
  for (const process of processes) if (process.session === session) family.add(process.pid)
  const children = new Map<number, Array<number>>()
  for (const { parent, pid } of processes) {
    const siblings = children.get(parent)
    if (siblings === undefined) children.set(parent, [pid])
    else siblings.push(pid)
  }
  // A Set hands out what is added while it is gone through.
  for (const parent of family) for (const child of children.get(parent) ?? []) family.add(child)
  return processes.filter((process) => family.has(process.pid))
}

const isTerminal = (path: string): boolean => /^\/dev\/(?:pts\/\d|tty|console)/.test(path)

/**
 * What the output of {@link script} says. Takes any text.
 *
 * @since 0.1.0
 * @category recognition
 */
export const verdict = (output: string, { pid, tty }: Command): Verdict => {
  const lines = output.split("\n", maxLines).map((line) => line.split(" "))
  if (lines.some(([word]) => word === "hidden")) return "waiting"
  const session = lines.find(([word]) => word === "session")
  const calls = callsOf[lines.find(([word]) => word === "machine")?.[1] ?? ""]
  if (session === undefined || calls === undefined) return "unknown"
  const ownInput = session[2] ?? ""
  const isOurs = (path: string): boolean => (tty === undefined ? path !== "" && path === ownInput : isTerminal(path))
  const processes = lines.filter(([word]) => word === "process").map(readProcess)
  const able = familyOf(processes, pid, integer(session[1])).filter(
    // Only the foreground of a terminal may read from it.
    ({ foreground, group, state }) => !/^[ZXT]/i.test(state) && (tty === undefined || group === foreground)
  )
  if (able.some(({ call, target }) => call === calls.read && isOurs(target))) return "waiting"
  const isOpaque = ({ call, input, threads }: Process): boolean =>
    call === "?" || threads > 1 || (calls.several.has(call) && (input === "?" || isOurs(input)))
  return able.length === 0 || able.some(isOpaque) ? "unknown" : "working"
}
