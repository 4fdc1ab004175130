/**
 * The way from an instance that was rented, or a machine that answers, to one that is ready: the key, the login, the shell,
 * what is provisioned, the app, and a public URL. Each step skips what is done, so that the same can be run again after
 * any failure, of the client's too.
 *
 * @since 0.1.0
 */
import { Duration, Effect, type Result, type Scope, Semaphore } from "effect"
import { ChildProcessSpawner } from "effect/process"
import type { HttpClient } from "effect/http"
import type { SshAddress } from "@toehold/vast-api/Instance"
import type { VastClient } from "@toehold/vast-api/VastClient"
import * as CostGuard from "./CostGuard.ts"
import { port, running, type WaitOptions } from "./internal/provision/instance.ts"
import { identity, registration } from "./internal/provision/keys.ts"
import { login, type LoginOptions } from "./internal/provision/login.ts"
import { provisioning, type ProvisioningOptions } from "./internal/provision/provisioning.ts"
import { defaultLimits, makeRunner, type RunnerOptions } from "./internal/provision/runner.ts"
import { takingTurns } from "./internal/provision/turns.ts"
import { type App as App_, comfyui, services } from "./internal/provision/services.ts"
import * as MachineFacts from "./MachineFacts.ts"
import { type Identity, type OpenMachine, ProvisionAccess } from "./ProvisionAccess.ts"
import type * as ProvisionError from "./ProvisionError.ts"
import * as Tunnel from "./Tunnel.ts"

/**
 * A program that serves a port of the machine: shell text that runs it in the workspace, and the path that is asked for
 * to see whether it answers.
 *
 * @since 0.1.0
 * @category models
 */
export type App = App_

/**
 * What to make ready.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends RunnerOptions, ProvisioningOptions {
  /** Folders to work in, best first. Default: `/workspace`, then `~/workspace`. */
  readonly workspaces?: ReadonlyArray<string> | undefined
  /** Default: the service of the last recipe that has one, else ComfyUI on port 8188. `false` is none. */
  readonly app?: App | false | undefined
  /** Whether the app gets a public URL. Default: where there is an app. */
  readonly tunnel?: boolean | undefined
  readonly guard?: CostGuard.Options | undefined
}

/**
 * A machine that is ready.
 *
 * @since 0.1.0
 * @category models
 */
export interface Ready {
  readonly facts: MachineFacts.MachineFacts
  readonly app: App | undefined
  readonly tunnel: Tunnel.Tunnel | undefined
  /** Ports that the recipes' users want on their own machine. */
  readonly forwards: ReadonlyArray<number>
}

/** What the machine is to serve. */
const appOf = ({ app, recipes = [] }: Options): App | undefined => {
  if (app !== undefined) return app === false ? undefined : app
  const served = recipes.findLast(({ recipe }) => recipe.start !== undefined)?.recipe
  if (served?.port !== undefined) return { name: served.name, port: served.port, command: served.start }
  return comfyui
}

const size = (bytes: number | undefined): string =>
  bytes === undefined ? "unknown" : `${(bytes / 2 ** 30).toFixed(1)} GiB`

const describe = ({ diskFree, gpus, manager, workspace }: MachineFacts.MachineFacts): string => {
  const gpu = gpus[0]
  const has = gpu === undefined ? "no GPU" : `${gpus.length} x ${gpu.name}`
  return `${workspace}, ${size(diskFree)} free, ${has}, services by ${manager}`
}

/**
 * The steps from a shell to a URL that answers, on the machine whose processes are there. Fails with a `ProvisionError`
 * that says in which step, why, and what to do; without a URL that answers, where one was asked for, there is no success.
 *
 * @since 0.1.0
 * @category running
 */
export const ready = Effect.fn("Provision.ready")(function* (
  options: Options = {}
): Effect.fn.Return<
  Ready,
  ProvisionError.ProvisionError,
  ChildProcessSpawner.ChildProcessSpawner | HttpClient.HttpClient
> {
  const step = makeRunner(options)
  const facts = yield* step("shell", () =>
    Effect.map(MachineFacts.gather({ workspaces: options.workspaces }), (value) => ({
      value,
      detail: describe(value),
      skipped: value.wasPrepared
    }))
  )
  const { guard } = options
  if (guard !== undefined) yield* step("shell", () => CostGuard.arm(guard, facts))
  yield* step("provisioning", (report) => provisioning(facts, options, report))
  const app = appOf(options)
  if (app !== undefined) yield* step("services", (report) => services(facts, app, report))
  const tunnel =
    app === undefined || options.tunnel === false
      ? undefined
      : yield* step("tunnel", (report) =>
          Effect.map(Tunnel.open(app.port, facts, { onProgress: report.progress }), (value) => ({
            value,
            detail: `${value.url} answers ${value.status}`,
            skipped: value.wasOpen
          }))
        )
  const forwards = (options.recipes ?? []).flatMap(({ recipe: { forward } }) =>
    forward === undefined ? [] : [forward]
  )
  return { facts, app, tunnel, forwards }
})

/**
 * How to get into a rented instance, and what to make ready there.
 *
 * @since 0.1.0
 * @category models
 */
export interface UpOptions extends Options, WaitOptions, LoginOptions {
  /** Attach the key to the instance, and register it with the account, where they don't have it. */
  readonly register?: boolean | undefined
  /** Start the instance if it is stopped. */
  readonly start?: boolean | undefined
}

/**
 * A rented instance that was logged in to.
 *
 * @since 0.1.0
 * @category models
 */
export interface Entrance {
  readonly machine: OpenMachine
  readonly address: SshAddress
  readonly identity: Identity
}

/**
 * The steps from an instance's number to a login: a local key, that the instance knows it, that the instance runs, that a
 * port answers, and the login itself, which waits for the key to come into place. The scope's end closes the connection.
 *
 * @since 0.1.0
 * @category running
 */
export const enter = Effect.fn("Provision.enter")(function* (
  id: number,
  options: UpOptions = {}
): Effect.fn.Return<Entrance, ProvisionError.ProvisionError, VastClient | ProvisionAccess | Scope.Scope> {
  const step = makeRunner(options)
  const identities = yield* step("identity", () => identity)
  const key = yield* step("registration", (report) => registration(id, identities, options.register === true, report))
  const instance = yield* step("instance", (report) => running(id, options.start === true, options, report))
  const limit = Duration.fromInputUnsafe(options.limits?.port ?? defaultLimits.port)
  const addresses = yield* step("port", (report) => port(instance, limit, options, report))
  const entered = yield* step("login", (report) => login(instance, addresses, key, options, report))
  return { ...entered, identity: key }
})

/**
 * The whole way: {@link enter}, then {@link ready} on the machine that was entered.
 *
 * @since 0.1.0
 * @category running
 */
export const up = Effect.fn("Provision.up")(function* (
  id: number,
  options: UpOptions = {}
): Effect.fn.Return<
  Ready & Entrance,
  ProvisionError.ProvisionError,
  VastClient | ProvisionAccess | HttpClient.HttpClient | Scope.Scope
> {
  const entrance = yield* enter(id, options)
  const made = yield* ready(options).pipe(
    Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, entrance.machine.processes)
  )
  return { ...made, ...entrance }
})

/**
 * How many at once.
 *
 * @since 0.1.0
 * @category models
 */
export interface ManyOptions {
  /** How many machines are logged in to and worked on at the same time. Default: 16. */
  readonly concurrency?: number | undefined
}

/**
 * {@link up} for many instances at once, each with what is done with it once it is ready: the way it ended, in the order of
 * the ids. All of them wait together for what the service does in its time; from the login on each needs a turn, which are
 * given first come, first served, and given back while a key is on its way. So hundreds take little more memory than as
 * many as work at once, and none is passed over. When its use ends, an instance's connection is closed.
 *
 * **Gotchas**
 *
 * The limits of steps 2 and 5 are an hour each unless said otherwise: what is waited for there is mostly a turn, of this
 * function's or of the API's, which wants its calls apart.
 *
 * @since 0.1.0
 * @category running
 */
export const upEach = Effect.fn("Provision.upEach")(function* <A, E, R>(
  ids: ReadonlyArray<number>,
  optionsOf: (id: number) => UpOptions,
  use: (id: number, made: Ready & Entrance) => Effect.Effect<A, E, R>,
  { concurrency = 16 }: ManyOptions = {}
): Effect.fn.Return<
  ReadonlyArray<Result.Result<A, ProvisionError.ProvisionError | E>>,
  never,
  VastClient | ProvisionAccess | HttpClient.HttpClient | Exclude<R, Scope.Scope>
> {
  const access = yield* ProvisionAccess
  const inTurn = ProvisionAccess.of({ ...access, login: takingTurns(access.login, yield* Semaphore.make(concurrency)) })
  return yield* Effect.forEach(
    ids,
    (id) => {
      const options = optionsOf(id)
      const limits = { registration: "1 hour", login: "1 hour", ...options.limits } as const
      return up(id, { ...options, limits }).pipe(
        Effect.flatMap((made) => use(id, made)),
        Effect.provideService(ProvisionAccess, inTurn),
        Effect.scoped,
        Effect.result
      )
    },
    { concurrency: "unbounded" }
  )
})
