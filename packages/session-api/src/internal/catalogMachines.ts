/** How sessions get to the machines of the catalog. */
import { Context, Effect, Layer, Option, Redacted } from "effect"
import type { HttpClient } from "effect/http"
import * as BootstrapError from "@toehold/bootstrap-service/BootstrapError"
import { type Endpoint, type MachineLook, MachineStatus } from "@toehold/bootstrap-service/MachineStatus"
import type { SessionConfig } from "@toehold/bootstrap-service/SessionConfig"
import * as SessionMachines from "@toehold/bootstrap-service/SessionMachines"
import * as Machine from "@toehold/machines/Machine"
import * as VastAccount from "@toehold/machines/VastAccount"
import * as VastName from "@toehold/machines/VastName"
import type { SerialHub } from "@toehold/serial-runner/SerialHub"
import { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import * as SshError from "@toehold/ssh-core/SshError"
import type { Instance } from "@toehold/vast-api/Instance"
import type { VastClient } from "@toehold/vast-api/VastClient"
import type { VastError } from "@toehold/vast-api/VastError"
import { type Entry, MachineCatalog } from "../MachineCatalog.ts"

type Account = Effect.Effect<VastClient["Service"], VastError>

const endpointOf = (text: string): Endpoint => {
  const colon = text.lastIndexOf(":")
  return { ip: text.slice(0, colon), port: Number(text.slice(colon + 1)) }
}

const forwardsOf = ({ forwards = {} }: Entry): Readonly<Record<number, Endpoint>> =>
  Object.fromEntries(Object.entries(forwards).map(([port, text]) => [port, endpointOf(text)]))

/** Where the service has put the ports of an instance. */
const mappedPorts = ({ ports, public_ipaddr: ip }: Instance): Readonly<Record<number, Endpoint>> =>
  Object.fromEntries(
    Object.entries(ports ?? {}).flatMap(([name, mappings]) => {
      const [, port] = /^([0-9]{1,5})\/tcp$/.exec(name) ?? []
      const mapped = mappings?.[0]
      return ip === null || port === undefined || mapped === undefined ? [] : [[port, { ip, port: mapped.HostPort }]]
    })
  )

const lookAtInstance = (vmId: string, id: number, entry: Entry, account: Account) =>
  Effect.gen(function* () {
    const client = yield* account
    const instance = yield* client.instances.look(id)
    const state = instance.actual_status ?? "created"
    const look: MachineLook = {
      isRunning: state === "running",
      state,
      ip: entry.ip ?? instance.public_ipaddr ?? undefined,
      forwards: { ...mappedPorts(instance), ...forwardsOf(entry) }
    }
    return look
  }).pipe(
    Effect.catch(({ fix, message, reason }) =>
      reason._tag === "NotFound"
        ? Effect.undefined
        : Effect.fail(BootstrapError.make(new BootstrapError.MachineUnknown({ vmId, detail: `${message} ${fix}` })))
    )
  )

/** Of the others the catalog knows that they are there; whether they answer is found out by connecting. */
const status = (account: Account): Layer.Layer<MachineStatus, never, MachineCatalog> =>
  Layer.effect(
    MachineStatus,
    Effect.map(MachineCatalog, (catalog) => ({
      look: (name) => {
        const entry = catalog.entries.get(name)
        if (entry === undefined) return Effect.undefined
        const id = VastName.idOf(entry.target)
        if (id !== undefined) return lookAtInstance(name, id, entry, account)
        return Effect.succeed({ isRunning: true, state: "known", ip: entry.ip, forwards: forwardsOf(entry) })
      }
    }))
  )

const passwordOf = Effect.fnUntraced(function* ({ passwordEnv }: Entry) {
  if (passwordEnv === undefined) return undefined
  const { env } = yield* ClientPlatform
  const value = env[passwordEnv]
  if (value !== undefined && value !== "") return Redacted.make(value)
  return yield* SshError.make(
    new SshError.InvalidArgument({
      argument: `passwordEnv ${passwordEnv}`,
      detail: "the worker has no such environment variable, or it is empty",
      hint: "Set the variable in the environment of api-worker."
    })
  )
})

const open = Effect.fnUntraced(function* (entry: Entry, account: Account) {
  const { processes } = yield* Machine.open(entry.target, {
    flags: { identityFiles: entry.identityFiles ?? [] },
    hostKeyPolicy: entry.hostKey,
    knownHostsFile: entry.knownHosts,
    password: yield* passwordOf(entry),
    vast: account
  })
  return processes
})

type Services = Effect.Services<ReturnType<typeof open>>

const failed = (error: Machine.OpenError): BootstrapError.BootstrapError => {
  const { reason } = error
  if (reason._tag === "LoginPrompt") return BootstrapError.make(new BootstrapError.LoginPrompt({}))
  return BootstrapError.make(
    new BootstrapError.ConsoleFailed({ cause: reason._tag, detail: error.message, isRetryable: error.isRetryable })
  )
}

/** A console is no network: there the machine's own is set up. */
const networkOf = (entry: Entry | undefined) =>
  entry?.target.startsWith("serial:") === true ? (entry.network ?? {}) : ("skip" as const)

export const layer = Layer.effect(
  SessionMachines.SessionMachines,
  Effect.gen(function* () {
    const catalog = yield* MachineCatalog
    // Of one console all that goes on there at a time is one owner's.
    const services = yield* Effect.context<Services | SerialHub>()
    const account = yield* Effect.cached(Effect.provide(VastAccount.client, services))
    const connect = (config: SessionConfig) =>
      Option.match(Option.fromUndefinedOr(catalog.entries.get(config.vmId)), {
        onNone: () => Effect.fail(BootstrapError.make(new BootstrapError.MachineMissing({ vmId: config.vmId }))),
        onSome: (entry) => open(entry, account).pipe(Effect.mapError(failed), Effect.provide(services))
      })
    const context = yield* Effect.context<HttpClient.HttpClient | MachineCatalog>()
    const steps = Effect.fnUntraced(function* (config: SessionConfig) {
      const network = networkOf(catalog.entries.get(config.vmId))
      const made = yield* Layer.build(
        SessionMachines.layer({ connect, network }).pipe(Layer.provide(status(account)))
      ).pipe(Effect.provide(context))
      return yield* Context.get(made, SessionMachines.SessionMachines).steps(config)
    })
    return { steps }
  })
)
