/**
 * Terminal sessions that outlive a connection: what lists, makes and attaches to those of tmux and of screen.
 *
 * @since 0.1.0
 */
import { Option, Result } from "effect"

/**
 * A session that waits on a machine to be attached to.
 *
 * @since 0.1.0
 * @category models
 */
export interface TerminalSession {
  readonly name: string
  readonly program: "tmux" | "screen"
  /** Whether a terminal is attached to it. */
  readonly isAttached: boolean
  /** Number of windows; `undefined` where screen keeps it to itself. */
  readonly windows: number | undefined
  /** When it was made, in milliseconds since 1970 by the machine's clock; `undefined` where screen keeps it to itself. */
  readonly createdAt: number | undefined
}

/**
 * Whether a session may be called so: up to 64 letters, digits, `_` and `-`, no `-` at the beginning. tmux and screen
 * would change other names, or take them for something else.
 *
 * @since 0.1.0
 * @category guards
 */
export const isName = (name: string): boolean => /^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/.test(name)

const noProgram = "no-program"
const begin = (program: TerminalSession["program"]): string => `sessions ${program}`

const hasTmux = "command -v tmux >/dev/null 2>&1"
const hasScreen = "command -v screen >/dev/null 2>&1"
const otherwise = `{ echo ${noProgram}; exit 127; }`

/**
 * A script for any POSIX shell that prints the sessions of the user, for {@link readList}.
 *
 * @since 0.1.0
 * @category scripts
 */
export const listScript: string = [
  `${hasTmux} || ${hasScreen} || ${otherwise}`,
  `if ${hasTmux}; then echo ${begin("tmux")}; ` +
    `tmux list-sessions -F '#{session_created} #{session_attached} #{session_windows} #{session_name}' 2>/dev/null; fi`,
  `if ${hasScreen}; then echo ${begin("screen")}; screen -ls 2>/dev/null; fi`,
  "exit 0"
].join("; ")

/** More sessions than anybody has. */
const maxLines = 4096

const readTmux = (line: string): Option.Option<TerminalSession> => {
  const [, created, attached, windows, name] = /^(\d{1,12}) (\d{1,6}) (\d{1,6}) (.{1,256})$/.exec(line) ?? []
  return name === undefined
    ? Option.none()
    : Option.some({
        name,
        program: "tmux",
        isAttached: attached !== "0",
        windows: Number(windows),
        createdAt: Number(created) * 1000
      })
}

const readScreen = (line: string): Option.Option<TerminalSession> => {
  const [, name, state] = /^\s{1,8}\d{1,10}\.(\S{1,256})\s.{0,80}\(([A-Za-z, ]{1,40})\)\s{0,8}$/.exec(line) ?? []
  // A dead one can't be attached to.
  if (name === undefined || !/attached|detached/i.test(state ?? "")) return Option.none()
  return Option.some({
    name,
    program: "screen",
    isAttached: !/detached/i.test(state ?? ""),
    windows: undefined,
    createdAt: undefined
  })
}

/**
 * The sessions that {@link listScript} printed; fails where the machine has neither tmux nor screen. Takes any text:
 * lines that are none are passed over.
 *
 * @since 0.1.0
 * @category decoding
 */
export const readList = (output: string): Result.Result<ReadonlyArray<TerminalSession>, "no-program"> => {
  const lines = output.split("\n", maxLines)
  if (lines[0]?.trim() === noProgram) return Result.fail(noProgram)
  const sessions: Array<TerminalSession> = []
  let read = readTmux
  for (const line of lines) {
    if (line === begin("tmux")) read = readTmux
    else if (line === begin("screen")) read = readScreen
    else sessions.push(...Option.toArray(read(line.trimEnd())))
  }
  return Result.succeed(sessions)
}

/**
 * A script for any POSIX shell that makes a session with nobody attached, by tmux where there is tmux, and prints `made`;
 * `present` where there is one of that name. The name must fit {@link isName}.
 *
 * @since 0.1.0
 * @category scripts
 */
export const createScript = (name: string): string =>
  [
    `${hasTmux} && tmux has-session -t =${name} 2>/dev/null && { echo present; exit 0; }`,
    `${hasScreen} && ${hasScreenSession(name)} && { echo present; exit 0; }`,
    `if ${hasTmux}; then tmux new-session -d -s ${name} </dev/null && echo made; ` +
      `elif ${hasScreen}; then screen -dmS ${name} </dev/null && echo made; else ${otherwise}; fi`
  ].join("; ")

const hasScreenSession = (name: string): string =>
  `screen -ls 2>/dev/null | grep -q '^[[:space:]]*[0-9][0-9]*\\.${name}[[:space:]]'`

/**
 * A script for any POSIX shell in a terminal that attaches it to a session, which is made where there is none of that
 * name. Terminals that are attached already stay. The name must fit {@link isName}.
 *
 * @since 0.1.0
 * @category scripts
 */
export const attachScript = (name: string): string =>
  [
    `if ${hasTmux} && { tmux has-session -t =${name} 2>/dev/null || ! { ${hasScreen} && ${hasScreenSession(name)}; }; }; ` +
      `then exec tmux -u new-session -A -s ${name}; fi`,
    `${hasScreen} || ${otherwise}`,
    `if ${hasScreenSession(name)}; then exec screen -U -x ${name}; else exec screen -U -S ${name}; fi`
  ].join("; ")
