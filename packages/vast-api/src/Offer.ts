/**
 * What can be rented, and how to search for it.
 *
 * @since 0.1.0
 */
import { Schema } from "effect"
import { orNull, Trimmed } from "./internal/field.ts"

/**
 * An offer, under the service's own field names; a field that is null or missing is null. Sizes of memory are MB, of disks
 * GB, prices US dollars an hour, network speeds Mbit/s.
 *
 * @since 0.1.0
 * @category models
 */
export const Offer = Schema.Struct({
  id: Schema.Int,
  machine_id: orNull(Schema.Int),
  host_id: orNull(Schema.Int),
  gpu_name: orNull(Schema.String),
  num_gpus: orNull(Schema.Int),
  gpu_ram: orNull(Schema.Finite),
  cpu_cores_effective: orNull(Schema.Finite),
  cpu_ram: orNull(Schema.Finite),
  disk_space: orNull(Schema.Finite),
  dph_total: orNull(Schema.Finite),
  min_bid: orNull(Schema.Finite),
  storage_cost: orNull(Schema.Finite),
  rentable: orNull(Schema.Boolean),
  rented: orNull(Schema.Boolean),
  verification: orNull(Schema.String),
  reliability2: orNull(Schema.Finite),
  direct_port_count: orNull(Schema.Int),
  static_ip: orNull(Schema.Boolean),
  public_ipaddr: orNull(Trimmed),
  geolocation: orNull(Schema.String),
  inet_up: orNull(Schema.Finite),
  inet_down: orNull(Schema.Finite),
  inet_up_cost: orNull(Schema.Finite),
  inet_down_cost: orNull(Schema.Finite),
  cuda_max_good: orNull(Schema.Finite),
  driver_version: orNull(Schema.String),
  compute_cap: orNull(Schema.Finite),
  dlperf: orNull(Schema.Finite),
  score: orNull(Schema.Finite),
  duration: orNull(Schema.Finite)
})

/**
 * @since 0.1.0
 * @category models
 */
export type Offer = typeof Offer.Type

/**
 * The fields that offers are filtered and ordered by.
 *
 * @since 0.1.0
 * @category models
 */
export type Field = Exclude<keyof Offer, "public_ipaddr" | "verification"> | "verified" | "external" | "datacenter"

/**
 * How a field is compared. All that is given must hold.
 *
 * @since 0.1.0
 * @category models
 */
export interface Comparison {
  readonly eq?: string | number | boolean
  readonly neq?: string | number | boolean
  readonly gt?: number
  readonly gte?: number
  readonly lt?: number
  readonly lte?: number
  readonly in?: ReadonlyArray<string | number>
  readonly notin?: ReadonlyArray<string | number>
}

/**
 * A search. Without `filters` it finds verified machines of the marketplace that can be rented now, as the official client
 * does; a filter of the same name replaces that, and an empty one takes it away.
 *
 * @since 0.1.0
 * @category models
 */
export interface Query {
  readonly filters?: { readonly [field in Field]?: Comparison }
  /** On-demand unless said otherwise: a bid is cheaper and can be outbid. */
  readonly type?: "on-demand" | "bid" | "reserved"
  readonly order?: ReadonlyArray<readonly [field: Field, direction: "asc" | "desc"]>
  /** GB of disk that the price is to include; 5 unless said otherwise. */
  readonly storage?: number
  readonly limit?: number
}

/**
 * The body of a search request.
 *
 * @since 0.1.0
 * @category formatting
 */
export const toBody = (query: Query): Readonly<Record<string, unknown>> => ({
  ...withoutEmpty({ verified: { eq: true }, external: { eq: false }, rentable: { eq: true }, ...query.filters }),
  order: query.order ?? [["score", "desc"]],
  type: query.type ?? "on-demand",
  allocated_storage: query.storage ?? 5,
  ...(query.limit === undefined ? {} : { limit: query.limit })
})

const withoutEmpty = (filters: Query["filters"] = {}): Readonly<Record<string, Comparison>> =>
  Object.fromEntries(Object.entries(filters).filter(([, comparison]) => Object.keys(comparison).length > 0))
