/** A way to a machine that is gone again and again, for what outlives its connections. */
import { Effect, type FileSystem, type Path, type Scope } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import type * as Machine from "@toehold/machines/Machine"
import * as VastName from "@toehold/machines/VastName"
import type { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import type { SshClient } from "@toehold/ssh-core/SshClient"
import type * as SshError from "@toehold/ssh-core/SshError"
import type * as SshLogin from "@toehold/ssh-core/SshLogin"
import type * as SshTarget from "@toehold/ssh-core/SshTarget"
import type { Invocation } from "./commandSpec.ts"
import { connect, locateInstance, readTarget, vastClient } from "./machine.ts"

type Needs = Scope.Scope | FileSystem.FileSystem | Path.Path | ClientPlatform | ChildProcessSpawner.ChildProcessSpawner

interface Way {
  readonly target: SshTarget.SshTarget
  readonly connect: Effect.Effect<SshClient["Service"], SshError.SshError, Needs>
}

/**
 * The way to the machine that a name stands for. An instance has been logged in to once when this succeeds, so that its
 * first connection is there already and each of its addresses has been tried; later ones are made to where it is then.
 */
export const readWay = Effect.fnUntraced(function* (
  invocation: Invocation,
  machine: string,
  login: SshLogin.Options
): Effect.fn.Return<Way, Machine.OpenError, Needs> {
  const id = VastName.idOf(machine)
  if (id === undefined) {
    const target = yield* readTarget(invocation, machine)
    return { target, connect: connect(invocation, target, login) }
  }
  const vast = yield* vastClient
  const enter = Effect.gen(function* () {
    const { VastMachine, located } = yield* locateInstance(invocation, id, vast)
    return yield* VastMachine.enter(located, login, (route, options) => connect(invocation, route.target, options))
  })
  const { route, value } = yield* enter
  let first: SshClient["Service"] | undefined = value
  /** What the API or all addresses say is not what waiting for a connection is decided by: the last way's own failure is. */
  const again = enter.pipe(
    Effect.map(({ value }) => value),
    Effect.catchIf(
      (failure) => failure._tag !== "SshError",
      (failure) => {
        const last =
          failure._tag === "MachineError" && failure.reason._tag === "RoutesFailed" ? failure.reason : undefined
        const error = last?.decisive?.error
        return error === undefined ? connect(invocation, route.target, login) : Effect.fail(error)
      }
    )
  )
  return {
    target: route.target,
    connect: Effect.suspend(() => {
      const client = first
      first = undefined
      return client === undefined ? again : Effect.succeed(client)
    })
  }
})
