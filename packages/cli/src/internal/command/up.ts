/** `toehold up` and `toehold provision`: from an instance or a machine to one that is ready. */
import { Effect } from "effect"
import { FetchHttpClient } from "effect/http"
import { ChildProcessSpawner } from "effect/process"
import * as Provision from "@toehold/bootstrap-service/Provision"
import { ProvisionAccess } from "@toehold/bootstrap-service/ProvisionAccess"
import * as VastName from "@toehold/machines/VastName"
import { VastClient } from "@toehold/vast-api/VastClient"
import * as ExitCode from "../../ExitCode.ts"
import type { Handler, Invocation } from "../commandSpec.ts"
import { HeartbeatInterval } from "../heartbeat.ts"
import { openMachine, vastClient } from "../machine.ts"
import { print, printJson } from "../print.ts"
import { makeAccess } from "../provision/access.ts"
import { readApp, readGuard, readProvisioning } from "../provision/options.ts"
import { makeReport, type StepRecord } from "../provision/report.ts"

const document = (machine: string, ready: Provision.Ready, steps: ReadonlyArray<StepRecord>) => ({
  machine,
  url: ready.tunnel?.url ?? null,
  port: ready.app?.port ?? null,
  workspace: ready.facts.workspace,
  gpus: ready.facts.gpus,
  diskFreeBytes: ready.facts.diskFree ?? null,
  services: ready.facts.manager,
  forwards: ready.forwards,
  steps
})

const printReady = Effect.fnUntraced(function* (
  invocation: Invocation,
  machine: string,
  ready: Provision.Ready,
  steps: ReadonlyArray<StepRecord>
) {
  if (invocation.has("ndjson")) return yield* printJson({ event: "ready", ...document(machine, ready, steps) })
  if (invocation.has("json")) return yield* printJson(document(machine, ready, steps))
  for (const port of ready.forwards) yield* print(`toehold forward ${machine} -L ${port}:127.0.0.1:${port}\n`)
  // Last, so that a script takes the last line.
  yield* print(ready.tunnel === undefined ? `${machine} is ready.\n` : `${ready.tunnel.url}\n`)
})

const upInstance = Effect.fnUntraced(function* (invocation: Invocation, id: number, options: Provision.Options) {
  const access = yield* makeAccess(invocation, id)
  const client = yield* yield* vastClient
  return yield* Provision.up(id, {
    ...options,
    register: invocation.has("register"),
    start: invocation.has("start"),
    newHostKey: invocation.has("new-host-key"),
    injectionWindow: yield* invocation.duration("key-window"),
    retryEvery: yield* invocation.duration("retry-every")
  }).pipe(Effect.provideService(ProvisionAccess, access), Effect.provideService(VastClient, client))
})

const upMachine = Effect.fnUntraced(function* (invocation: Invocation, machine: string, options: Provision.Options) {
  const { processes } = yield* openMachine(invocation, machine)
  return yield* Provision.ready(options).pipe(Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, processes))
})

const run = (invocation: Invocation, isServed: boolean) =>
  Effect.gen(function* () {
    const machine = invocation.argument(0)
    const { onEvent, steps } = yield* makeReport(invocation)
    const provisioning = yield* readProvisioning(invocation)
    const timeLimit = yield* invocation.duration("timeout")
    const served = isServed
      ? { app: yield* readApp(invocation), tunnel: !invocation.has("no-tunnel"), guard: yield* readGuard(invocation) }
      : { app: false as const, tunnel: false }
    const options: Provision.Options = {
      ...provisioning,
      ...served,
      onEvent,
      heartbeat: yield* HeartbeatInterval,
      limits: timeLimit === undefined ? {} : { provisioning: timeLimit }
    }
    const id = isServed ? VastName.idOf(machine) : undefined
    const ready =
      id === undefined ? yield* upMachine(invocation, machine, options) : yield* upInstance(invocation, id, options)
    yield* printReady(invocation, machine, ready, steps)
    return ExitCode.done
  }).pipe(Effect.scoped, Effect.provide(FetchHttpClient.layer))

export const up: Handler = (invocation) => run(invocation, true)

export const provision: Handler = (invocation) => run(invocation, false)
