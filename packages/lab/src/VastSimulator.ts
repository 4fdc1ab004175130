/**
 * A stand-in for Vast.ai on one port: its API with the shapes, the limits and the moods of the real one, and behind each
 * running instance a real SSH server that is as slow to let anyone in.
 *
 * @since 0.1.0
 */
import { NodeHttpServer } from "@effect/platform-node"
import { Context, Effect, type FileSystem, Layer, type Path, Redacted, type Scope, Semaphore } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import { HttpClient, HttpClientRequest } from "effect/http"
import { NetAddress } from "effect/net"
import * as Http from "node:http"
import { withRealClock } from "./internal/realClock.ts"
import * as Edge from "./internal/vast/edge.ts"
import type { Failure } from "./internal/vast/failure.ts"
import type { Fate, InstanceRecord } from "./internal/vast/instanceRecord.ts"
import type { Delays } from "./internal/vast/lifeCycle.ts"
import type { HostKeys, Kind } from "./internal/vast/machine.ts"
import * as Offers from "./internal/vast/offers.ts"
import * as SavedState from "./internal/vast/savedState.ts"
import * as Server from "./internal/vast/server.ts"
import * as Stock from "./internal/vast/stock.ts"
import * as World from "./internal/vast/world.ts"
import type { Address } from "./internal/vast/addresses.ts"
import { LabError } from "./LabError.ts"
import * as RealPart from "./RealPart.ts"

export type { Delays, Failure, Fate, HostKeys, Kind }
export type { InstanceSpec, Rental } from "./internal/vast/world.ts"
export type { Received } from "./internal/vast/server.ts"

/**
 * What may be said of the simulator; everything has a default.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** How long things take; a few milliseconds each unless said otherwise. */
  readonly delays?: Partial<Delays>
  /**
   * The least time between two calls of an endpoint, in milliseconds; a call that comes earlier is refused. `documented` is
   * what the service asks for. Default: none.
   */
  readonly intervals?: "documented" | ((endpoint: string) => number)
  /** How many offers there are. Default: 4. */
  readonly offers?: number
  /** Public keys that the account has from the start. */
  readonly publicKeys?: ReadonlyArray<string>
  /** What instances are. Default: OpenSSH's server with an account of its own where that can be, else the lab's own. */
  readonly servers?: Kind
  /**
   * Keeps the account in this file, which only its owner can read, and the instances' files in a folder beside it: a
   * simulator that is started on it later goes on from there, at the same address if it is free. Its `url` and `apiKey` are
   * for programs that share the simulator while it runs. Default: in memory.
   */
  readonly file?: string
}

/**
 * An instance, from behind the scenes.
 *
 * @since 0.1.0
 * @category models
 */
export interface InstanceControl {
  readonly id: number
  readonly direct: Address | undefined
  readonly proxy: Address | undefined
  readonly homeDir: string
  /** Who logs in. */
  readonly user: string
  readonly hostKeys: Effect.Effect<HostKeys>
  /** What its SSH servers have logged. */
  readonly log: Effect.Effect<string>
  readonly status: Effect.Effect<string | null>
  /** Waits, in real time, until nothing more happens to it by itself. */
  readonly settled: Effect.Effect<void, LabError>
  readonly setFate: (fate: Fate) => Effect.Effect<void>
}

/**
 * The running simulator.
 *
 * @since 0.1.0
 * @category services
 */
export class VastSimulator extends Context.Service<
  VastSimulator,
  {
    /** For `VAST_URL`. */
    readonly url: string
    /** For `VAST_API_KEY`. */
    readonly apiKey: Redacted.Redacted
    /** Rents an instance without a client. */
    readonly rent: (spec?: World.InstanceSpec & Partial<World.Rental>) => Effect.Effect<InstanceControl, LabError>
    /** Does without a client what the API does on its orders. */
    readonly order: (
      id: number,
      what: "start" | "stop" | "reboot" | "recycle" | "destroy"
    ) => Effect.Effect<void, LabError>
    /** How the next create of a client goes. */
    readonly planNext: (spec: World.InstanceSpec) => Effect.Effect<void>
    readonly instance: (id: number) => Effect.Effect<InstanceControl, LabError>
    readonly instances: Effect.Effect<ReadonlyArray<InstanceControl>>
    /** The next call of the endpoint, or of any, fails so; so many of them. */
    readonly failNext: (
      failure: Failure,
      options?: { readonly endpoint?: string; readonly times?: number }
    ) => Effect.Effect<void>
    readonly setDelays: (delays: Partial<Delays>) => Effect.Effect<void>
    /** What the account is: a team's can't have SSH keys; lists of keys may come wrapped, an instance in a list. */
    readonly set: (moods: {
      readonly isTeam?: boolean
      readonly wrapsKeys?: boolean
      readonly listsInstance?: boolean
    }) => Effect.Effect<void>
    readonly requests: Effect.Effect<ReadonlyArray<Server.Received>>
    /** Where `https://*.trycloudflare.com` is in this world. */
    readonly edge: Edge.Edge
  }
>()("@toehold/lab/VastSimulator") {}

const documented: Readonly<Record<string, number>> = {
  "GET /api/v1/instances/": 2000,
  "DELETE /api/v0/instances/{id}/": 3000
}

const intervalOf = (intervals: Options["intervals"]): ((endpoint: string) => number) => {
  if (intervals === undefined) return () => 0
  return intervals === "documented" ? (endpoint) => documented[endpoint] ?? 1000 : intervals
}

type Services = FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner

const start = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<VastSimulator["Service"], LabError, Scope.Scope | Services> {
  const delays: Delays = { status: 20, load: 50, ssh: 50, keys: 50, results: 50, ...options.delays }
  const current = { delays }
  const failures: Array<{ readonly failure: Failure; readonly endpoint: string | undefined; times: number }> = []
  const received: Array<Server.Received> = []
  const { file } = options
  const saved = file === undefined ? undefined : yield* SavedState.read(file)
  const node = Http.createServer()
  const listen = (port: number) =>
    NodeHttpServer.make(() => node, { port, host: "127.0.0.1", disablePreemptiveShutdown: true }).pipe(
      Effect.mapError((cause) => new LabError({ message: "The simulator can't listen", cause }))
    )
  const http = yield* saved === undefined
    ? listen(0)
    : listen(Number(new URL(saved.url).port)).pipe(Effect.catch(() => listen(0)))
  // Clients keep connections open, and some wait for an answer that never comes.
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      node.close()
      node.closeAllConnections()
    })
  )
  const url = NetAddress.formatUrlUnsafe(http.address)
  const edge = yield* Edge.make
  const canBeReal = RealPart.find("sshd") !== undefined && RealPart.find("private-accounts") !== undefined
  const world = yield* World.make({
    url,
    kind: options.servers ?? (canBeReal ? "openssh" : "in-process"),
    delays: () => current.delays,
    stock: yield* Stock.make({ edge: edge.url }),
    saved,
    ...(file === undefined ? {} : { place: (id: number) => `${file}.d/${id}` })
  })
  const apiKey: World.ApiKeyRecord = { id: 88, key: saved?.apiKey ?? World.newKey(), name: "main", rights: "all" }
  world.apiKeys.set(apiKey.key, apiKey)
  const rented = new Set(saved?.rentedOffers)
  world.offers = Offers.make(options.offers ?? 4).map((offer) =>
    rented.has(offer.id) ? { ...offer, rentable: false, rented: true } : offer
  )
  const known = new Set(world.sshKeys.map(({ publicKey }) => publicKey))
  world.sshKeys = [
    ...world.sshKeys,
    ...(options.publicKeys ?? [])
      .filter((publicKey) => !known.has(publicKey))
      .map((publicKey) => ({ id: world.nextId(), publicKey, createdAt: "2026-01-01T12:00:00Z" }))
  ]
  const context = yield* Effect.context<Services>()
  const oneAtATime = Semaphore.makeUnsafe(1)
  const save =
    file === undefined
      ? Effect.void
      : World.toSaved(world, apiKey).pipe(
          Effect.flatMap((account) => SavedState.write(file, account)),
          oneAtATime.withPermits(1),
          Effect.provideContext(context)
        )
  yield* save
  yield* Server.serve(http, world, {
    interval: intervalOf(options.intervals),
    failureOf: (endpoint) => {
      const due = failures.find((failure) => failure.times > 0 && (failure.endpoint ?? endpoint) === endpoint)
      if (due !== undefined) due.times -= 1
      return due?.failure
    },
    note: (one) => void received.push(one),
    save
  })
  /** What a test does by itself is to last as well. */
  const saving = <A, E, R>(change: Effect.Effect<A, E, R>) => Effect.tap(change, () => save)

  const recordOf = (id: number): Effect.Effect<InstanceRecord, LabError> =>
    Effect.suspend(() => {
      const record = world.instances.get(id)
      return record === undefined
        ? Effect.fail(new LabError({ message: `There is no instance ${id}` }))
        : Effect.succeed(record)
    })

  const controlOf = (record: InstanceRecord): InstanceControl => {
    const { id, machine } = record
    return {
      id,
      direct: machine.direct,
      proxy: machine.proxy,
      homeDir: machine.homeDir,
      user: "root",
      hostKeys: machine.hostKeys,
      log: machine.log,
      status: Effect.sync(() => record.actualStatus),
      settled: world.lifeCycle.settled(record),
      setFate: (fate) =>
        Effect.sync(() => {
          record.fate = fate
        })
    }
  }

  return {
    url,
    apiKey: Redacted.make(apiKey.key),
    rent: (spec = {}) => {
      const rental: World.Rental = {
        image: "vastai/base-image:cuda-12.8.1-auto",
        runtype: "ssh_direc ssh_proxy",
        env: [],
        onstart: null,
        disk: 16,
        label: null,
        isBid: false,
        ...spec
      }
      return saving(Effect.map(world.rent(rental, spec), controlOf))
    },
    order: (id, what) =>
      Effect.flatMap(recordOf(id), (record) => {
        if (what === "destroy") return world.destroy(record)
        return what === "start" ? world.lifeCycle.boot(record) : world.lifeCycle[what](record)
      }).pipe(saving),
    planNext: (spec) => Effect.sync(() => void world.plans.push(spec)),
    instance: (id) => Effect.map(recordOf(id), controlOf),
    instances: Effect.sync(() => [...world.instances.values()].map(controlOf)),
    failNext: (failure, { endpoint, times = 1 } = {}) =>
      Effect.sync(() => void failures.push({ failure, endpoint, times })),
    setDelays: (changed) =>
      Effect.sync(() => {
        current.delays = { ...current.delays, ...changed }
      }),
    set: (moods) => Effect.sync(() => void Object.assign(world, moods)),
    requests: Effect.sync(() => [...received]),
    edge
  }
})

/**
 * Starts the simulator on a free port. It ends with its scope, with every instance and all that was started there.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options = {}
): Effect.Effect<VastSimulator["Service"], LabError, Scope.Scope | Services> => withRealClock(start(options))

/**
 * A client that finds quick tunnels at the simulator's edge: what is asked of `https://NAME.trycloudflare.com` is asked
 * there, in earnest. All else goes where it would.
 *
 * @since 0.1.0
 * @category combinators
 */
export const throughEdge = (simulator: { readonly edge: Pick<Edge.Edge, "url"> }) =>
  HttpClient.mapRequest((request) => HttpClientRequest.setUrl(request, edgeUrl(simulator, request.url)))

/**
 * Where the URL of a quick tunnel really leads to; other URLs are as they were.
 *
 * @since 0.1.0
 * @category accessors
 */
export const edgeUrl = ({ edge }: { readonly edge: Pick<Edge.Edge, "url"> }, url: string): string =>
  url.replace(/^https:\/\/([a-z0-9-]+\.trycloudflare\.com)(?=[/?#]|$)/, `${edge.url}/at/$1`)

/**
 * What to put into the environment of a Node 24 program so that it finds quick tunnels at the simulator's edge.
 *
 * @since 0.1.0
 * @category accessors
 */
export const edgeEnvironment = ({
  edge
}: Pick<VastSimulator["Service"], "edge">): Readonly<Record<string, string>> => ({
  NODE_OPTIONS: `--import=${new URL("./internal/vast/edgePreload.ts", import.meta.url).href}`,
  TOEHOLD_LAB_EDGE_PORT: new URL(edge.url).port
})

/**
 * The simulator as a layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options = {}): Layer.Layer<VastSimulator, LabError, Services> =>
  Layer.effect(VastSimulator, make(options))
