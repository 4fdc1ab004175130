/**
 * A machine by its name: its processes and its files as Effect's own services, whatever the way in.
 *
 * @since 0.1.0
 */
import { Context, Effect, FileSystem, type Path, Result, type Scope } from "effect"
import { ChildProcessSpawner } from "effect/process"
import { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import * as OpenSsh from "@toehold/ssh-core/OpenSsh"
import { SshClient } from "@toehold/ssh-core/SshClient"
import * as SshError from "@toehold/ssh-core/SshError"
import * as SshFiles from "@toehold/ssh-core/SshFiles"
import type * as SshLogin from "@toehold/ssh-core/SshLogin"
import { SshPool } from "@toehold/ssh-core/SshPool"
import * as SshProcess from "@toehold/ssh-core/SshProcess"
import * as SshTarget from "@toehold/ssh-core/SshTarget"
import type * as SerialError from "@toehold/serial-runner/SerialError"
import * as LocalMachine from "./internal/localMachine.ts"
import * as ProcessCommands from "./internal/processCommands.ts"
import * as SerialMachine from "./internal/serialMachine.ts"

/**
 * What can go wrong on the way to a machine, and with a command there.
 *
 * @since 0.1.0
 * @category errors
 */
export type MachineError = SshError.SshError | SerialError.SerialError

/**
 * A command that is running, as `SshClient` has it.
 *
 * @since 0.1.0
 * @category models
 */
export type RunningCommand = ProcessCommands.Running<MachineError>

/**
 * A machine that answers, for as long as the scope that it was opened in. `exec` and `start` are those of `SshClient`,
 * whatever the machine.
 *
 * @since 0.1.0
 * @category models
 */
export interface Machine extends ProcessCommands.Commands<MachineError> {
  /** As it was asked for. */
  readonly name: string
  readonly processes: ChildProcessSpawner.ChildProcessSpawner["Service"]
  readonly files: FileSystem.FileSystem
}

/**
 * How to log in, where the machine's name does not say it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends SshLogin.Options {
  /** The flags of ssh beside the name. */
  readonly flags?: SshTarget.Flags | undefined
  /** The program's own SSH, or the system's `ssh` (see `OpenSsh`), which the pool has no part in. Default: `ssh2`. */
  readonly transport?: Transport | undefined
}

/**
 * Who speaks SSH.
 *
 * @since 0.1.0
 * @category models
 */
export type Transport = "ssh2" | "openssh"

/**
 * The two services of a machine, to provide to a program that was written for local processes.
 *
 * @since 0.1.0
 * @category conversions
 */
export const context = (
  machine: Machine
): Context.Context<ChildProcessSpawner.ChildProcessSpawner | FileSystem.FileSystem> =>
  Context.make(ChildProcessSpawner.ChildProcessSpawner, machine.processes).pipe(
    Context.add(FileSystem.FileSystem, machine.files)
  )

/** Between machines of one list there is a comma, and a console's pair of pipes has one of its own. */
const pairs = /^serial:(?:fifo:|\/)/

/**
 * The names in a list with commas, each once. A text with blanks is one machine's command line. Fails with
 * `InvalidTarget` for a name that is empty or stands there twice.
 *
 * @since 0.1.0
 * @category parsing
 */
export const names = (list: string): Result.Result<ReadonlyArray<string>, SshError.SshError> => {
  const text = list.trim()
  if (/\s/.test(text)) return Result.succeed([text])
  const found: Array<string> = []
  const parts = text.split(",")
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index] ?? ""
    const name = pairs.test(part) && parts[index + 1] !== undefined ? `${part},${parts[++index]}` : part
    if (found.includes(name)) return invalid(list, `${name} stands there twice`, "Name each machine once.")
    if (name === "" && parts.length > 1) return invalid(list, "a name is missing", "Put one comma between two names.")
    found.push(name)
  }
  return Result.succeed(found)
}

const invalid = (word: string, detail: string, hint: string): Result.Result<never, SshError.SshError> =>
  Result.fail(SshError.make(new SshError.InvalidTarget({ word, detail, hint })))

const withoutSsh: ReadonlyArray<readonly [prefix: string, detail: string, hint: string]> = [
  [
    "serial:",
    "a serial console is not reached by SSH",
    "Use it with exec, put, get, sync and job, or give a machine that has an SSH server: root@host:port."
  ],
  [
    "vast:",
    "Vast.ai instances by number are not supported by this version",
    'Copy the instance\'s ssh command from its page and paste it in quotes: "ssh -p 12345 root@ssh5.vast.ai".'
  ]
]

/**
 * The target of SSH that a name and the flags beside it stand for. Fails with `InvalidTarget` for what is reached in
 * another way, and for what can't be understood.
 *
 * @since 0.1.0
 * @category parsing
 */
export const target = Effect.fnUntraced(function* (
  name: string,
  flags: SshTarget.Flags = {}
): Effect.fn.Return<SshTarget.SshTarget, SshError.SshError, ClientPlatform> {
  const platform = yield* ClientPlatform
  for (const [prefix, detail, hint] of withoutSsh) {
    if (name.startsWith(prefix)) return yield* Effect.fromResult(invalid(name, detail, hint))
  }
  return yield* Effect.fromResult(
    Result.flatMap(SshTarget.parse(name, { platform }), (parsed) => SshTarget.withOptions(parsed, flags, { platform }))
  )
})

/**
 * Opens the machine that a name stands for: `local:`, a serial console as `SerialTarget.parse` reads it (`serial:unix:PATH`),
 * or what `SshTarget.parse` reads (an alias, `user@host:port`, an `ssh` command line), which is logged in to through the
 * pool. Fails as `SshPool.client` does, by the transport `openssh` as `OpenSsh.connect` does, and for a console as
 * `SerialHub.console` and `SerialShell.identity` do.
 *
 * **Gotchas**
 *
 * A console has one owner: two that open the same one share a `SerialHub` in their context, or the second fails with
 * `PortBusy`. What is said of logging in does not concern it, nor do limits on questions (`promptTimeout`).
 *
 * @since 0.1.0
 * @category constructors
 */
export const open = Effect.fn("Machine.open")(function* (
  name: string,
  { flags, transport, ...login }: Options = {}
): Effect.fn.Return<
  Machine,
  MachineError,
  Scope.Scope | FileSystem.FileSystem | Path.Path | ClientPlatform | ChildProcessSpawner.ChildProcessSpawner | SshPool
> {
  if (name === "local:") {
    const processes = yield* ChildProcessSpawner.ChildProcessSpawner
    const { os } = yield* ClientPlatform
    const commands = ProcessCommands.make(LocalMachine.make(processes, os))
    return { name, processes, files: yield* FileSystem.FileSystem, ...commands }
  }
  if (name.startsWith("serial:")) return { name, ...(yield* SerialMachine.open(name)) }
  const pool = yield* SshPool
  const named = yield* target(name, flags)
  const ssh = yield* transport === "openssh" ? OpenSsh.connect(named, login) : pool.client(named, login)
  const processes = yield* Effect.provideService(SshProcess.make, SshClient, ssh)
  const files = yield* SshFiles.make().pipe(
    Effect.provideService(SshClient, ssh),
    Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, processes)
  )
  return { name, processes, files, exec: ssh.exec, start: ssh.start }
})
