/**
 * How a session gets to its machine. This package knows no transport: whoever composes it says how to connect.
 *
 * @since 0.1.0
 */
import { Context, Effect, Exit, Layer, Scope, SynchronizedRef } from "effect"
import { HttpClient } from "effect/http"
import { ChildProcessSpawner } from "effect/process"
import type { BootstrapError } from "./BootstrapError.ts"
import { MachineStatus } from "./MachineStatus.ts"
import type { SessionConfig } from "./SessionConfig.ts"
import type { Report } from "./SessionStep.ts"
import * as SessionSteps from "./SessionSteps.ts"

/**
 * The machines of the sessions.
 *
 * @since 0.1.0
 * @category services
 */
export class SessionMachines extends Context.Service<
  SessionMachines,
  {
    /**
     * The steps on a session's machine, until the scope closes. Nothing is connected to until a step needs it, since the
     * machine may not run yet.
     */
    readonly steps: (config: SessionConfig) => Effect.Effect<SessionSteps.SessionSteps["Service"], never, Scope.Scope>
  }
>()("@toehold/bootstrap-service/SessionMachines") {}

/**
 * What the machines are reached by.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends SessionSteps.Options {
  /**
   * Connects to a session's machine; the scope closes the connection. It is called again by a step that comes after one
   * for which it failed.
   */
  readonly connect: (
    config: SessionConfig
  ) => Effect.Effect<ChildProcessSpawner.ChildProcessSpawner["Service"], BootstrapError, Scope.Scope>
}

/**
 * Machines that are connected to once for each session, by the first step that needs it.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = ({
  connect,
  ...options
}: Options): Layer.Layer<SessionMachines, never, MachineStatus | HttpClient.HttpClient> =>
  Layer.effect(
    SessionMachines,
    Effect.gen(function* () {
      const status = yield* MachineStatus
      const http = yield* HttpClient.HttpClient
      const stepsOn = (spawner: ChildProcessSpawner.ChildProcessSpawner["Service"]) =>
        SessionSteps.make(options).pipe(
          Effect.provideService(MachineStatus, status),
          Effect.provideService(HttpClient.HttpClient, http),
          Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, spawner)
        )
      // For the one step that runs nothing on the machine.
      const unconnected = yield* stepsOn(
        ChildProcessSpawner.make(() => Effect.die("the machine is not connected to yet"))
      )

      const steps = Effect.fnUntraced(function* (config: SessionConfig) {
        const scope = yield* Effect.scope
        const opened = yield* SynchronizedRef.make<SessionSteps.SessionSteps["Service"] | undefined>(undefined)
        const connected = SynchronizedRef.modifyEffect(opened, (found) => {
          if (found !== undefined) return Effect.succeed([found, found] as const)
          return Effect.gen(function* () {
            const own = yield* Scope.fork(scope)
            const spawner = yield* Scope.provide(connect(config), own).pipe(
              Effect.onError((cause) => Scope.close(own, Exit.failCause(cause)))
            )
            const made = yield* stepsOn(spawner)
            return [made, made] as const
          })
        })
        const on =
          <Given, Done>(
            take: (
              made: SessionSteps.SessionSteps["Service"]
            ) => (config: SessionConfig, given: Given, report?: Report) => Effect.Effect<Done, BootstrapError>
          ) =>
          (config: SessionConfig, given: Given, report?: Report) =>
            Effect.flatMap(connected, (made) => take(made)(config, given, report))
        return {
          machine: unconnected.machine,
          console: on((made) => made.console),
          network: on((made) => made.network),
          workspace: on((made) => made.workspace),
          repository: on((made) => made.repository),
          openCode: on((made) => made.openCode),
          health: on((made) => made.health),
          stop: on((made) => made.stop)
        }
      })
      return { steps }
    })
  )
