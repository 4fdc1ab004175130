/** How sessions get to the machines of the catalog. */
import { Context, Effect, Layer, Option, Redacted } from "effect"
import * as BootstrapError from "@toehold/bootstrap-service/BootstrapError"
import { MachineStatus } from "@toehold/bootstrap-service/MachineStatus"
import type { SessionConfig } from "@toehold/bootstrap-service/SessionConfig"
import * as SessionMachines from "@toehold/bootstrap-service/SessionMachines"
import * as Machine from "@toehold/machines/Machine"
import { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import * as SshError from "@toehold/ssh-core/SshError"
import { type Entry, MachineCatalog } from "../MachineCatalog.ts"

/** The machines are there, as far as the catalog knows; whether they answer is found out by connecting. */
const status: Layer.Layer<MachineStatus, never, MachineCatalog> = Layer.effect(
  MachineStatus,
  Effect.map(MachineCatalog, (catalog) => ({
    look: (name) =>
      Effect.sync(() => {
        const entry = catalog.entries.get(name)
        return entry === undefined ? undefined : { isRunning: true, state: "known", ip: entry.ip }
      })
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

const open = Effect.fnUntraced(function* (entry: Entry) {
  const { processes } = yield* Machine.open(entry.target, {
    flags: { identityFiles: entry.identityFiles ?? [] },
    hostKeyPolicy: entry.hostKey,
    knownHostsFile: entry.knownHosts,
    password: yield* passwordOf(entry)
  })
  return processes
})

type Services = Exclude<Effect.Services<ReturnType<typeof open>>, never>

const failed = (error: Machine.OpenError): BootstrapError.BootstrapError =>
  BootstrapError.make(
    new BootstrapError.ConsoleFailed({
      cause: error.reason._tag,
      detail: error.message,
      isRetryable: error.isRetryable
    })
  )

/** A console is no network: there the machine's own is set up. */
const isConsole = (entry: Entry | undefined): boolean => entry?.target.startsWith("serial:") === true

export const layer = Layer.effect(
  SessionMachines.SessionMachines,
  Effect.gen(function* () {
    const catalog = yield* MachineCatalog
    const services = yield* Effect.context<Services>()
    const connect = (config: SessionConfig) =>
      Option.match(Option.fromUndefinedOr(catalog.entries.get(config.vmId)), {
        onNone: () => Effect.fail(BootstrapError.make(new BootstrapError.MachineMissing({ vmId: config.vmId }))),
        onSome: (entry) => open(entry).pipe(Effect.mapError(failed), Effect.provide(services))
      })
    const byNetwork = yield* Layer.build(SessionMachines.layer({ connect, network: "skip" }))
    const byConsole = yield* Layer.build(SessionMachines.layer({ connect }))
    return {
      steps: (config) => {
        const made = isConsole(catalog.entries.get(config.vmId)) ? byConsole : byNetwork
        return Context.get(made, SessionMachines.SessionMachines).steps(config)
      }
    }
  })
).pipe(Layer.provide(status))
