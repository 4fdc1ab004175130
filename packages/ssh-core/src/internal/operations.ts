/** What can be done over a connection, whoever made it. */
import { Effect, type Scope, Semaphore } from "effect"
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

/** More logins at once a server may take for an attack. */
const maxLogins = 2

/** `another` makes a further connection, for what the first has no session left for. */
export const make = (
  connected: Connected,
  account: { readonly host: string; readonly user: string },
  another: Effect.Effect<{ readonly sessions: Sessions.Sessions }, SshError.SshError, Scope.Scope>
) => {
  const { sessions, whyClosed } = connected
  const logins = Semaphore.makeUnsafe(maxLogins)
  const machine: Execution.Machine = {
    account,
    sessions,
    whyClosed,
    fresh: Effect.map(Semaphore.withPermits(logins, 1)(another), ({ sessions }) => sessions)
  }
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
