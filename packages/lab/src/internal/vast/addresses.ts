/** Addresses that instances are reached at. One that was given back goes to the next instance that needs one. */
import { Effect, Scope } from "effect"
import * as FaultProxy from "../../FaultProxy.ts"
import type { LabError } from "../../LabError.ts"

export interface Address {
  readonly host: string
  readonly port: number
  /** The network in front of the server. */
  readonly network: FaultProxy.FaultProxy["Service"]
  /** From now on the address leads to the server at this port. */
  readonly lead: (port: number) => void
  readonly open: (how: FaultProxy.Welcome) => Effect.Effect<void, LabError>
  /** Refuses new connections and ends those that there are. */
  readonly close: Effect.Effect<void, LabError>
}

export interface Addresses {
  readonly take: Effect.Effect<Address, LabError>
  readonly giveBack: (address: Address) => Effect.Effect<void>
}

const makeOne = Effect.gen(function* () {
  const target = { host: FaultProxy.host, port: 0 }
  const network = yield* FaultProxy.make({ target, welcome: "refuse" })
  const address: Address = {
    host: network.host,
    port: network.port,
    network,
    lead: (port) => {
      target.port = port
    },
    open: network.welcome,
    close: Effect.andThen(network.welcome("refuse"), network.cut("rst"))
  }
  return address
})

export const make: Effect.Effect<Addresses, never, Scope.Scope> = Effect.gen(function* () {
  const scope = yield* Effect.scope
  const free: Array<Address> = []
  return {
    take: Effect.suspend(() => {
      const reused = free.shift()
      return reused === undefined ? Scope.provide(makeOne, scope) : Effect.succeed(reused)
    }),
    giveBack: (address) => Effect.sync(() => void free.push(address))
  }
})
