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
import type { VastClient } from "@toehold/vast-api/VastClient"
import type { VastError } from "@toehold/vast-api/VastError"
import type { MachineError } from "./MachineError.ts"
import * as VastName from "./VastName.ts"
import type * as SerialError from "@toehold/serial-runner/SerialError"
import * as LocalMachine from "./internal/localMachine.ts"
import * as ProcessCommands from "./internal/processCommands.ts"

/**
 * What can go wrong with a command on a machine.
 *
 * @since 0.1.0
 * @category errors
 */
export type CommandError = SshError.SshError | SerialError.SerialError

/**
 * A command that is running, as `SshClient` has it.
 *
 * @since 0.1.0
 * @category models
 */
export type RunningCommand = ProcessCommands.Running<CommandError>

/**
 * A machine that answers, for as long as the scope that it was opened in. `exec` and `start` are those of `SshClient`,
 * whatever the machine.
 *
 * @since 0.1.0
 * @category models
 */
export interface Machine extends ProcessCommands.Commands<CommandError> {
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
  /**
   * The client that a name such as `vast:123` is looked up with, which is made only for such a name; without it the name
   * is refused.
   */
  readonly vast?: Effect.Effect<VastClient["Service"], VastError> | undefined
}

/**
 * Everything that {@link open} fails with: SSH, the Vast.ai API, and a machine of which no way in works.
 *
 * @since 0.1.0
 * @category errors
 */
export type OpenError = CommandError | VastError | MachineError

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

/**
 * The target of SSH that a name and the flags beside it stand for. Fails with `InvalidTarget` for what is reached in
 * another way (`vast:ID` has several, see `VastMachine`), and for what can't be understood.
 *
 * @since 0.1.0
 * @category parsing
 */
export const target = Effect.fnUntraced(function* (
  name: string,
  flags: SshTarget.Flags = {}
): Effect.fn.Return<SshTarget.SshTarget, SshError.SshError, ClientPlatform> {
  const platform = yield* ClientPlatform
  const other = otherWays.find(([prefix]) => name.startsWith(prefix))
  if (other !== undefined) return yield* Effect.fromResult(invalid(name, other[1], other[2]))
  return yield* Effect.fromResult(
    Result.flatMap(SshTarget.parse(name, { platform }), (parsed) => SshTarget.withOptions(parsed, flags, { platform }))
  )
})

const otherWays: ReadonlyArray<readonly [prefix: string, detail: string, hint: string]> = [
  [
    "serial:",
    "a serial console is not reached by SSH",
    "Use it with exec, put, get, sync, job and doctor, or give a machine that has an SSH server: root@host:port."
  ],
  ["vast:", "it is no instance of Vast.ai that can be reached so", "Write the number of an instance: vast:41000001."]
]

/** Logs in to what an SSH target stands for. */
const enter = Effect.fnUntraced(function* (
  named: SshTarget.SshTarget,
  login: SshLogin.Options,
  transport: Transport | undefined
) {
  const pool = yield* SshPool
  return yield* transport === "openssh" ? OpenSsh.connect(named, login) : pool.client(named, login)
})

/** Asked for only when it is needed, as no other machine is to pay for the shapes of an API. */
const loadVast = Effect.promise(() => Promise.all([import("./VastMachine.ts"), import("@toehold/vast-api/VastClient")]))

/** Logs in to an instance by the first of its addresses that lets us in. */
const enterInstance = Effect.fnUntraced(function* (id: number, { flags, transport, vast, ...login }: Options) {
  if (vast === undefined) {
    return yield* Effect.fromResult(
      invalid(VastName.nameOf(id), "there is no client for Vast.ai here", "Give Machine.open one: see its options.")
    )
  }
  const [VastMachine, { VastClient }] = yield* loadVast
  const client = yield* vast
  const located = yield* VastMachine.locate(id, flags).pipe(Effect.provideService(VastClient, client))
  const entered = yield* VastMachine.enter(located, login, (route, options) => enter(route.target, options, transport))
  return entered.value
})

/**
 * Opens the machine that a name stands for: `local:`, `vast:ID`, a serial console as `SerialTarget.parse` reads it
 * (`serial:unix:PATH`), or what `SshTarget.parse` reads (an alias, `user@host:port`, an `ssh` command line), which is logged
 * in to through the pool. Fails as `SshPool.client` does, and by the transport `openssh` as `OpenSsh.connect` does; for an
 * instance of Vast.ai also as `VastMachine.locate` and `VastMachine.enter` do, and for a console as `SerialHub.console` and
 * `SerialShell.identity` do.
 *
 * **Gotchas**
 *
 * The pool tries an address that it has reached before for a while (`retryFor`) before an instance's other one is tried. A
 * console has one owner: two that open the same one share a `SerialHub` in their context, or the second fails with
 * `PortBusy`. What is said of logging in does not concern it, nor do limits on questions (`promptTimeout`).
 *
 * @since 0.1.0
 * @category constructors
 */
export const open = Effect.fn("Machine.open")(function* (
  name: string,
  options: Options = {}
): Effect.fn.Return<
  Machine,
  OpenError,
  Scope.Scope | FileSystem.FileSystem | Path.Path | ClientPlatform | ChildProcessSpawner.ChildProcessSpawner | SshPool
> {
  if (name === "local:") {
    const processes = yield* ChildProcessSpawner.ChildProcessSpawner
    const { os } = yield* ClientPlatform
    const commands = ProcessCommands.make(LocalMachine.make(processes, os))
    return { name, processes, files: yield* FileSystem.FileSystem, ...commands }
  }
  if (name.startsWith("serial:")) {
    // As with Vast.ai: no other machine is to pay for it.
    const SerialMachine = yield* Effect.promise(() => import("./internal/serialMachine.ts"))
    return { name, ...(yield* SerialMachine.open(name)) }
  }
  const { flags, transport, vast: _, ...login } = options
  const id = VastName.idOf(name)
  const ssh =
    id === undefined ? yield* enter(yield* target(name, flags), login, transport) : yield* enterInstance(id, options)
  const processes = yield* Effect.provideService(SshProcess.make, SshClient, ssh)
  const files = yield* SshFiles.make().pipe(
    Effect.provideService(SshClient, ssh),
    Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, processes)
  )
  return { name, processes, files, exec: ssh.exec, start: ssh.start }
})
