/**
 * Connections that are shared by all who talk to the same machines: made when they are needed, handed out call by call,
 * replaced when they die, closed when nobody uses them.
 *
 * @since 0.1.0
 */
import {
  Config,
  Context,
  Deferred,
  Duration,
  Effect,
  FileSystem,
  Layer,
  MutableHashMap,
  Option,
  Path,
  Random,
  Schedule,
  Scope,
  Semaphore
} from "effect"
import { ClientPlatform } from "./ClientPlatform.ts"
import * as MachineConnections from "./internal/machineConnections.ts"
import * as PooledClient from "./internal/pooledClient.ts"
import * as SshClient from "./SshClient.ts"
import type * as SshError from "./SshError.ts"
import * as SshLogin from "./SshLogin.ts"
import type * as SshTarget from "./SshTarget.ts"

/**
 * Limits of a pool, for each machine.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * Connections to one machine at most. A second one is made when a call has waited for a session for a quarter of a
   * second. Default: 8.
   */
  readonly maxConnections?: number | undefined
  /** A connection that nobody has used for this long is closed. Default: 1 minute. */
  readonly idleTimeout?: Duration.Input | undefined
  /**
   * For how long a server that turns connections away (MaxStartups), or a machine that was reached before, is tried
   * again and again. Default: 30 seconds.
   */
  readonly retryFor?: Duration.Input | undefined
}

/**
 * One open connection of a pool.
 *
 * @since 0.1.0
 * @category models
 */
export interface Status {
  readonly connection: SshClient.ConnectionInfo
  /** Calls that hold a session of it, or are about to. */
  readonly sessions: number
}

/**
 * A pool of connections.
 *
 * @since 0.1.0
 * @category services
 */
export class SshPool extends Context.Service<
  SshPool,
  {
    /**
     * Logs in, unless the pool has a connection, and gives a client that keeps to no connection: each of its calls takes
     * a live one for as long as its scope lasts, and waits where the server allows no more sessions. What certainly did
     * not run is run again; everything else fails as it does on a connection of one's own. Fails as `SshLogin.connect`
     * does, and all who wait for the same login fail with it; the next call tries again.
     *
     * **Gotchas**
     *
     * A command that has to wait for a session waits without a time limit: its own begins when it has one. Commands
     * that only end when others have begun need as many sessions as all the connections that the pool may open have
     * together; the pipelines of `SshProcess` don't, as their stages go over connections of their own where they must.
     *
     * What `listen` asks for is gone with the connection that it was asked over, and nobody is told: forwards that are
     * to outlive a connection are `SshForward`'s.
     */
    readonly client: (
      machine: string | SshTarget.SshTarget,
      options?: SshLogin.Options
    ) => Effect.Effect<SshClient.SshClient["Service"], SshError.SshError>
    /** The connections that are open now, those to jump hosts among them. */
    readonly status: Effect.Effect<ReadonlyArray<Status>>
  }
>()("@toehold/ssh-core/SshPool") {}

type Services = FileSystem.FileSystem | Path.Path | ClientPlatform

/** The ones to wait for: a server that turns connections away now does so before it says anything of its own. */
const isTurnedAway = ({ reason }: SshError.SshError): boolean =>
  reason._tag === "ConnectionClosed" && (reason.stage === "tcp" || reason.stage === "banner")

/** Delays that grow, and differ from caller to caller so that they don't all come back at once. */
const backoff = (retryFor: Duration.Duration) =>
  Schedule.exponential("100 millis").pipe(
    Schedule.modifyDelay(({ duration }) =>
      Effect.map(Random.next, (random) => Duration.times(Duration.min(duration, Duration.seconds(3)), 0.5 + random))
    ),
    Schedule.upTo({ duration: retryFor })
  )

/** What makes two logins the same: everything that they are made of but how they are watched. */
const keyOf = ({ client, hostKeys }: SshLogin.Resolved): unknown => {
  const { connectTimeout: _limit, onEvent: _watch, spareSessions: _spares, ...identity } = client
  return { identity, hostKeys }
}

interface Entry {
  readonly machine: MachineConnections.MachineConnections
  readonly client: SshClient.SshClient["Service"]
}

/**
 * A pool for as long as the scope, whose end closes every connection and fails the calls that wait for one.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* (
  options: Options = {}
): Effect.fn.Return<SshPool["Service"], never, Scope.Scope | Services> {
  // Not the scope, too: a connection has its own.
  const context = Context.pick(FileSystem.FileSystem, Path.Path, ClientPlatform)(yield* Effect.context<Services>())
  const scope = yield* Scope.fork(yield* Effect.scope, "parallel")
  const entries = MutableHashMap.empty<unknown, Entry>()
  const finding = yield* Semaphore.make(1)
  const closed = yield* Deferred.make<string>()
  yield* Effect.addFinalizer(() => Deferred.succeed(closed, "the pool was closed"))
  const retryFor = Duration.fromInputUnsafe(options.retryFor ?? "30 seconds")

  /** Login by login: a jump host is a machine of the pool like any other. */
  const entryOf = (way: SshLogin.Route): Effect.Effect<Entry> =>
    Effect.gen(function* () {
      const key = [...way.hops, way.machine].map(keyOf)
      const known = MutableHashMap.get(entries, key)
      if (Option.isSome(known)) return known.value
      const last = way.hops.at(-1)
      const hop = last === undefined ? undefined : yield* entryOf({ hops: way.hops.slice(0, -1), machine: last })
      const machine = yield* MachineConnections.make({
        maxConnections: options.maxConnections ?? 8,
        idleTimeout: Duration.fromInputUnsafe(options.idleTimeout ?? "1 minute"),
        connect: (maxSessions, isAgain) =>
          SshLogin.loginTo({ ...way.machine, client: { ...way.machine.client, maxSessions } }, hop?.client).pipe(
            Effect.retry({
              schedule: backoff(retryFor),
              while: (error) => isTurnedAway(error) || (isAgain && error.isRetryable)
            }),
            Effect.provideContext(context)
          )
      }).pipe(Scope.provide(scope))
      const entry: Entry = {
        machine,
        client: PooledClient.make(machine, Deferred.await(closed))
      }
      MutableHashMap.set(entries, key, entry)
      return entry
    })

  return {
    client: Effect.fn("SshPool.client")(function* (machine, loginOptions) {
      const way = yield* SshLogin.route(machine, loginOptions).pipe(Effect.provideContext(context))
      const { client, machine: connections } = yield* Semaphore.withPermit(finding, entryOf(way))
      yield* Effect.scoped(connections.lease("channel"))
      return client
    }),
    status: Effect.sync(() =>
      Array.from(MutableHashMap.values(entries)).flatMap(({ machine }) =>
        machine.status().map(({ client, sessions }) => ({ connection: client.connection, sessions }))
      )
    )
  }
})

/**
 * A pool as a layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<SshPool, never, Services> => Layer.effect(SshPool, make(options))

/**
 * The same with every value from the configuration, such as `{ maxConnections: Config.Int("MAX_CONNECTIONS") }`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (config: Config.Wrap<Options>): Layer.Layer<SshPool, Config.ConfigError, Services> =>
  Layer.effect(SshPool, Effect.flatMap(Config.unwrap(config), make))

/**
 * A machine of the pool as the client that `SshClient.layer` gives for a connection of its own.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerClient = (
  machine: string | SshTarget.SshTarget,
  options?: SshLogin.Options
): Layer.Layer<SshClient.SshClient, SshError.SshError, SshPool> =>
  Layer.effect(
    SshClient.SshClient,
    Effect.flatMap(SshPool, (pool) => pool.client(machine, options))
  )
