/** Everything that the simulated account has. */
import { Effect, type FileSystem, type Path, Scope } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import * as Crypto from "node:crypto"
import type { LabError } from "../../LabError.ts"
import * as Addresses from "./addresses.ts"
import { now } from "./clock.ts"
import type { Fate, InstanceRecord, KeyRecord } from "./instanceRecord.ts"
import * as LifeCycle from "./lifeCycle.ts"
import * as Machine from "./machine.ts"
import type { OfferRecord } from "./offers.ts"
import * as Results from "./results.ts"
import * as SavedState from "./savedState.ts"
import type { Stock } from "./stock.ts"

/** A key of the API, and what it may do: all, only read, or only what concerns one instance. */
export interface ApiKeyRecord {
  readonly id: number
  readonly key: string
  readonly name: string
  readonly rights: "all" | "read" | { readonly instance: number }
}

/**
 * What to rent, by a test itself or for the next create of a client.
 *
 * @since 0.1.0
 * @category models
 */
export interface InstanceSpec {
  /** Default: it runs. */
  readonly fate?: Fate
  /** Default: both, each with host keys of its own. */
  readonly addresses?: "both" | "direct" | "proxy"
  /** Whether there is a `/workspace`, or only one in the home folder. Default: there is, where that can be. */
  readonly workspace?: "root" | "home"
  readonly doors?: Machine.Doors
  /** Ports of the container besides that of SSH, and where they are on the machine. */
  readonly ports?: Readonly<Record<number, number>>
}

/**
 * What an instance is made of, as a create asks for it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Rental {
  readonly image: string
  readonly runtype: string
  readonly env: ReadonlyArray<readonly [name: string, value: string]>
  readonly onstart: string | null
  readonly disk: number
  readonly label: string | null
  readonly isBid: boolean
}

export interface World {
  readonly url: string
  readonly apiKeys: Map<string, ApiKeyRecord>
  readonly secrets: Map<string, string>
  readonly instances: Map<number, InstanceRecord>
  readonly lifeCycle: LifeCycle.LifeCycle
  readonly results: Results.Results
  sshKeys: ReadonlyArray<KeyRecord>
  offers: ReadonlyArray<OfferRecord>
  isTeam: boolean
  wrapsKeys: boolean
  listsInstance: boolean
  /** How creates of clients go, first to last; without one they run. */
  readonly plans: Array<InstanceSpec>
  readonly nextId: () => number
  readonly lastId: () => number
  readonly rent: (rental: Rental, spec: InstanceSpec) => Effect.Effect<InstanceRecord, LabError>
  readonly destroy: (record: InstanceRecord) => Effect.Effect<void>
}

export const newKey = (): string => Crypto.randomBytes(32).toString("hex")

export interface Options {
  readonly url: string
  readonly kind: Machine.Kind
  readonly delays: () => LifeCycle.Delays
  readonly stock: Stock
  /** Where the files of an instance are kept; without it they go with the simulator. */
  readonly place?: (id: number) => string
  /** What there was before. */
  readonly saved?: SavedState.SavedAccount | undefined
}

export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<
  World,
  LabError,
  Scope.Scope | FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner
> {
  const context = yield* Effect.context<FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner>()
  const machines = yield* Scope.fork(yield* Effect.scope, "parallel")
  const addresses = yield* Addresses.make
  const lifeCycle = yield* LifeCycle.make(options.delays)
  const { saved } = options
  let lastId = saved?.lastId ?? 41_000_000
  const nextId = () => (lastId += 1)

  type Spec = Pick<InstanceRecord, "id" | "workspace" | "doors" | "onstart" | "env">

  const machineOf = (
    { doors, env, id, onstart, workspace }: Spec,
    addresses: { readonly direct: Addresses.Address | undefined; readonly proxy: Addresses.Address | undefined },
    hostKeys?: Machine.HostKeys
  ) =>
    Machine.make({
      kind: options.kind,
      ...addresses,
      stock: options.stock,
      workspace,
      doors,
      onstart: onstart ?? undefined,
      env: () => Object.fromEntries([...world.secrets, ...env.filter(([name]) => /^\w+$/.test(name))]),
      place: options.place?.(id),
      hostKeys
    }).pipe(Effect.provideContext(context), Scope.provide(machines))

  const rent = Effect.fnUntraced(function* (rental: Rental, spec: InstanceSpec) {
    const which = spec.addresses ?? "both"
    const direct = which === "proxy" || !rental.runtype.includes("ssh_direc") ? undefined : yield* addresses.take()
    const proxy = which === "direct" ? undefined : yield* addresses.take()
    const id = nextId()
    const made = {
      ...rental,
      id,
      workspace: spec.workspace ?? "root",
      doors: spec.doors ?? {},
      mappedPorts: spec.ports ?? {}
    } as const
    const machine = yield* machineOf(made, { direct, proxy })
    const apiKey = newKey()
    const record: InstanceRecord = {
      ...made,
      machineId: 33001,
      apiKey,
      startDate: (yield* now) / 1000,
      machine,
      fate: spec.fate ?? "runs",
      actualStatus: null,
      intendedStatus: "running",
      curState: "running",
      nextState: "running",
      statusMsg: null,
      // Keys of the account reach instances that are made later, and no others.
      keys: world.sshKeys,
      runningSince: undefined
    }
    world.instances.set(id, record)
    world.apiKeys.set(apiKey, { id: nextId(), key: apiKey, name: `instance ${id}`, rights: { instance: id } })
    yield* lifeCycle.boot(record)
    return record
  })

  const take = (port: number | null) => (port === null ? Effect.undefined : addresses.take(port))

  /** What ran is started again, as after a power cut of its host. */
  const restore = Effect.fnUntraced(function* (instance: SavedState.SavedInstance) {
    const { ports } = instance
    const both = { direct: yield* take(ports.direct), proxy: yield* take(ports.proxy) }
    const machine = yield* machineOf(instance, both, SavedState.hostKeysOf(instance))
    const record: InstanceRecord = { ...instance, machine, runningSince: undefined }
    world.instances.set(record.id, record)
    if (record.intendedStatus === "running") yield* lifeCycle.boot(record)
  })

  const world: World = {
    url: options.url,
    apiKeys: new Map(),
    secrets: new Map(),
    instances: new Map(),
    lifeCycle,
    results: Results.make(options.url, () => options.delays().results),
    sshKeys: saved?.sshKeys ?? [],
    offers: [],
    isTeam: saved?.isTeam ?? false,
    wrapsKeys: saved?.wrapsKeys ?? false,
    listsInstance: saved?.listsInstance ?? false,
    plans: [],
    nextId,
    lastId: () => lastId,
    rent,
    destroy: (record) =>
      Effect.gen(function* () {
        world.instances.delete(record.id)
        world.apiKeys.delete(record.apiKey)
        yield* lifeCycle.end(record)
        for (const address of [record.machine.direct, record.machine.proxy]) {
          if (address !== undefined) yield* addresses.giveBack(address)
        }
      })
  }
  if (saved !== undefined) {
    for (const key of saved.apiKeys) world.apiKeys.set(key.key, key)
    for (const [name, value] of Object.entries(saved.secrets)) world.secrets.set(name, value)
    yield* Effect.forEach(saved.instances, restore)
  }
  return world
})

/** All of it, for a later world to go on from. `apiKey` is the one that its owner uses. */
export const toSaved = (world: World, apiKey: ApiKeyRecord): Effect.Effect<SavedState.SavedAccount> =>
  Effect.suspend(() =>
    Effect.map(Effect.forEach([...world.instances.values()], SavedState.savedInstance), (instances) => ({
      url: world.url,
      apiKey: apiKey.key,
      lastId: world.lastId(),
      apiKeys: [...world.apiKeys.values()],
      secrets: Object.fromEntries(world.secrets),
      sshKeys: world.sshKeys,
      rentedOffers: world.offers.flatMap(({ id, rentable }) => (rentable ? [] : [id])),
      isTeam: world.isTeam,
      wrapsKeys: world.wrapsKeys,
      listsInstance: world.listsInstance,
      instances
    }))
  )
