import { assert, describe, it } from "@effect/vitest"
import { Validator } from "@seriousme/openapi-schema-validator"
import { Effect } from "effect"
import { OpenApi } from "effect/http-api"
import * as SessionApi from "../src/SessionApi.ts"
import { ask, jsonOf, serve } from "./support/server.ts"

interface Operation {
  readonly summary?: string
  readonly security: ReadonlyArray<unknown>
  readonly responses: Readonly<Record<string, unknown>>
}

interface Document {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

const open = new Set(["/healthz", "/readyz"])

describe("the OpenAPI document", () => {
  it.live("is valid, and says of each call what it is for, who may make it and what it answers", () =>
    Effect.gen(function* () {
      const server = yield* serve()
      const answer = yield* ask(`${server.url}/openapi.json`)
      assert.strictEqual(answer.status, 200)
      const { errors, valid } = yield* Effect.promise(() =>
        new Validator().validate(jsonOf<Parameters<Validator["validate"]>[0]>(answer))
      )
      assert.isTrue(valid, JSON.stringify(errors))
      const document = jsonOf<Document>(answer)
      assert.match(document.openapi, /^3\.1\./)
      const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, operation]) => ({ path, method, operation }))
      )
      assert.strictEqual(operations.length, 10)
      for (const { method, operation, path } of operations) {
        assert.isNotEmpty(operation.summary, `${method} ${path}`)
        if (open.has(path)) continue
        assert.deepStrictEqual(operation.security, [{ bearer: [] }], `${method} ${path}`)
        const statuses = ["400", "401", "403", "413", "415", "429", "500", "503"]
        assert.containsAllKeys(operation.responses, statuses, `${method} ${path}`)
      }
    })
  )

  it("is made from the description that the client is made from", () => {
    const { paths } = OpenApi.fromApi(SessionApi.SessionApi)
    assert.deepStrictEqual(Object.keys(paths).sort(), [
      "/healthz",
      "/readyz",
      "/v1/machines",
      "/v1/sessions",
      "/v1/sessions/{id}",
      "/v1/sessions/{id}/archive",
      "/v1/sessions/{id}/events",
      "/v1/sessions/{id}/retry"
    ])
  })

  it.live("is shown by a page that loads nothing from anywhere", () =>
    Effect.gen(function* () {
      const server = yield* serve()
      const page = yield* ask(`${server.url}/docs`)
      assert.strictEqual(page.status, 200)
      assert.include(page.headers.get("content-type") ?? "", "text/html")
      const policy = page.headers.get("content-security-policy") ?? ""
      assert.include(policy, "default-src 'none'")
      assert.notMatch(policy, /https?:/)
      assert.notMatch(page.text.replace(/<script[^]*?<\/script>/g, ""), /(src|href)="?https?:/)
    })
  )
})
