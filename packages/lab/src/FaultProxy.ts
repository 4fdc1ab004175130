/**
 * A TCP proxy in the test's own process that does what bad networks do: delay, throttle, cut, fall silent, corrupt.
 *
 * @since 0.1.0
 */
import { Context, Duration, Effect, Layer, Schedule } from "effect"
import type { Scope } from "effect"
import * as Net from "node:net"
import * as DeafPort from "./internal/deafPort.ts"
import * as FaultyPipe from "./internal/faultyPipe.ts"
import { withRealClock } from "./internal/realClock.ts"
import { LabError } from "./LabError.ts"

/**
 * How a connection is cut: an orderly end, or a reset.
 *
 * @since 0.1.0
 * @category models
 */
export type CutBy = FaultyPipe.CutBy

/**
 * What may be wrong with one direction. Offsets count the bytes that came in on a connection since it was made.
 *
 * @since 0.1.0
 * @category models
 */
export interface Faults {
  /** Time that every byte is on its way. The order is kept and the throughput stays what it was. */
  readonly delay?: Duration.Input
  /** Rate that is not exceeded; `Infinity` for none. */
  readonly bytesPerSecond?: number
  /** Bytes go on in writes of this size at most; `Infinity` to leave them as they come. */
  readonly chunkSize?: number
  /** Keeps bytes and ends of connection back until it is set to `false`, like a network that comes back. */
  readonly hold?: boolean
  /** Drops bytes and ends of connection, like a peer that is gone; a connection that lost some stays dead for good. */
  readonly swallow?: boolean
  /** Cuts the connection, both ways, once this many bytes came in; exactly these are passed on. */
  readonly cutAfter?: { readonly bytes: number; readonly by: CutBy } | undefined
  /** Offset of a byte of which all bits are flipped. */
  readonly corruptAt?: number | undefined
  /** Offset from which on everything is dropped, ends of connection too, like a peer that is gone without a word. */
  readonly silentAfter?: number | undefined
}

/**
 * What happens to new connections: passed on, refused, accepted and left without an answer, or not even that: `drop` lets
 * nothing through, as a firewall does (on Linux).
 *
 * @since 0.1.0
 * @category models
 */
export type Welcome = "forward" | "refuse" | "stall" | "drop"

/**
 * Where the proxy leads to and how it starts.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Read anew for each connection. */
  readonly target: { readonly host: string; readonly port: number }
  readonly toServer?: Faults
  readonly toClient?: Faults
  readonly welcome?: Welcome
}

/**
 * A running proxy. Its controls act at once, on open connections too.
 *
 * @since 0.1.0
 * @category services
 */
export class FaultProxy extends Context.Service<
  FaultProxy,
  {
    readonly host: string
    readonly port: number
    /** Changes the given faults and leaves the others. */
    readonly set: (direction: "toServer" | "toClient" | "both", faults: Faults) => Effect.Effect<void>
    /** Delays each direction by half of the round trip. */
    readonly setRoundTrip: (time: Duration.Input) => Effect.Effect<void>
    /** Takes every fault away and forwards new connections. What was held is passed on. */
    readonly heal: Effect.Effect<void, LabError>
    /** Cuts every open connection now, and drops what is on its way. */
    readonly cut: (by: CutBy) => Effect.Effect<void>
    readonly welcome: (how: Welcome) => Effect.Effect<void, LabError>
    /** Bytes that have left the proxy, over all connections. */
    readonly bytes: Effect.Effect<{ readonly toServer: number; readonly toClient: number }>
    /** Connections from clients: how many are open, and how many there have been. */
    readonly connections: Effect.Effect<{ readonly open: number; readonly accepted: number }>
  }
>()("@toehold/lab/FaultProxy") {}

interface Connection {
  readonly sockets: ReadonlyArray<Net.Socket>
  readonly refresh: () => void
  readonly cut: (by: CutBy) => void
  readonly destroy: () => void
}

const apply = (current: FaultyPipe.PipeFaults, { delay, ...rest }: Faults): void => {
  Object.assign(current, rest, delay === undefined ? {} : { delayMillis: Duration.toMillis(delay) })
}

const stall = (client: Net.Socket): Connection => {
  client.resume().on("error", () => {})
  return {
    sockets: [client],
    cut: (by) => (by === "rst" ? client.resetAndDestroy() : client.end()),
    refresh: () => {},
    destroy: () => client.destroy()
  }
}

/**
 * Where every proxy listens.
 *
 * @since 0.1.0
 * @category constants
 */
export const host = "127.0.0.1"

const listen = (server: Net.Server, port: number): Effect.Effect<number, LabError> =>
  Effect.callback<number, LabError>((resume) => {
    const onError = (cause: Error) =>
      resume(Effect.fail(new LabError({ message: `The proxy can't listen on port ${port}`, cause })))
    server.once("error", onError)
    server.listen(port, host, () => {
      server.off("error", onError)
      const bound = server.address()
      resume(Effect.succeed(bound === null || typeof bound === "string" ? port : bound.port))
    })
  })

/**
 * Starts a proxy on a free port of 127.0.0.1; the scope ends it with all its connections.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fn("FaultProxy.make")(function* (
  options: Options
): Effect.fn.Return<FaultProxy["Service"], LabError, Scope.Scope> {
  const toServer = { ...FaultyPipe.noFaults }
  const toClient = { ...FaultyPipe.noFaults }
  apply(toServer, options.toServer ?? {})
  apply(toClient, options.toClient ?? {})
  let welcome = options.welcome ?? "forward"
  const bytes = { toServer: 0, toClient: 0 }
  const live = new Set<Connection>()
  let open = 0
  let accepted = 0
  let endDeafness: (() => void) | undefined

  const connect = (client: Net.Socket): Connection => {
    const upstream = new Net.Socket({ allowHalfOpen: true })
    upstream.setNoDelay(true)
    upstream.connect(options.target)
    const cut = (by: CutBy): void => {
      up.close()
      down.close()
      for (const socket of [client, upstream]) {
        if (by === "rst") socket.resetAndDestroy()
        // Unread bytes would turn the end into a reset.
        else socket.resume().end()
      }
    }
    const up = FaultyPipe.make(client, upstream, toServer, (count) => (bytes.toServer += count), cut)
    const down = FaultyPipe.make(upstream, client, toClient, (count) => (bytes.toClient += count), cut)
    return {
      sockets: [client, upstream],
      cut,
      refresh: () => {
        up.refresh()
        down.refresh()
      },
      destroy: () => {
        up.close()
        down.close()
        client.destroy()
        upstream.destroy()
      }
    }
  }

  const server = Net.createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    accepted++
    open++
    client.once("close", () => open--)
    const connection = welcome === "stall" ? stall(client) : connect(client)
    live.add(connection)
    for (const socket of connection.sockets) {
      socket.once("close", () => {
        // The server's side outlives the client's where the client's end was swallowed.
        if (connection.sockets.every(({ destroyed }) => destroyed)) live.delete(connection)
      })
    }
  })
  const port = yield* Effect.acquireRelease(listen(server, 0), () =>
    Effect.sync(() => {
      endDeafness?.()
      if (server.listening) server.close()
      for (const connection of live) connection.destroy()
    })
  )
  // What listened there until now may take a moment to be gone.
  const listenAgain = Effect.retry(listen(server, port), { times: 20, schedule: Schedule.spaced("25 millis") }).pipe(
    withRealClock
  )
  const shut = Effect.callback<void>((resume) => {
    // Open connections live on; the listener alone is closed. That it was closed is said only when they are gone too.
    if (server.listening) server.close()
    setImmediate(() => resume(Effect.void))
  })
  const setWelcome = (how: Welcome): Effect.Effect<void, LabError> =>
    Effect.suspend(() => {
      welcome = how
      endDeafness?.()
      endDeafness = undefined
      if (how === "refuse") return shut
      if (how === "drop") {
        const deafen = Effect.map(DeafPort.start(port, host), (end) => {
          endDeafness = end
        })
        return Effect.andThen(shut, deafen)
      }
      return server.listening ? Effect.void : Effect.asVoid(listenAgain)
    })
  const refresh = Effect.sync(() => {
    for (const connection of live) connection.refresh()
  })
  const set = (direction: "toServer" | "toClient" | "both", faults: Faults) =>
    Effect.andThen(
      Effect.sync(() => {
        if (direction !== "toClient") apply(toServer, faults)
        if (direction !== "toServer") apply(toClient, faults)
      }),
      refresh
    )
  if (welcome === "refuse" || welcome === "drop") yield* setWelcome(welcome)

  return {
    host,
    port,
    set,
    setRoundTrip: (time) => set("both", { delay: Duration.times(Duration.fromInputUnsafe(time), 0.5) }),
    heal: Effect.sync(() => {
      Object.assign(toServer, FaultyPipe.noFaults)
      Object.assign(toClient, FaultyPipe.noFaults)
    }).pipe(Effect.andThen(refresh), Effect.andThen(setWelcome("forward"))),
    cut: (by) =>
      Effect.sync(() => {
        for (const connection of live) connection.cut(by)
      }),
    welcome: setWelcome,
    bytes: Effect.sync(() => ({ ...bytes })),
    connections: Effect.sync(() => ({ open, accepted }))
  }
})

/**
 * The proxy as a layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<FaultProxy, LabError> => Layer.effect(FaultProxy, make(options))
