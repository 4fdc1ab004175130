/** The flags of `toehold vast offers`. */
import type * as Offer from "@toehold/vast-api/Offer"
import type { FlagSpec } from "../commandSpec.ts"

/** Flags that bound one field by a number; memory is given in GB, and the service has it in MB of 1000. */
export const bounds: ReadonlyArray<
  readonly [
    flag: string,
    field: Offer.Field,
    side: "gte" | "lte" | "eq",
    factor: number,
    value: string,
    summary: string
  ]
> = [
  ["num-gpus", "num_gpus", "eq", 1, "N", "So many GPUs"],
  ["min-gpu-ram", "gpu_ram", "gte", 1000, "GB", "Memory of each GPU, at least"],
  ["min-ram", "cpu_ram", "gte", 1000, "GB", "Main memory, at least"],
  ["min-cpus", "cpu_cores_effective", "gte", 1, "N", "CPU cores, at least"],
  ["min-disk", "disk_space", "gte", 1, "GB", "Disk that is free, at least"],
  ["max-price", "dph_total", "lte", 1, "DOLLARS", "US dollars an hour, at most"],
  ["min-reliability", "reliability2", "gte", 1, "FRACTION", "Share of the time that the machine was up, such as 0.98"],
  ["min-cuda", "cuda_max_good", "gte", 1, "VERSION", "Newest CUDA that its driver knows, at least, such as 12.4"],
  ["min-down", "inet_down", "gte", 1, "MBIT", "Download in Mbit/s, at least"],
  ["min-up", "inet_up", "gte", 1, "MBIT", "Upload in Mbit/s, at least"],
  ["min-ports", "direct_port_count", "gte", 1, "N", "Ports that can be reached directly, at least"]
]

export const offerFlags: ReadonlyArray<FlagSpec> = [
  {
    name: "gpu",
    value: "NAME",
    isRepeatable: true,
    summary: "Name of the GPU as Vast.ai writes it, such as RTX_4090 or 'H100 SXM'"
  },
  ...bounds.map(([name, , , , value, summary]): FlagSpec => ({ name, value, summary })),
  { name: "region", value: "CC", isRepeatable: true, summary: "Two letters of a country, such as SE" },
  { name: "static-ip", summary: "Only machines with an address that stays" },
  { name: "datacenter", summary: "Only machines in a data centre" },
  { name: "unverified", summary: "Also machines that Vast.ai has not verified" },
  {
    name: "where",
    value: "CONDITION",
    isRepeatable: true,
    summary: "Any other field of an offer, such as 'dlperf>=50' (= != > >= < <=)"
  },
  { name: "type", value: "TYPE", choices: ["on-demand", "bid", "reserved"], summary: "Default: on-demand" },
  {
    name: "order",
    value: "FIELD",
    isRepeatable: true,
    summary: "Order by this field; FIELD:desc for the highest first (default: score:desc)"
  },
  { name: "storage", value: "GB", summary: "Disk that the price is to include (default: 5)" },
  { name: "limit", value: "N", summary: "So many offers at most (default: 20)" }
]
