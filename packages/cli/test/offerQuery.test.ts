import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import * as Offer from "@toehold/vast-api/Offer"
import { makeInvocation } from "../src/internal/invocation.ts"
import { parseArguments } from "../src/internal/parseArguments.ts"
import { root } from "../src/internal/tree.ts"
import { readOfferQuery } from "../src/internal/vast/offerQuery.ts"

const query = (...flags: ReadonlyArray<string>) =>
  Effect.suspend(() =>
    Effect.flatMap(Effect.fromResult(parseArguments(root, ["vast", "offers", ...flags])), (parsed) =>
      readOfferQuery(makeInvocation(parsed))
    )
  )

describe("the flags of toehold vast offers", () => {
  it.effect("are a query in the service's own units", () =>
    Effect.gen(function* () {
      const flags = [
        ["--gpu", "RTX_4090", "--gpu", "H100 SXM", "--num-gpus", "2", "--min-gpu-ram", "24", "--max-price=0.5"],
        ["--min-reliability", "0.98", "--region", "se", "--region", "DE", "--static-ip", "--unverified"],
        ["--where", "dlperf >= 50", "--where", "dlperf<90"],
        ["--where", "rented=false", "--type", "bid", "--order", "dph_total", "--order", "score:desc", "--storage", "40"]
      ].flat()
      assert.deepStrictEqual(yield* query(...flags), {
        filters: {
          gpu_name: { in: ["RTX 4090", "H100 SXM"] },
          num_gpus: { eq: 2 },
          gpu_ram: { gte: 24_000 },
          dph_total: { lte: 0.5 },
          reliability2: { gte: 0.98 },
          geolocation: { in: ["SE", "DE"] },
          static_ip: { eq: true },
          verified: {},
          dlperf: { gte: 50, lt: 90 },
          rented: { eq: false }
        },
        type: "bid",
        order: [
          ["dph_total", "asc"],
          ["score", "desc"]
        ],
        storage: 40,
        limit: 20
      })
    })
  )

  it.effect("take the default of a filter away with an empty one", () =>
    Effect.map(query("--unverified"), (asked) => {
      const body = Offer.toBody(asked)
      assert.notProperty(body, "verified")
      assert.deepStrictEqual(body["rentable"], { eq: true })
    })
  )

  it.effect.prop(
    "are read or refused, whatever stands behind them",
    { flag: Schema.Literals(["where", "order", "region", "max-price", "gpu"]), text: Schema.String },
    ({ flag, text }) =>
      Effect.map(Effect.result(query(`--${flag}=${text}`)), (result) => {
        if (Result.isFailure(result)) assert.strictEqual(result.failure._tag, "UsageError")
      }),
    { arbitrary: { runs: 200 } }
  )
})
