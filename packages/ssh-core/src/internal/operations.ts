/** What can be done over a connection, whoever made it. */
import { Effect, type Scope } from "effect"
import type { SshCommand } from "../SshCommand.ts"
import type * as SshError from "../SshError.ts"
import type { ExecOptions, SpawnOptions, StartOptions } from "../SshExec.ts"
import type * as SshInteract from "../SshInteract.ts"
import * as Execution from "./execution.ts"
import type { Forwarding } from "./forwarding.ts"
import * as Interaction from "./interaction.ts"
import type * as Sessions from "./sessions.ts"
import * as OpenSftp from "./sftp/open.ts"
import * as Spawn from "./spawn.ts"

export interface Connected extends Sessions.Connection {
  readonly sessions: Sessions.Sessions
  readonly forwarding: Forwarding
  readonly closed: Effect.Effect<string>
  readonly whyClosed: () => string | undefined
}

/** `fresh` makes a second connection, for what the first has no session left for. */
export const make = (
  connected: Connected,
  account: { readonly host: string; readonly user: string },
  fresh: Effect.Effect<Sessions.Sessions, SshError.SshError, Scope.Scope>
) => {
  const { sessions, whyClosed } = connected
  const machine: Execution.Machine = { account, sessions, whyClosed, fresh }
  const start = <R = never>(command: SshCommand, options?: StartOptions<never, R>) =>
    Execution.start(machine, command, options ?? {})
  return {
    exec: <E = never, R = never>(command: SshCommand, options?: ExecOptions<E, R>) =>
      Execution.exec(machine, command, options ?? {}),
    start,
    interact: (command: SshCommand, steps: ReadonlyArray<SshInteract.Step>, options?: SshInteract.Options) =>
      Interaction.run(start, command, steps, options ?? {}),
    spawn: (command: SshCommand, options?: SpawnOptions) => Spawn.spawn(machine, command, options ?? {}),
    dial: connected.forwarding.dial,
    listen: connected.forwarding.listen,
    sftp: (options?: { readonly atOnce?: boolean }) => OpenSftp.open(connected, options),
    checkSftp: Effect.asVoid(Effect.scoped(OpenSftp.open(connected))),
    closed: connected.closed
  }
}
