/** `toehold vast offers`, `instances` and `show`. */
import { Effect } from "effect"
import type { Offer } from "@toehold/vast-api/Offer"
import * as ExitCode from "../../../ExitCode.ts"
import type { Handler } from "../../commandSpec.ts"
import { plain, print, printJson } from "../../print.ts"
import { type Column, none, printTable } from "../../table.ts"
import {
  gigabytes,
  gpus,
  instanceColumns,
  instanceDocument,
  instanceFacts,
  price
} from "../../vast/instanceDocument.ts"
import { readOfferQuery } from "../../vast/offerQuery.ts"
import { readInstance, vast } from "../../vast/read.ts"

const rounded = (value: number | null, digits = 0): string => (value === null ? none : value.toFixed(digits))

const percent = (fraction: number | null): string => (fraction === null ? none : `${(fraction * 100).toFixed(1)}%`)

const offerColumns: ReadonlyArray<Column<Offer>> = [
  { title: "ID", value: ({ id }) => `${id}`, isNumber: true },
  { title: "GPU", value: gpus },
  { title: "VRAM", value: ({ gpu_ram }) => gigabytes(gpu_ram), isNumber: true },
  { title: "$/H", value: ({ dph_total }) => price(dph_total), isNumber: true },
  { title: "BID", value: ({ min_bid }) => price(min_bid), isNumber: true, spare: 9 },
  { title: "CPUS", value: ({ cpu_cores_effective }) => rounded(cpu_cores_effective), isNumber: true, spare: 6 },
  { title: "RAM", value: ({ cpu_ram }) => gigabytes(cpu_ram), isNumber: true, spare: 5 },
  {
    title: "DISK",
    value: ({ disk_space }) => (disk_space === null ? none : `${Math.round(disk_space)} GB`),
    isNumber: true,
    spare: 4
  },
  { title: "DOWN", value: ({ inet_down }) => rounded(inet_down), isNumber: true, spare: 3 },
  { title: "UP", value: ({ inet_up }) => rounded(inet_up), isNumber: true, spare: 7 },
  { title: "CUDA", value: ({ cuda_max_good }) => rounded(cuda_max_good, 1), isNumber: true, spare: 8 },
  { title: "RELIABLE", value: ({ reliability2 }) => percent(reliability2), isNumber: true, spare: 2 },
  { title: "WHERE", value: ({ geolocation }) => geolocation ?? none, spare: 1 }
]

export const vastOffers: Handler = (invocation) =>
  Effect.gen(function* () {
    const query = yield* readOfferQuery(invocation)
    const { offers } = yield* vast
    const found = yield* offers.search(query)
    yield* invocation.has("json")
      ? printJson({ offers: found })
      : printTable(offerColumns, found, "No offer fits: ask for less, or look at the GPU's name (RTX_4090).")
    return ExitCode.done
  })

export const vastInstances: Handler = (invocation) =>
  Effect.gen(function* () {
    const { instances } = yield* vast
    const all = yield* instances.list
    yield* invocation.has("json")
      ? printJson({ instances: all.map(instanceDocument) })
      : printTable(instanceColumns, all, "No instances.")
    return ExitCode.done
  })

export const vastShow: Handler = (invocation) =>
  Effect.gen(function* () {
    const id = yield* readInstance(invocation)
    const { instances } = yield* vast
    const instance = yield* instances.show(id)
    const facts = instanceFacts(instance)
    const width = Math.max(...facts.map(([name]) => name.length))
    yield* invocation.has("json")
      ? printJson(instanceDocument(instance))
      : print(facts.map(([name, value]) => `${name.padEnd(width)}  ${plain(value)}\n`).join(""))
    return ExitCode.done
  })
