/** `toehold vast start`, `stop`, `reboot`, `recycle`, `destroy` and `label`: what changes an instance that there is. */
import { Effect } from "effect"
import { InstanceMemory, recycled } from "@toehold/machines/InstanceMemory"
import * as VastName from "@toehold/machines/VastName"
import type { Instance } from "@toehold/vast-api/Instance"
import type { VastClient } from "@toehold/vast-api/VastClient"
import * as ExitCode from "../../../ExitCode.ts"
import { confirm } from "../../confirm.ts"
import type { Handler, Invocation } from "../../commandSpec.ts"
import { plain, print, printJson } from "../../print.ts"
import { forgetKeys } from "../hosts.ts"
import { gpus, statusOf } from "../../vast/instanceDocument.ts"
import { readInstance, vast } from "../../vast/read.ts"

type Instances = VastClient["Service"]["instances"]

const printDone = (invocation: Invocation, instance: number, fields: Readonly<Record<string, string>>, text: string) =>
  invocation.has("json") ? printJson({ instance, ...fields }) : print(`${plain(text)}\n`)

/** What the service was asked for, and does in its own time. */
const ask = (action: "start" | "stop" | "reboot", after: string): Handler =>
  Effect.fnUntraced(function* (invocation) {
    const id = yield* readInstance(invocation)
    const { instances } = yield* vast
    yield* instances[action](id)
    yield* printDone(invocation, id, { action, status: "requested" }, `Instance ${id}: ${action} requested. ${after}`)
    return ExitCode.done
  })

export const vastStart = ask("start", "It costs its full price from now on.")
export const vastStop = ask("stop", "Its disk stays, and is paid for.")
export const vastReboot = ask("reboot", "Its disk stays.")

export const vastLabel: Handler = Effect.fnUntraced(function* (invocation) {
  const id = yield* readInstance(invocation)
  const label = invocation.argument(1)
  const { instances } = yield* vast
  yield* instances.label(id, label)
  yield* printDone(invocation, id, { action: "label", label }, `Instance ${id} is labelled "${label}".`)
  return ExitCode.done
})

const described = (instance: Instance): string => {
  const label = instance.label === null || instance.label === "" ? "" : `, "${instance.label}"`
  const disk = instance.disk_space === null ? "" : `, ${instance.disk_space} GB of disk`
  return `instance ${instance.id} (${gpus(instance)}, ${statusOf(instance)}${label}${disk})`
}

/** Asks about the instance as it is now, unless it was said that nobody is to be asked. */
const isWanted = Effect.fnUntraced(function* (
  invocation: Invocation,
  instances: Instances,
  id: number,
  consequence: (what: string) => string
) {
  if (invocation.has("yes")) return true
  return yield* confirm(invocation, consequence(described(yield* instances.show(id))))
})

const ofRecycle = (what: string): string =>
  `This makes the container of ${what} anew: all that is on its disk is lost for good, and its host keys change.`

const ofDestroy = (what: string): string =>
  `This destroys ${what}: all that is on its disk is lost for good, and it costs nothing more.`

export const vastRecycle: Handler = Effect.fnUntraced(function* (invocation) {
  const id = yield* readInstance(invocation)
  const { instances } = yield* vast
  if (!(yield* isWanted(invocation, instances, id, ofRecycle))) return ExitCode.failed
  yield* instances.recycle(id)
  // Its new keys are met as those of a new instance are. Where the old ones can't be forgotten, a word says how.
  yield* (yield* InstanceMemory).keep(id, recycled)
  const forgotten = yield* Effect.result(forgetKeys(invocation, VastName.nameOf(id)))
  const keys =
    forgotten._tag === "Success"
      ? "Its host keys change: the old ones are forgotten."
      : `Its host keys change: toehold hosts forget vast:${id} (${forgotten.failure.message})`
  yield* printDone(
    invocation,
    id,
    { action: "recycle", status: "requested" },
    `Instance ${id}: recycle requested. ${keys}`
  )
  return ExitCode.done
})

export const vastDestroy: Handler = Effect.fnUntraced(function* (invocation) {
  const id = yield* readInstance(invocation)
  const { instances } = yield* vast
  if (!(yield* isWanted(invocation, instances, id, ofDestroy))) return ExitCode.failed
  const status = yield* instances.destroy(id)
  const text = status === "destroyed" ? `Instance ${id} is destroyed.` : `Instance ${id} was gone already.`
  yield* printDone(invocation, id, { action: "destroy", status }, text)
  return ExitCode.done
})
