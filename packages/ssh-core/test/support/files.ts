import { Effect, Layer, PlatformError, type Scope } from "effect"
import { ChildProcessSpawner } from "effect/process"
import { assert } from "@effect/vitest"
import type { SshServer } from "@toehold/lab/SshServer"
import * as SshClient from "@toehold/ssh-core/SshClient"
import * as SshError from "@toehold/ssh-core/SshError"
import * as SshFiles from "@toehold/ssh-core/SshFiles"
import * as SshProcess from "@toehold/ssh-core/SshProcess"
import { connect, services } from "./machine.ts"

/** A machine on which no command can be started. */
export const noProcesses = Layer.succeed(
  ChildProcessSpawner.ChildProcessSpawner,
  ChildProcessSpawner.make(() =>
    Effect.fail(PlatformError.systemError({ _tag: "NotFound", module: "ChildProcess", method: "spawn" }))
  )
)

/** Files over a connection to a server of the lab; `shell` is `false` where the account may run no command. */
export const filesOver = <E>(
  server: Effect.Effect<SshServer, E, Scope.Scope | Layer.Success<typeof services>>,
  options: Partial<SshClient.Options> & { readonly shell?: boolean } = {}
) =>
  SshFiles.layer({ watchInterval: "50 millis" }).pipe(
    Layer.provide(options.shell === false ? noProcesses : SshProcess.layer),
    Layer.provideMerge(
      Layer.effect(
        SshClient.SshClient,
        Effect.flatMap(server, (server) => connect(server, options))
      )
    ),
    Layer.provide(services)
  )

/** How an effect fails; a success is a failed test. */
export const failureOf = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<E, never, R> =>
  Effect.matchEffect(effect, {
    onSuccess: () => Effect.sync(() => assert.fail("it succeeded")),
    onFailure: Effect.succeed
  })

/** Waits no longer than a test may. */
export const soon = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  effect.pipe(
    Effect.timeoutOrElse({
      duration: "15 seconds",
      orElse: () => Effect.sync(() => assert.fail("nothing within 15 s"))
    })
  )

/** The package's own error within that of the service. */
export const causeOf = (error: PlatformError.PlatformError): SshError.SshError => {
  const { cause } = error.reason
  return cause instanceof SshError.SshError ? cause : assert.fail(`no SshError within ${error.message}`)
}
