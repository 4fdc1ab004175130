/** Addresses that instances are reached at. One that was given back goes to the next instance that needs one. */
import { Effect, Scope } from "effect"
import * as FaultProxy from "../../FaultProxy.ts"
import type { LabError } from "../../LabError.ts"

export interface Address {
  readonly host: string
  readonly port: number
  /** The network in front of the server. */
  readonly network: FaultProxy.FaultProxy["Service"]
  /** What it leads to, behind the network. */
  readonly behind: () => { readonly host: string; readonly port: number }
  /** From now on the address leads to the server at this port. */
  readonly lead: (port: number) => void
  readonly open: (how: FaultProxy.Welcome) => Effect.Effect<void, LabError>
  /** Refuses new connections and ends those that there are. */
  readonly close: Effect.Effect<void, LabError>
}

export interface Addresses {
  /** A free one; of this port, if that can be had. */
  readonly take: (port?: number) => Effect.Effect<Address, LabError>
  readonly giveBack: (address: Address) => Effect.Effect<void>
}

/**
 * While an address refuses connections its port belongs to nobody. These are below those that the system gives away, and
 * every process starts elsewhere.
 */
const ports = { first: 10_000, count: 22_000, next: (process.pid % 220) * 100 }

const nextPort = (): number => {
  ports.next = (ports.next + 1) % ports.count
  return ports.first + ports.next
}

const makeOne = Effect.fnUntraced(function* (wanted: number | undefined) {
  const target = { host: FaultProxy.host, port: 0 }
  const listening = Effect.suspend(() => FaultProxy.make({ target, port: nextPort() }))
  const another = Effect.retry(listening, { times: 50 })
  const network = yield* wanted === undefined
    ? another
    : FaultProxy.make({ target, port: wanted }).pipe(Effect.catch(() => another))
  yield* network.welcome("refuse")
  const address: Address = {
    host: network.host,
    port: network.port,
    network,
    behind: () => ({ ...target }),
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
    take: (port) =>
      Effect.suspend(() => {
        const reused = port === undefined ? free.shift() : undefined
        return reused === undefined ? Scope.provide(makeOne(port), scope) : Effect.succeed(reused)
      }),
    giveBack: (address) => Effect.sync(() => void free.push(address))
  }
})
