import { Clock, Context, Duration, Effect, Layer } from "effect"
import { FetchHttpClient, type HttpClient } from "effect/http"
import * as MachineHandle from "@toehold/shell/MachineHandle"
import * as BootstrapError from "../BootstrapError.ts"
import { MachineStatus } from "../MachineStatus.ts"
import * as SessionMachines from "../SessionMachines.ts"
import type { BootstrapClock, BootstrapServiceOptions } from "./bonfireModel.ts"
import { ofConsole } from "./transport.ts"

const textOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

const consoleFailed = (cause: unknown): BootstrapError.BootstrapError => BootstrapError.make(ofConsole(cause))

const statusOf = (getVm: BootstrapServiceOptions["getVm"]): MachineStatus["Service"] => ({
  look: (vmId) =>
    Effect.tryPromise({
      try: () => getVm(vmId),
      catch: (cause) => BootstrapError.make(new BootstrapError.MachineUnknown({ vmId, detail: textOf(cause) }))
    }).pipe(
      Effect.map((vm) =>
        vm === null || vm === undefined
          ? undefined
          : { isRunning: vm.status === "running", state: vm.status, ip: vm.ipAddress ?? undefined }
      )
    )
})

/** HTTP by the caller's `fetch`. */
export const http = (fetch: typeof globalThis.fetch | undefined): Layer.Layer<HttpClient.HttpClient> =>
  fetch === undefined
    ? FetchHttpClient.layer
    : FetchHttpClient.layer.pipe(Layer.provide(Layer.succeed(FetchHttpClient.Fetch, fetch)))

const closeLimit = "5 seconds"

/** Closes a handle, as well as it can be closed. */
const close = (handle: MachineHandle.MachineHandle): Effect.Effect<void> =>
  Effect.tryPromise(() => handle.close()).pipe(Effect.timeout(closeLimit), Effect.interruptible, Effect.ignoreCause)

/** Opens a console. One that comes after nobody waits for it any more is closed. */
const opened = (
  openConsole: BootstrapServiceOptions["openConsole"],
  vmId: string,
  pipeDir: string | undefined
): Effect.Effect<MachineHandle.MachineHandle, BootstrapError.BootstrapError> =>
  Effect.callback((resume, signal) => {
    const asked = { vmId, signal, ...(pipeDir === undefined ? {} : { pipeDir }) }
    Promise.resolve()
      .then(() => openConsole(asked))
      .then(
        (handle) => {
          if (signal.aborted) return void Effect.runFork(close(handle))
          resume(Effect.succeed(handle))
        },
        (cause: unknown) => resume(Effect.fail(consoleFailed(cause)))
      )
  })

/** The machines of a service, their consoles opened by its caller. */
export const machines = (
  { fetch, getVm, network = {}, openConsole }: BootstrapServiceOptions,
  pipeDir: string | undefined
): Layer.Layer<SessionMachines.SessionMachines> =>
  SessionMachines.layer({
    network,
    connect: ({ vmId }) =>
      Effect.acquireRelease(opened(openConsole, vmId, pipeDir), close, { interruptible: true }).pipe(
        Effect.flatMap((handle) => Effect.fromOption(MachineHandle.processes(handle))),
        Effect.catchTag("NoSuchElementError", () =>
          Effect.fail(consoleFailed("openConsole gave something that is no machine"))
        )
      )
  }).pipe(Layer.provide([Layer.succeed(MachineStatus, statusOf(getVm)), http(fetch)]))

/** Time as the service's caller has it. */
export const clockOf = ({ now, sleep }: BootstrapClock): Context.Context<never> => {
  const millis = () => Math.trunc(now())
  const nanos = () => BigInt(millis()) * 1_000_000n
  return Context.make(Clock.Clock, {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: nanos,
    monotonicTimeNanos: Effect.sync(nanos),
    sleep: (duration) => Effect.promise((signal) => sleep(Duration.toMillis(duration), signal))
  })
}
