/** Offers, and the search among them. */
import { type Answer, json, refuse } from "./answer.ts"

export type OfferRecord = Readonly<Record<string, unknown>> & { readonly id: number; readonly rentable: boolean }

const gpus = [
  { gpu_name: "RTX 4090", gpu_ram: 24564, dph_total: 0.36, num_gpus: 1 },
  { gpu_name: "RTX 4090", gpu_ram: 24564, dph_total: 0.7, num_gpus: 2 },
  { gpu_name: "RTX 3090", gpu_ram: 24576, dph_total: 0.18, num_gpus: 1 },
  { gpu_name: "H100 SXM", gpu_ram: 81559, dph_total: 2.1, num_gpus: 1 }
] as const

export const firstOfferId = 12_345_678

/** So many offers, of all kinds in turn. */
export const make = (count: number): ReadonlyArray<OfferRecord> =>
  Array.from({ length: count }, (_, index) => {
    const gpu = gpus[index % gpus.length] ?? gpus[0]
    const id = firstOfferId + index
    return {
      id,
      ask_contract_id: id,
      bundle_id: 987654321,
      machine_id: 88001 + index,
      host_id: 55001,
      ...gpu,
      gpu_total_ram: gpu.gpu_ram * gpu.num_gpus,
      gpu_frac: 0.125,
      cpu_cores_effective: 8,
      cpu_ram: 65536,
      disk_space: 512.5,
      dph_base: gpu.dph_total - 0.01,
      min_bid: gpu.dph_total / 2,
      is_bid: false,
      rentable: true,
      rented: false,
      verification: "verified",
      reliability2: 0.9966,
      reliability: 0.9966,
      direct_port_count: 42,
      static_ip: true,
      public_ipaddr: "203.0.113.42",
      geolocation: "Texas, US",
      hosting_type: 0,
      external: null,
      inet_up: 880.2,
      inet_down: 910.7,
      inet_up_cost: 0.001,
      inet_down_cost: 0.001,
      cuda_max_good: 12.8,
      driver_version: "570.124.06",
      compute_cap: 890,
      dlperf: 110.2,
      dlperf_per_dphtotal: 110.2 / gpu.dph_total,
      score: 311.9 - index,
      duration: 1234567.89,
      storage_cost: 0.15,
      time_remaining: "",
      time_remaining_isbid: ""
    }
  })

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Words of a search that are no fields. */
const settings = new Set(["order", "type", "allocated_storage", "limit", "disable_bundling", "q", "sort_option"])

const valueOf = (offer: OfferRecord, field: string): unknown => {
  switch (field) {
    case "verified":
      return offer["verification"] === "verified"
    case "external":
      return offer["external"] === true
    case "datacenter":
      return offer["hosting_type"] === 1
    default:
      return offer[field]
  }
}

/** The official client sends numbers as text. */
const same = (value: unknown, wanted: unknown): boolean =>
  value === wanted || (typeof value === "number" && typeof wanted === "string" && String(value) === wanted)

const tests: Readonly<Record<string, (value: unknown, wanted: unknown) => boolean>> = {
  eq: same,
  neq: (value, wanted) => !same(value, wanted),
  gt: (value, wanted) => Number(value) > Number(wanted),
  gte: (value, wanted) => Number(value) >= Number(wanted),
  lt: (value, wanted) => Number(value) < Number(wanted),
  lte: (value, wanted) => Number(value) <= Number(wanted),
  in: (value, wanted) => Array.isArray(wanted) && wanted.some((one) => same(value, one)),
  notin: (value, wanted) => Array.isArray(wanted) && !wanted.some((one) => same(value, one))
}

const ordered = (offers: ReadonlyArray<OfferRecord>, order: unknown): ReadonlyArray<OfferRecord> => {
  const [first] = Array.isArray(order) ? order : []
  const [field, direction] = Array.isArray(first) ? first : []
  if (typeof field !== "string") return offers
  const sign = direction === "desc" ? -1 : 1
  return offers.toSorted((a, b) => sign * (Number(a[field]) - Number(b[field])))
}

/** The answer to a search, whose body is the query itself or holds it under `q`. */
export const search = (offers: ReadonlyArray<OfferRecord>, body: unknown): Answer => {
  const outer = isRecord(body) ? body : {}
  const query = isRecord(outer["q"]) ? outer["q"] : outer
  const filters = Object.entries(query).filter(([field]) => !settings.has(field))
  for (const [field, filter] of filters) {
    if (!isRecord(filter)) return refuse(400, "bad_request", `q.${field}: Input should be a valid dictionary`)
    const unknown = Object.keys(filter).find((operator) => !(operator in tests))
    if (unknown !== undefined) return refuse(400, "bad_request", `q.${field}: Unknown operator ${unknown}`)
  }
  const found = offers.filter((offer) =>
    filters.every(([field, filter]) =>
      Object.entries(isRecord(filter) ? filter : {}).every(
        ([operator, wanted]) => tests[operator]?.(valueOf(offer, field), wanted) === true
      )
    )
  )
  const limit = typeof query["limit"] === "number" ? query["limit"] : 64
  return json({ offers: ordered(found, query["order"]).slice(0, limit) })
}
