import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Result } from "effect"
import { VastClient } from "../src/VastClient.ts"
import { cases } from "./support/cases.ts"
import { fixture, idOf, names } from "./support/fixtures.ts"
import { answerOf, apiKey, layerWith, Server } from "./support/server.ts"

/** Fixtures of several requests, which have tests of their own. */
const elsewhere = new Set(["20", "60", "61", "62", "62b"])

describe("fixtures", () => {
  it("all have a test", () => {
    const untested = names.map(idOf).filter((id) => !(id in cases) && !elsewhere.has(id))
    assert.deepStrictEqual(untested, [])
  })

  it.layer(layerWith({ retries: 0 }), { excludeTestServices: true })((it) => {
    for (const [name, [call, expected]] of Object.entries(cases)) {
      it.effect(`${name} is read as what it is`, () =>
        Effect.gen(function* () {
          const server = yield* Server
          const { request, ...rest } = fixture(name)
          yield* server.use(() => answerOf({ request, ...rest }))
          const result = yield* Effect.result(call(yield* VastClient))
          assert.deepStrictEqual(
            Result.match(result, { onSuccess: (it) => it, onFailure: (error) => error.reason._tag }),
            expected
          )
          const [first] = yield* server.seen
          assert.strictEqual(first?.authorization, `Bearer ${apiKey}`)
          // Withdrawn and misused requests are not ones that this client makes.
          if (name === "22" || first === undefined) return
          assert.deepStrictEqual([first.method, first.path], [request.method, request.path])
          const sent = first.body ?? {}
          if (name !== "41" && Object.keys(request.body ?? {}).length < 5)
            assert.deepStrictEqual({ ...sent }, { ...sent, ...Object(request.body) })
        })
      )
    }
  })
})

describe("secrets in answers", () => {
  it.layer(layerWith({ retries: 0 }), { excludeTestServices: true })((it) => {
    it.effect("are not shown", () =>
      Effect.gen(function* () {
        const server = yield* Server
        const { instances, envVars } = yield* VastClient
        yield* server.use(() => answerOf(fixture("10")))
        const shown = yield* instances.show(41000001)
        yield* server.use(() => answerOf(fixture("42")))
        const made = yield* instances.create(12345678, { image: "x" })
        yield* server.use(() => answerOf(fixture("74")))
        const text = JSON.stringify([shown, made, yield* envVars.list])
        for (const secret of ["hf_fake", "0f0f0f", "d1d1d1", "entrypoint.sh"]) assert.notInclude(text, secret)
        assert.isTrue(made.apiKey !== undefined && Redacted.value(made.apiKey).startsWith("d1d1"))
      })
    )
  })
})
