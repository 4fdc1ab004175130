/** A machine at the other end of a serial console. */
import { Context, Effect, FileSystem, Layer, Option, type Path, type Scope } from "effect"
import { ChildProcessSpawner } from "effect/process"
import * as SerialConsole from "@toehold/serial-runner/SerialConsole"
import * as SerialError from "@toehold/serial-runner/SerialError"
import * as SerialFiles from "@toehold/serial-runner/SerialFiles"
import * as SerialHub from "@toehold/serial-runner/SerialHub"
import * as SerialShell from "@toehold/serial-runner/SerialShell"
import * as SerialTarget from "@toehold/serial-runner/SerialTarget"
import * as SshError from "@toehold/ssh-core/SshError"
import * as ProcessCommands from "./processCommands.ts"

const causeOf = (error: unknown): SerialError.SerialError | undefined => {
  let cause = error
  for (let depth = 0; depth < 5 && typeof cause === "object" && cause !== null; depth++) {
    if (cause instanceof SerialError.SerialError) return cause
    cause = "cause" in cause ? cause.cause : undefined
  }
  return undefined
}

/** The error with what is known of the command that it concerns. */
const withOutput = (error: SerialError.SerialError, partial: ProcessCommands.Partial): SerialError.SerialError => {
  const { reason } = error
  switch (reason._tag) {
    case "Rebooted":
      return SerialError.make(new SerialError.Rebooted({ ...partial, outcome: reason.outcome }))
    case "Panicked":
      return SerialError.make(new SerialError.Panicked({ ...reason, ...partial }))
    case "ShellEnded":
      return SerialError.make(new SerialError.ShellEnded({ ...reason, ...partial }))
    default:
      return error
  }
}

const machine = (
  name: string,
  processes: ChildProcessSpawner.ChildProcessSpawner["Service"]
): ProcessCommands.Machine<SerialError.SerialError> => ({
  name,
  terminalHint: "Leave --pty out, or use the console itself as a terminal: toehold serial attach.",
  os: "linux",
  processes,
  failed: (error, partial) => {
    const cause = causeOf(error)
    if (cause !== undefined) return withOutput(cause, partial)
    const detail = error.reason.description ?? error.reason._tag
    return SshError.make(new SshError.FileFailed({ path: partial.command, detail }))
  },
  outOfTime: (reason, details) =>
    SerialError.make(
      reason === "CommandTimeout"
        ? new SerialError.CommandTimeout({ ...details, consoleState: "shell", outcome: "may-have-run" })
        : new SerialError.IdleTimeout({ ...details, consoleState: "shell" })
    )
})

/** The machine that a `serial:` name stands for, with its shell found: over the context's hub, where there is one. */
export const open = Effect.fnUntraced(function* (name: string): Effect.fn.Return<
  ProcessCommands.Commands<SerialError.SerialError | SshError.SshError> & {
    readonly processes: ChildProcessSpawner.ChildProcessSpawner["Service"]
    readonly files: FileSystem.FileSystem
  },
  SerialError.SerialError,
  Scope.Scope | FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner
> {
  const target = yield* Effect.fromResult(SerialTarget.parse(name))
  const given = yield* Effect.serviceOption(SerialHub.SerialHub)
  const hub = Option.isSome(given) ? given.value : yield* SerialHub.make()
  const console = yield* hub.console(target)
  const shell = yield* Effect.provideService(SerialShell.make(), SerialConsole.SerialConsole, console)
  // Whether there is a shell at all is told before anything is asked of it.
  yield* shell.identity
  const services = yield* Layer.build(Layer.fresh(SerialFiles.layer())).pipe(
    Effect.provideService(SerialShell.SerialShell, shell)
  )
  const processes = Context.get(services, ChildProcessSpawner.ChildProcessSpawner)
  return {
    processes,
    files: Context.get(services, FileSystem.FileSystem),
    ...ProcessCommands.make(machine(name, processes))
  }
})
