import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Received, VastSimulator } from "@toehold/lab/VastSimulator"
import * as InstanceWait from "../src/InstanceWait.ts"
import { VastClient } from "../src/VastClient.ts"
import { layerWith } from "./support/simulator.ts"

const count = 60

/** The service's own pauses, twenty times as short. */
const intervals = (endpoint: string): number => (endpoint === "GET /api/v1/instances/" ? 100 : 50)

const delays = { status: 100, load: 400, ssh: 100, keys: 0, results: 0 }

/** Whether the answers of an endpoint were ever closer together than it allows, by the service's own clock. */
const tooFast = (requests: ReadonlyArray<Received>): ReadonlyArray<Received> =>
  requests.filter(({ status }) => status === 429)

/** A probe that says yes when it is asked for the second time. */
const secondTime = (asked: Set<number>, id: number) => () =>
  Effect.sync(() => {
    const isAgain = asked.has(id)
    asked.add(id)
    return isAgain
  })

/** What becomes of the wait for an instance to run. */
const outcome = (id: number) =>
  InstanceWait.waitUntil(id, InstanceWait.running, { interval: "50 millis" }).pipe(
    Effect.as("running"),
    Effect.catch(({ reason }) => Effect.succeed(reason._tag === "InstanceFailed" ? reason.why : reason._tag))
  )

describe("InstanceWait, for many at once", () => {
  const layer = layerWith({ intervals, delays }, { interval: (endpoint) => intervals(endpoint) + 2, retries: 0 })
  it.layer(layer, { excludeTestServices: true })((it) => {
    it.effect("loses none, and never calls faster than the service allows", () =>
      Effect.gen(function* () {
        const simulator = yield* VastSimulator
        const rented = yield* Effect.forEach(Array.from({ length: count }), () => simulator.rent(), {
          concurrency: 8
        })
        const asked = new Set<number>()
        const wait = (id: number) =>
          InstanceWait.waitUntil(id, InstanceWait.sshReady(secondTime(asked, id)), { interval: "100 millis" })
        const ready = yield* Effect.forEach(rented, ({ id }) => wait(id), { concurrency: "unbounded" })
        assert.deepStrictEqual(
          ready.map(({ instance }) => instance.id),
          rented.map(({ id }) => id)
        )
        assert.isTrue(ready.every(({ address }) => address?.kind === "proxy"))
        assert.deepStrictEqual(tooFast(yield* simulator.requests), [])
      })
    )

    it.effect("tells those that fail from those that run", () =>
      Effect.gen(function* () {
        const simulator = yield* VastSimulator
        const { instances } = yield* VastClient
        const rented = yield* Effect.forEach(Array.from({ length: 20 }), (_, index) =>
          simulator.rent(index % 2 === 0 ? {} : { fate: "bad-image" })
        )
        const [gone] = rented
        yield* instances.destroy(gone?.id ?? 0)
        const outcomes = yield* Effect.forEach(rented, ({ id }) => outcome(id), { concurrency: "unbounded" })
        const expected = rented.map((_, index) =>
          index === 0 ? "NotFound" : index % 2 === 0 ? "running" : "container"
        )
        assert.deepStrictEqual(outcomes, expected)
        assert.deepStrictEqual(tooFast(yield* simulator.requests), [])
      })
    )
  })
})
