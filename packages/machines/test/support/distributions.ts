/** Machines of other distributions in containers, opened by name, and what is left on them in the end. */
import { assert } from "@effect/vitest"
import { NodeServices } from "@effect/platform-node"
import * as ContainerServer from "@toehold/lab/ContainerServer"
import { Context, Effect, Layer } from "effect"
import * as Machine from "../../src/Machine.ts"
import { proxyOf, services } from "./transfers.ts"

/** Every distribution with each of its accounts. */
export const accounts = (["debian-openssh", "busybox-dropbear"] as const).flatMap((image) =>
  (["root", "agent"] as const).map((user) => ({ image, user, name: `${user} of ${image}` }))
)

export type Account = (typeof accounts)[number]

type Server = ContainerServer.ContainerServer["Service"]

/** Half-open connections are found in two seconds rather than ten. */
const alive = ["ServerAliveInterval=1", "ServerAliveCountMax=2"]

/** Logs in through the pool, at another port where one leads there. */
export const open = (server: Server, port: number = server.port) =>
  Machine.open(nameOf(server), { flags: flagsOf(server, port), hostKeyPolicy: "off" })

export const nameOf = ({ host, user }: Server): string => `${user}@${host}`

export const flagsOf = ({ privateKeyPath }: Server, port: number) => ({
  configFile: "none",
  identityFiles: [privateKeyPath],
  port,
  options: alive
})

/** Every living process but the one that asks, by its command line, and every file where programs keep theirs. */
const looking = `for folder in /proc/[0-9]*; do
  { read -r line <"$folder/stat"; } 2>/dev/null || continue
  set -- \${line##*) }
  [ "$1" = Z ] || [ "\${folder##*/}" = $$ ] || tr '\\0' ' ' <"$folder/cmdline" 2>/dev/null && echo
done
find /tmp /var/tmp /dev/shm /root /home ! -type d 2>/dev/null
find /tmp -mindepth 1 -type d`

const look = (server: Server) =>
  Effect.map(server.run("sh", "-c", looking), (text) =>
    text
      .split("\n")
      .filter((line) => line !== "" && !line.includes("/stat"))
      .toSorted()
  )

/** Fails the whole suite where a process or a file of ours outlives the connections. */
const leavesNothing = Layer.effectDiscard(
  Effect.gen(function* () {
    const server = yield* ContainerServer.ContainerServer
    const before = yield* look(server)
    const settled = Effect.gen(function* () {
      while ((yield* look(server)).join("\n") !== before.join("\n")) yield* Effect.sleep("100 millis")
    })
    yield* Effect.addFinalizer(() =>
      settled.pipe(
        Effect.timeoutOrElse({
          duration: "20 seconds",
          orElse: () => Effect.map(look(server), (after) => assert.deepStrictEqual(after, before))
        }),
        Effect.orDie
      )
    )
  })
)

/** A machine that is open, beside the services of this one. */
export class Opened extends Context.Service<Opened, Machine.Machine>()("@toehold/machines/test/Opened") {}

/** An account's machine, whose pool is closed before the last look at what is left there. */
export const openedOf = ({ image, user }: Account) =>
  Layer.effect(
    Opened,
    Effect.flatMap(ContainerServer.ContainerServer, (server) => open(server))
  ).pipe(
    Layer.provideMerge(services),
    Layer.provideMerge(leavesNothing),
    Layer.provideMerge(Layer.provide(ContainerServer.layer(image, { user }), NodeServices.layer))
  )

/** The same with the machine's processes and files in place of this one's. */
export const servicesOf = (account: Account) =>
  Layer.effectContext(Effect.map(Opened, Machine.context)).pipe(Layer.provideMerge(openedOf(account)))

/** The machine behind a proxy, and what befalls it there. */
export const behindProxy = Effect.gen(function* () {
  const server = yield* ContainerServer.ContainerServer
  const proxy = yield* proxyOf(server)
  const reconnected = Effect.gen(function* () {
    const { accepted } = yield* proxy.connections
    while ((yield* proxy.connections).accepted === accepted) yield* Effect.sleep("20 millis")
  })
  return {
    server,
    proxy,
    machine: yield* open(server, proxy.port),
    /** The machine stands still until the connection to it was given up for another one. Begins `during` meanwhile. */
    silence: <A, E, R>(during: Effect.Effect<A, E, R>) =>
      Effect.acquireUseRelease(
        server.pause,
        () => Effect.tap(Effect.forkChild(during), () => reconnected),
        () => Effect.orDie(server.unpause)
      )
  }
})
