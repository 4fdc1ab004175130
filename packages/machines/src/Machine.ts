/**
 * A machine by its name: its processes and its files as Effect's own services, whatever the way in.
 *
 * @since 0.1.0
 */
import { Context, Effect, FileSystem, type Path, type Scope } from "effect"
import { ChildProcessSpawner } from "effect/process"
import type { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import * as SshError from "@toehold/ssh-core/SshError"
import type * as SshLogin from "@toehold/ssh-core/SshLogin"

/**
 * A machine that answers, for as long as the scope that it was opened in.
 *
 * @since 0.1.0
 * @category models
 */
export interface Machine {
  /** As it was asked for. */
  readonly name: string
  readonly processes: ChildProcessSpawner.ChildProcessSpawner["Service"]
  readonly files: FileSystem.FileSystem
}

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

/**
 * Opens the machine that a connection string names: `local:`, or what `SshTarget.parse` reads.
 *
 * @since 0.1.0
 * @category constructors
 */
export const open = Effect.fn("Machine.open")(function* (
  name: string,
  _options: SshLogin.Options = {}
): Effect.fn.Return<
  Machine,
  SshError.SshError,
  Scope.Scope | FileSystem.FileSystem | Path.Path | ClientPlatform | ChildProcessSpawner.ChildProcessSpawner
> {
  if (name === "local:") {
    return { name, processes: yield* ChildProcessSpawner.ChildProcessSpawner, files: yield* FileSystem.FileSystem }
  }
  return yield* SshError.make(
    new SshError.InvalidTarget({ word: name, detail: "it is no machine", hint: "Give local:." })
  )
})
