import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { VastClient } from "../src/VastClient.ts"
import { fixture } from "./support/fixtures.ts"
import { answerOf, layerWith, Server } from "./support/server.ts"

const allowed = 30

describe("VastClient", () => {
  // Two milliseconds for what the clocks of both sides round off.
  it.layer(layerWith({ interval: () => allowed + 2, retries: 0 }), { excludeTestServices: true })((it) => {
    it.effect("loses no call, and is never too fast for a service that counts", () =>
      Effect.gen(function* () {
        const server = yield* Server
        const arrivals = new Map<string, number>()
        yield* server.use(({ path }) => {
          const now = performance.now()
          const isEarly = now - (arrivals.get(path) ?? -allowed) < allowed
          arrivals.set(path, now)
          return answerOf(fixture(isEarly ? "90" : path.includes("users") ? "70" : "80"))
        })
        const { offers, user } = yield* VastClient
        const calls = Array.from({ length: 20 }, () => [Effect.asVoid(user), Effect.asVoid(offers.gpuNames)]).flat()
        const answers = yield* Effect.all(calls, { concurrency: "unbounded" })
        assert.strictEqual(answers.length, 40)
        assert.strictEqual((yield* server.seen).length, 40)
      })
    )
  })
})
