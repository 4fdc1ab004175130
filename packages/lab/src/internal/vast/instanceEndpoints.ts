/** The endpoints of instances. */
import { Effect } from "effect"
import { type Answer, done, invalid, json, noSuchInstance, refuse } from "./answer.ts"
import { type Call, type Endpoint, endpoint, idOf, textOf } from "./call.ts"
import { now } from "./clock.ts"
import { type InstanceRecord, toBody } from "./instanceRecord.ts"
import { logOf, run } from "./instanceFiles.ts"
import type { World } from "./world.ts"

const pageSize = 25

/** Calls the rest with the instance that the path names. */
const withInstance =
  (then: (record: InstanceRecord, call: Call) => ReturnType<Endpoint["answer"]>): Endpoint["answer"] =>
  (call) => {
    const record = call.world.instances.get(idOf(call))
    return record === undefined ? noSuchInstance(idOf(call)) : then(record, call)
  }

const tokenOf = (id: number): string => Buffer.from(`{"values": {"id": ${id}}}`).toString("base64")

/** The id that a cursor stands after. */
const afterOf = (token: string): number | undefined => {
  const found = /^\{"values": \{"id": (\d+)\}\}$/.exec(Buffer.from(token, "base64").toString())
  return found === null ? undefined : Number(found[1])
}

const list = ({ query, world }: Call): Answer | Effect.Effect<Answer> => {
  const limit = Number(query["limit"] ?? pageSize)
  if (!Number.isInteger(limit) || limit < 1 || limit > pageSize) {
    return invalid("invalid_request", `limit must be between 1 and ${pageSize}`)
  }
  const token = textOf(query["after_token"])
  const after = token === "" ? 0 : afterOf(token)
  if (after === undefined) return invalid("invalid_token", "Invalid after_token")
  const all = [...world.instances.values()].toSorted((a, b) => a.id - b.id)
  const rest = all.filter(({ id }) => id > after)
  const page = rest.slice(0, limit)
  const last = page.at(-1)
  const labels = new Map<string, number>()
  for (const { label } of all) labels.set(label ?? "", (labels.get(label ?? "") ?? 0) + 1)
  return Effect.map(now, (time) =>
    json({
      success: true,
      instances_found: page.length,
      total_instances: all.length,
      label_counts: Object.fromEntries(labels),
      next_token: last === undefined || rest.length <= limit ? null : tokenOf(last.id),
      instances: page.map((record) => toBody(record, time))
    })
  )
}

const show = (call: Call): Answer | Effect.Effect<Answer> => {
  const record = call.world.instances.get(idOf(call))
  if (record === undefined) return json({ instances: null })
  return Effect.map(now, (time) => {
    const body = toBody(record, time)
    return json({ instances: call.world.listsInstance ? [body] : body })
  })
}

const setState = (world: World, record: InstanceRecord, state: unknown): Effect.Effect<unknown> => {
  if (state === "stopped") return world.lifeCycle.stop(record)
  return record.actualStatus === "running" ? Effect.void : world.lifeCycle.boot(record)
}

const manage = withInstance((record, { body, world }) => {
  const { label, state } = body
  if (typeof label === "string") record.label = label
  if (state === undefined) return typeof label === "string" ? done : refuse(400, "invalid_args", "Invalid args.")
  if (state !== "running" && state !== "stopped") return refuse(400, "invalid_args", `Invalid state ${String(state)}.`)
  return Effect.as(setState(world, record, state), done)
})

const manageMany = ({ body, world }: Call): Answer | Effect.Effect<Answer> => {
  const ids = Array.isArray(body["ids"]) ? body["ids"] : []
  const records = ids.map((id) => world.instances.get(Number(id)))
  if (records.length === 0 || records.includes(undefined)) return noSuchInstance(String(ids))
  return Effect.as(
    Effect.forEach(records, (record) => (record === undefined ? Effect.void : setState(world, record, body["state"]))),
    done
  )
}

const destroyMany = ({ body, world }: Call): Effect.Effect<Answer> => {
  const ids = Array.isArray(body["instance_ids"]) ? body["instance_ids"] : []
  return Effect.as(
    Effect.forEach(ids, (id) => {
      const record = world.instances.get(Number(id))
      return record === undefined ? Effect.void : world.destroy(record)
    }),
    done
  )
}

const entriesOf = (value: unknown): ReadonlyArray<readonly [string, string]> =>
  typeof value === "object" && value !== null
    ? Object.entries(value).map(([name, text]) => [name, String(text)] as const)
    : []

const orNull = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null)

const create = (call: Call) => {
  const { body, isBilled, world } = call
  const id = idOf(call)
  const refuseOffer = (status: number, error: string, msg: string): Answer =>
    json({ success: false, error, msg, ask_id: id }, status)
  const offer = world.offers.find((offer) => offer.id === id)
  if (offer === undefined) {
    const why = `error 404/3603: no_such_ask Instance type by id ${id} is not available.`
    return refuseOffer(404, "invalid_args", why)
  }
  if (!offer.rentable) {
    return refuseOffer(410, "no_such_ask", `error 410/3907: no_such_ask Instance type ${id} is no longer available.`)
  }
  if (typeof body["disk"] !== "number" || (orNull(body["image"]) ?? orNull(body["template_hash_id"])) === null) {
    return refuseOffer(400, "invalid_args", "error 400/3467: Invalid args: 'image' is required and 'disk' is a number")
  }
  world.offers = world.offers.map((one) => (one === offer ? { ...one, rentable: false, rented: true } : one))
  const rental = {
    image: orNull(body["image"]) ?? "vastai/base-image:@vastai-automatic-tag",
    runtype: orNull(body["runtype"]) ?? "ssh_direc ssh_proxy",
    env: entriesOf(body["env"]),
    onstart: orNull(body["onstart"]),
    disk: body["disk"],
    label: orNull(body["label"]),
    isBid: typeof body["price"] === "number"
  }
  return Effect.map(world.rent(rental, world.plans.shift() ?? {}), (record) =>
    json({ success: !isBilled, new_contract: record.id, instance_api_key: record.apiKey })
  )
}

const withResult = (text: Effect.Effect<string>, extra: Readonly<Record<string, unknown>>, { world }: Call) =>
  Effect.gen(function* () {
    const result_url = yield* world.results.put(yield* text)
    return json({ success: true, ...extra, result_url })
  })

const requestLogs = withInstance((record, call) =>
  withResult(
    logOf(record, {
      tail: Number(call.body["tail"] ?? 1000),
      filter: textOf(call.body["filter"]),
      isDaemon: call.body["daemon_logs"] === "true"
    }),
    { msg: "" },
    call
  )
)

const execute = withInstance((record, call) => {
  const words = textOf(call.body["command"]).trim().split(/\s+/)
  if (!["ls", "rm", "du"].includes(words[0] ?? "")) return refuse(400, "invalid_args", "Invalid command given.")
  const writeable_path = `/var/lib/docker/overlay2/${record.id}/diff`
  const msg = "Command is executing, wait a few seconds and then view the result_url"
  return withResult(run(record, words, writeable_path), { writeable_path, msg }, call)
})

const copyLocal = ({ body, world }: Call): Answer => {
  const id = textOf(body["src_id"]) || textOf(body["dst_id"])
  const record = world.instances.get(Number(id.replace(/^C\./, "")))
  if (record === undefined) return noSuchInstance(id)
  return json({ success: true, msg: "", dst_addr: record.machine.publicHost, dst_port: 33500 })
}

const copyRemote = ({ body, world }: Call): Answer => {
  for (const id of [textOf(body["src_id"]), textOf(body["dst_id"])]) {
    if (!world.instances.has(Number(id.replace(/^C\./, "")))) return noSuchInstance(id)
  }
  return json({
    success: true,
    msg: "Remote to Remote copy initiated - check instance status bar for progress updates (~30 seconds delayed)."
  })
}

const deprecated = refuse(
  410,
  "deprecated_endpoint",
  "/api/v0/instances/ is deprecated. Use /api/v1/instances/ instead."
)

export const endpoints: ReadonlyArray<Endpoint> = [
  endpoint("GET /api/v1/instances/", list),
  endpoint("GET /api/v0/instances/", () => deprecated),
  endpoint("PUT /api/v0/instances/", manageMany),
  endpoint("DELETE /api/v0/instances/", destroyMany),
  endpoint("GET /api/v0/instances/{id}/", show),
  endpoint("PUT /api/v0/instances/{id}/", manage),
  endpoint("DELETE /api/v0/instances/{id}/", (call) => {
    const record = call.world.instances.get(idOf(call))
    if (record === undefined) return refuse(404, "no_such_instance", "Instance not found")
    return Effect.as(call.world.destroy(record), done)
  }),
  endpoint(
    "PUT /api/v0/instances/reboot/{id}/",
    withInstance((record, { world }) => Effect.as(world.lifeCycle.reboot(record), done))
  ),
  endpoint(
    "PUT /api/v0/instances/recycle/{id}/",
    withInstance((record, { world }) => Effect.as(world.lifeCycle.recycle(record), done))
  ),
  endpoint("PUT /api/v0/instances/request_logs/{id}/", requestLogs),
  endpoint("PUT /api/v0/instances/command/{id}/", execute),
  endpoint("PUT /api/v0/asks/{id}/", create),
  endpoint("PUT /api/v0/commands/rsync/", copyLocal),
  endpoint("PUT /api/v0/commands/copy_direct/", copyRemote)
]
