/** The third and fourth step: the instance runs, and one of its addresses answers. */
import { Clock, Duration, Effect } from "effect"
import { type Instance, type SshAddress, sshAddresses } from "@toehold/vast-api/Instance"
import * as InstanceWait from "@toehold/vast-api/InstanceWait"
import { VastClient } from "@toehold/vast-api/VastClient"
import type * as VastError from "@toehold/vast-api/VastError"
import { ProvisionAccess } from "../../ProvisionAccess.ts"
import * as ProvisionError from "../../ProvisionError.ts"
import { apiFailure } from "./apiFailure.ts"
import { lastLines } from "./lines.ts"
import type { Reporter, StepResult } from "./runner.ts"

const statusOf = ({ actual_status, status_msg }: Instance): string =>
  `${actual_status ?? "no status yet"}${status_msg === null || status_msg === "" ? "" : `: ${status_msg.slice(0, 300)}`}`

/** What it printed last. Nobody waits long for it: the failure is known. */
const logOf = (id: number) =>
  Effect.flatMap(VastClient, (client) => client.instances.logs(id, { tail: 20, timeout: "10 seconds" })).pipe(
    Effect.map((text) => lastLines(text, 3)),
    Effect.orElseSucceed((): ReadonlyArray<string> => [])
  )

const failedBy = (id: number) =>
  Effect.fnUntraced(function* (error: VastError.VastError) {
    if (error.reason._tag !== "InstanceFailed" && error.reason._tag !== "WaitTimeout") {
      return yield* apiFailure("instance")(error)
    }
    return yield* ProvisionError.make(
      new ProvisionError.InstanceFailed({
        instance: id,
        detail: error.message,
        hint: error.fix,
        log: yield* logOf(id)
      })
    )
  })

export interface WaitOptions {
  /** Time between two looks at the instance. */
  readonly pollEvery?: Duration.Input | undefined
}

const isOver = (status: string): boolean => status === "exited" || status === "stopped" || status === "frozen"

export const running = Effect.fnUntraced(function* (
  id: number,
  mayStart: boolean,
  options: WaitOptions,
  report: Reporter
): Effect.fn.Return<StepResult<Instance>, ProvisionError.ProvisionError, VastClient> {
  const client = yield* VastClient
  const now = yield* Effect.mapError(client.instances.look(id), apiFailure("instance"))
  if (now.actual_status === "running" && now.intended_status !== "stopped") {
    return { value: now, detail: `instance ${id} runs`, skipped: true }
  }
  const isStopped = isOver(now.actual_status ?? "") && now.intended_status === "stopped"
  if (isStopped) {
    if (!mayStart) {
      return yield* ProvisionError.make(new ProvisionError.InstanceStopped({ instance: id, status: statusOf(now) }))
    }
    yield* Effect.mapError(client.instances.start(id), apiFailure("instance"))
    yield* report.progress(`instance ${id} was told to start`)
  }
  const { instance } = yield* InstanceWait.waitUntil(id, InstanceWait.running, {
    timeout: "1 day",
    ...(options.pollEvery === undefined ? {} : { interval: options.pollEvery }),
    onEvent: (event) => (event._tag === "Waiting" ? report.progress(statusOf(event.instance)) : Effect.void)
  }).pipe(Effect.catch(failedBy(id)))
  return { value: instance, detail: `instance ${id} runs` }
})

/** How long every address may be silent until a firewall is to blame: a machine that comes up refuses, it isn't silent. */
const silenceLimit = Duration.toMillis("25 seconds")

/** How long an instance that runs may be without any address. */
const mappingLimit = Duration.toMillis("30 seconds")

const looksEachCall = 3

const isFiltered = ({ state }: ProvisionError.Probed): boolean => state === "filtered" || state === "unreachable"

export const port = Effect.fnUntraced(function* (
  instance: Instance,
  limit: Duration.Duration,
  options: WaitOptions,
  report: Reporter
): Effect.fn.Return<
  StepResult<ReadonlyArray<SshAddress>>,
  ProvisionError.ProvisionError,
  ProvisionAccess | VastClient
> {
  const { id } = instance
  const access = yield* ProvisionAccess
  const client = yield* VastClient
  const began = yield* Clock.currentTimeMillis
  const every = Duration.fromInputUnsafe(options.pollEvery ?? "1 second")
  let current = instance
  let said = ""
  for (let look = 1; ; look++) {
    const addresses = sshAddresses(current)
    const waitedMs = (yield* Clock.currentTimeMillis) - began
    if (addresses.length === 0 && waitedMs >= mappingLimit) {
      return yield* ProvisionError.make(new ProvisionError.NoAddress({ instance: id }))
    }
    const probed = yield* Effect.forEach(
      addresses,
      (address) => Effect.map(access.probe(address), (report) => ({ ...address, ...report })),
      { concurrency: "unbounded" }
    )
    const words = probed.map(({ host, kind, port, state }) => `${kind} ${host}:${port} ${state}`).join(", ")
    const open = addresses.filter((_, index) => probed[index]?.state === "open")
    const [first] = open
    if (first !== undefined) {
      // A machine whose direct port is still closed may open it in a moment; one that answers is enough.
      const detail = probed.some(isFiltered) ? `${words}: going by the ${first.kind} address` : words
      return { value: open, detail, skipped: false }
    }
    if (words !== said) {
      said = words
      yield* report.progress(words)
    }
    const isSilent = probed.length > 0 && probed.every(isFiltered)
    if (isSilent && waitedMs >= silenceLimit) {
      return yield* ProvisionError.make(new ProvisionError.PortFiltered({ instance: id, probed }))
    }
    if (waitedMs + Duration.toMillis(every) >= Duration.toMillis(limit)) {
      return yield* ProvisionError.make(new ProvisionError.PortClosed({ probed, waitedMs }))
    }
    yield* Effect.sleep(every)
    // Ports are mapped late, and anew after a start; the service wants its calls apart.
    if (look % looksEachCall === 0) current = yield* client.instances.look(id).pipe(Effect.orElseSucceed(() => current))
  }
})
