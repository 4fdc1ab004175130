/** The `SshClient` service over a pool: each call has a live connection for as long as its scope. */
import { Duration, Effect, Exit, Scope } from "effect"
import * as CommandLimit from "../CommandLimit.ts"
import type { SshClient } from "../SshClient.ts"
import * as SshError from "../SshError.ts"
import type { Kind, Lease, MachineConnections } from "./machineConnections.ts"
import { SessionLease } from "./sessionLease.ts"

type Client = SshClient["Service"]

/** A connection may be found dead by the very call that needs it, and so may the next one. */
const maxLost = 5

/** How often a call without a session tries again where no other call holds one that could come free. */
const maxAlone = 6
const waitAfter = (alone: number) => Duration.millis(50 * 2 ** alone)

/** The call's channel did not open: nothing ran, and nothing of its input was read. */
const isLost = (error: unknown): boolean =>
  error instanceof SshError.SshError && error.reason._tag === "ConnectionLost" && error.reason.outcome === "did-not-run"

const isBusy = (error: unknown): boolean =>
  error instanceof SshError.SshError &&
  error.reason._tag === "ChannelRefused" &&
  error.reason.busy &&
  error.reason.request !== "shell"

/** How a call waits for a connection. */
interface Waiting {
  readonly atOnce?: boolean | undefined
  readonly inTime?: CommandLimit.InTime
}

const asLongAsItTakes: CommandLimit.InTime = (wait) => wait

/** Uses a connection; what certainly did not run is run again over another one, or when a session is free. */
const calling =
  (machine: MachineConnections) =>
  <A, E, R>(
    kind: Kind,
    use: (client: Client) => Effect.Effect<A, E, R>,
    { atOnce = false, inTime = asLongAsItTakes }: Waiting = {}
  ): Effect.Effect<A, E | SshError.SshError, R | Scope.Scope> => {
    const attempt = (lost: number, alone: number): Effect.Effect<A, E | SshError.SshError, R | Scope.Scope> =>
      Effect.gen(function* () {
        // What a failed attempt holds must be free again before the next one.
        const scope = yield* Scope.fork(yield* Effect.scope)
        let lease: Lease | undefined
        return yield* inTime(machine.lease(kind, { atOnce })).pipe(
          Effect.flatMap((granted) => {
            lease = granted
            return Effect.provideService(use(granted.client), SessionLease, granted)
          }),
          Effect.provideService(Scope.Scope, scope),
          Effect.tapError((error) => Effect.sync(() => isBusy(error) && lease?.refused())),
          Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))),
          Effect.catch((error) => {
            if (lease !== undefined && isLost(error) && lost < maxLost) {
              lease.discard()
              return attempt(lost + 1, alone)
            }
            if (lease !== undefined && !atOnce && isBusy(error) && (lease.isShared() || alone < maxAlone)) {
              const again = attempt(lost, lease.isShared() ? 0 : alone + 1)
              return Effect.andThen(inTime(Effect.sleep(waitAfter(alone))), again)
            }
            return Effect.fail(error)
          })
        )
      })
    return attempt(0, 0)
  }

/** Every member of the service is one line here. */
export const make = (machine: MachineConnections, closed: Effect.Effect<string>): Client => {
  const scoped = calling(machine)
  const whole = <A, E, R>(kind: Kind, use: (client: Client) => Effect.Effect<A, E, R>, waiting?: Waiting) =>
    Effect.scoped(scoped(kind, use, waiting))
  return {
    /** That of the newest connection: the service is only given to those who have seen one. */
    get connection() {
      const latest = machine.latest()
      if (latest === undefined) throw new Error("there has been no connection to the machine yet")
      return latest.connection
    },
    closed,
    exec: (command, execOptions) =>
      CommandLimit.spanning(command, execOptions?.timeout, (inTime) =>
        whole("session", (ssh) => ssh.exec(command, execOptions), { inTime })
      ),
    start: (command, startOptions) =>
      CommandLimit.spanning(command, startOptions?.timeout, (inTime) =>
        scoped("session", (ssh) => ssh.start(command, startOptions), { inTime })
      ),
    spawn: (command, spawnOptions) =>
      scoped("session", (ssh) => ssh.spawn(command, spawnOptions), { atOnce: spawnOptions?.atOnce }),
    sftp: (sftpOptions) => scoped("session", (ssh) => ssh.sftp(sftpOptions), { atOnce: sftpOptions?.atOnce }),
    interact: (command, steps, interactOptions) =>
      CommandLimit.spanning(command, interactOptions?.timeout, (inTime) =>
        whole("session", (ssh) => ssh.interact(command, steps, interactOptions), { inTime })
      ),
    dial: (to) => scoped("channel", (ssh) => ssh.dial(to)),
    listen: (at, onConnection) => scoped("channel", (ssh) => ssh.listen(at, onConnection)),
    checkSftp: whole("session", (ssh) => ssh.checkSftp)
  }
}
