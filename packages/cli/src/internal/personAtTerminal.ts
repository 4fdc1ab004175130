/** A person in a terminal here, put through to a terminal on a machine. */
import { Deferred, Effect, Exit, Scope, Stream } from "effect"
import { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import type { SshClient } from "@toehold/ssh-core/SshClient"
import type { SshError } from "@toehold/ssh-core/SshError"
import type { RunningCommand } from "@toehold/ssh-core/SshExec"
import type * as SshTerminal from "@toehold/ssh-core/SshTerminal"
import * as ExitCode from "../ExitCode.ts"
import type { Failure } from "../FailureDocument.ts"
import { StandardStreams } from "../StandardStreams.ts"
import type { Invocation, Services } from "./commandSpec.ts"
import { keysUntilLeft } from "./escapeKeys.ts"
import { loginOptions, readReach } from "./machine.ts"
import { note } from "./print.ts"

type Open = (
  ssh: SshClient["Service"],
  options: SshTerminal.Options
) => Effect.Effect<RunningCommand, SshError, Scope.Scope>

/**
 * Puts this terminal through to what `open` starts, and answers its exit code; 255 where the person cut the connection.
 * The terminal is as it was before, however this ends.
 */
export const sitAt = Effect.fnUntraced(function* (
  invocation: Invocation,
  open: Open
): Effect.fn.Return<number, Failure, Services | Scope.Scope> {
  const { keyboard, resizes, stdout, terminal } = yield* StandardStreams
  if (keyboard === undefined || terminal === undefined) {
    return yield* invocation.usage(
      `${invocation.name} needs a terminal on standard input and output.`,
      "To run a command without one: toehold exec MACHINE -- CMD; to answer its questions: toehold interact."
    )
  }
  const reach = yield* readReach(invocation, invocation.argument(0))
  const login = yield* loginOptions(invocation)
  const { env } = yield* ClientPlatform
  // A scope of its own, as a connection that is cut must not wait for what runs over it to be ended first.
  const connection = yield* Effect.acquireRelease(Scope.make(), (scope, exit) => Scope.close(scope, exit))
  const ssh = yield* reach(login).pipe(Scope.provide(connection))
  const isRaw = yield* Deferred.make<void>()
  const { keys, left } = yield* keysUntilLeft(keyboard)
  const running = yield* open(ssh, {
    terminal: { cols: terminal.columns, rows: terminal.rows, term: env["TERM"] },
    // Ctrl-C is this program's until the machine has answered.
    input: Stream.unwrap(Effect.as(Deferred.await(isRaw), keys))
  })
  yield* keyboard.raw
  yield* Deferred.succeed(isRaw, undefined)
  yield* Effect.forkScoped(Stream.runForEach(resizes, ({ columns, rows }) => running.resize({ cols: columns, rows })))
  const ended = Effect.andThen(
    Stream.runForEach(running.output, ({ data }) => stdout(data)),
    running.exit
  )
  const status = yield* Effect.raceFirst(ended, left)
  if (status !== undefined) return ExitCode.ofStatus(status)
  yield* Scope.close(connection, Exit.void)
  yield* note("the connection is cut.")
  return ExitCode.transport
}, Effect.scoped)
