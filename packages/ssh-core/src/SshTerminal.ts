/**
 * A person's terminal on a machine: the login shell, and sessions of tmux or screen that outlive the connection.
 *
 * @since 0.1.0
 */
import { Effect, Result, type Scope, type Stream } from "effect"
import * as TerminalSession from "@toehold/shell/TerminalSession"
import type { SshClient } from "./SshClient.ts"
import * as SshCommand from "./SshCommand.ts"
import * as SshError from "./SshError.ts"
import type { ExecResult, RunningCommand, Terminal } from "./SshExec.ts"

/**
 * A terminal on this side: its size and kind, and what is typed in it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options<R = never> {
  readonly terminal: Terminal
  readonly input: Stream.Stream<Uint8Array, never, R>
}

type Client = Pick<SshClient["Service"], "exec" | "start">

const inTerminal = <R>(
  ssh: Client,
  text: string,
  { input, terminal }: Options<R>
): Effect.Effect<RunningCommand, SshError.SshError, Scope.Scope | R> =>
  // An interactive shell takes no SIGTERM, and what runs in it is hung up on when it is gone.
  ssh.start(SshCommand.shell(text), { pty: terminal, stdin: input, killGrace: "300 millis" })

/**
 * Starts the user's login shell. It ends with the scope, as a terminal's does when the line is cut.
 *
 * @since 0.1.0
 * @category constructors
 */
export const shell = <R>(
  ssh: Client,
  options: Options<R>
): Effect.Effect<RunningCommand, SshError.SshError, Scope.Scope | R> =>
  inTerminal(ssh, `exec "\${SHELL:-/bin/sh}" -l`, options)

const missing = SshError.make(new SshError.ProgramMissing({ programs: ["tmux", "screen"] }))

const checkName = (name: string): Effect.Effect<void, SshError.SshError> =>
  TerminalSession.isName(name)
    ? Effect.void
    : Effect.fail(
        SshError.make(
          new SshError.InvalidArgument({
            argument: `The session's name "${name.slice(0, 100)}"`,
            detail: "a name is up to 64 letters, digits, _ and -, and begins with no -"
          })
        )
      )

const limits = { timeout: "30 seconds", maxOutput: 1024 * 1024 } as const

/**
 * The sessions of the user on the machine, those of tmux first. Fails with `ProgramMissing` where there is neither tmux
 * nor screen.
 *
 * @since 0.1.0
 * @category accessors
 */
export const list = (ssh: Client): Effect.Effect<ReadonlyArray<TerminalSession.TerminalSession>, SshError.SshError> =>
  Effect.flatMap(ssh.exec(SshCommand.shell(TerminalSession.listScript), limits), ({ stdout }) =>
    Effect.fromResult(Result.mapError(TerminalSession.readList(stdout.text), () => missing))
  )

/**
 * Makes a session with nobody attached, unless there is one of that name; `true` when it was made.
 *
 * @since 0.1.0
 * @category constructors
 */
export const create = Effect.fnUntraced(function* (
  ssh: Client,
  name: string
): Effect.fn.Return<boolean, SshError.SshError> {
  yield* checkName(name)
  const result = yield* ssh.exec(SshCommand.shell(TerminalSession.createScript(name)), limits)
  const word = result.stdout.text.trim()
  if (word === "made" || word === "present") return word === "made"
  return yield* word === "no-program" ? missing : refused(name, result)
})

const refused = (name: string, { stderr, stdout }: ExecResult): SshError.SshError => {
  const detail = `${stdout.text} ${stderr.text}`.trim().slice(0, 500)
  return SshError.make(new SshError.ChannelRefused({ request: `the session ${name}`, detail, busy: false }))
}

/**
 * Attaches a terminal to a session, which is made where there is none of that name. The session stays when the scope
 * ends or the connection is lost.
 *
 * @since 0.1.0
 * @category constructors
 */
export const attach = Effect.fnUntraced(function* <R>(
  ssh: Client,
  name: string,
  options: Options<R>
): Effect.fn.Return<RunningCommand, SshError.SshError, Scope.Scope | R> {
  yield* checkName(name)
  // What is missing is said before the terminal is given away.
  yield* list(ssh)
  return yield* inTerminal(ssh, TerminalSession.attachScript(name), options)
})
