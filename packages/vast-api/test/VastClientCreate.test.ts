import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { VastClient } from "../src/VastClient.ts"
import { fixture } from "./support/fixtures.ts"
import { type Answer, answerOf, apiKey, layer, type Script, type Seen, Server } from "./support/server.ts"

const listOf = (instances: ReadonlyArray<unknown>): Answer => ({ body: { instances, next_token: null } })

const labelOf = ({ body }: Seen): string =>
  typeof body === "object" && body !== null && "label" in body ? String(body.label) : ""

/** A service that takes the create, answers badly, and lists the instance after some time. */
const bad = (answer: Answer | "cut", listedAfter: number): Script => {
  let label = ""
  let looks = 0
  return (seen) => {
    if (seen.method === "PUT") {
      label = labelOf(seen)
      return answer
    }
    looks += 1
    return listOf(
      looks > listedAfter
        ? [
            { id: 1, label: "agent-box" },
            { id: 41000002, label }
          ]
        : [{ id: 1, label: "agent-box" }]
    )
  }
}

const secret = Redacted.make("hf_planted_secret")
const options = {
  image: "x",
  label: "agent-box",
  env: { HF_TOKEN: secret },
  imageLogin: Redacted.make("-u me -p planted-login"),
  onstart: Redacted.make("echo planted-onstart")
}

const creates = (seen: ReadonlyArray<Seen>): number => seen.filter(({ method }) => method === "PUT").length

const ambiguous = {
  "a bad gateway": answerOf(fixture("93")),
  "an answer that is cut off": "cut",
  "an answer of another shape": { body: { success: true, contract: 7 } },
  "an answer that is no JSON": { contentType: "text/html", body: "<html>" }
} satisfies Record<string, Answer | "cut">

describe("VastClient.instances.create", () => {
  it.layer(layer, { excludeTestServices: true })((it) => {
    for (const [name, answer] of Object.entries(ambiguous)) {
      it.effect(`adopts the instance after ${name}`, () =>
        Effect.gen(function* () {
          const server = yield* Server
          yield* server.use(bad(answer, 1))
          const made = yield* (yield* VastClient).instances.create(5, options)
          assert.deepInclude(made, { instance: 41000002, adopted: true })
          assert.match(made.label, /^agent-box toehold-[0-9a-z]{8}$/)
          assert.strictEqual(creates(yield* server.seen), 1)
        })
      )

      it.effect(`says that it does not know after ${name}, if there is no such instance`, () =>
        Effect.gen(function* () {
          const server = yield* Server
          yield* server.use(bad(answer, 1000))
          const error = yield* Effect.flip((yield* VastClient).instances.create(5, options))
          const seen = yield* server.seen
          assert.deepStrictEqual(
            [error.reason._tag, error.outcome, error.isRetryable],
            ["CreateUnknown", "may-have-run", false]
          )
          assert.deepInclude(error.reason, { label: seen[0] === undefined ? "" : labelOf(seen[0]) })
          assert.strictEqual(creates(seen), 1)
        })
      )
    }

    it.effect("neither repeats nor looks after a refusal", () =>
      Effect.gen(function* () {
        const server = yield* Server
        for (const name of ["43", "44", "45", "46", "72"]) {
          yield* server.use(() => answerOf(fixture(name)))
          yield* Effect.flip((yield* VastClient).instances.create(5, options))
          assert.strictEqual((yield* server.seen).length, 1, name)
        }
      })
    )

    it.effect("keeps the contract that a failed create left, whatever the status", () =>
      Effect.gen(function* () {
        for (const status of [200, 400, 500]) {
          yield* (yield* Server).use(() => ({ status, body: { success: false, error: "x", new_contract: 41000009 } }))
          const { reason } = yield* Effect.flip((yield* VastClient).instances.create(5, options))
          assert.deepInclude(reason, { _tag: "BilledButFailed", contract: 41000009 })
        }
      })
    )

    it.effect("shows no secret that the service repeats", () =>
      Effect.gen(function* () {
        const planted = [apiKey, "hf_planted_secret", "planted-login", "planted-onstart"]
        for (const status of [200, 400, 401, 403, 404, 410, 429, 500]) {
          for (const contentType of ["application/json", "text/plain"]) {
            const echo = `threshold=0.01 q.env: bad -u me -p planted-login ${apiKey} hf_planted_secret echo planted-onstart`
            const body = contentType === "text/plain" ? echo : { success: false, error: apiKey, msg: echo }
            yield* (yield* Server).use(({ method }) => (method === "PUT" ? { status, contentType, body } : listOf([])))
            const error = yield* Effect.flip((yield* VastClient).instances.create(5, options))
            const shown = [
              error.message,
              error.fix,
              JSON.stringify(error),
              String(error),
              error.stack,
              JSON.stringify(Object.entries(error.reason))
            ].join("\n")
            for (const one of planted) assert.notInclude(shown, one)
          }
        }
      })
    )
  })
})
