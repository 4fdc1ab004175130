/** A machine behind a proxy, and what goes wrong while something is under way. */
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import type { FaultProxy } from "@toehold/lab/FaultProxy"
import type { SshServer } from "@toehold/lab/SshServer"
import { Effect } from "effect"
import { folders, openMachine, proxyOf } from "./transfers.ts"

/** Half-open connections are found in two seconds rather than ten. */
const alive = ["ServerAliveInterval=1", "ServerAliveCountMax=2"]

/** A way to a server that can be made bad. */
export const badWayTo = Effect.fnUntraced(function* <Server extends SshServer>(server: Server) {
  const proxy = yield* proxyOf(server)
  const places = yield* folders
  const machine = yield* openMachine(server, proxy.port, alive)
  return { ...places, server, proxy, machine }
})

export const badNetwork = Effect.flatMap(OpenSshServer.OpenSshServer, badWayTo)

/** Does it when so many bytes have passed. */
export const when = <E>(proxy: FaultProxy["Service"], bytes: number, act: Effect.Effect<unknown, E>) =>
  Effect.gen(function* () {
    const passed = Effect.map(proxy.bytes, ({ toClient, toServer }) => toClient + toServer)
    const start = yield* passed
    while ((yield* passed) - start < bytes) yield* Effect.sleep("5 millis")
    yield* act
  })

/** Cuts all connections each time that so many further bytes have passed. */
export const cuts = (proxy: FaultProxy["Service"], at: ReadonlyArray<number>) =>
  Effect.forEach(at, (bytes) => when(proxy, bytes, proxy.cut("rst")), { discard: true })
