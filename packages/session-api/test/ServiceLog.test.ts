import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Redacted, Schema } from "effect"
import * as ServiceLog from "../src/ServiceLog.ts"

const logged = <E>(effect: Effect.Effect<void, E>) =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    yield* Effect.provide(
      effect,
      ServiceLog.layer((line) => void lines.push(line))
    )
    return lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>) // one object a line
  })

const token = `toehold_0123456789abcdef_${"x".repeat(43)}`

describe("ServiceLog", () => {
  it.effect("writes one object a line, with its fields beside the message", () =>
    Effect.gen(function* () {
      const [line] = yield* logged(
        Effect.logInfo("two", "words", { path: "/a", count: 3n, level: "mine" }).pipe(
          Effect.annotateLogs({ requestId: "r" })
        )
      )
      assert.deepInclude(line, { level: "info", message: "two words", path: "/a", count: "3", requestId: "r" })
      assert.match(String(line?.["time"]), /^\d{4}-.*Z$/)
    })
  )

  it.effect("leaves secrets out, wherever they stand", () =>
    Effect.gen(function* () {
      const lines = yield* logged(
        Effect.gen(function* () {
          yield* Effect.logInfo(`a ${token} b`, {
            authorization: "hidden",
            nested: { apiToken: "hidden", PASSWORD: "hidden", deep: [token] }
          })
          yield* Effect.logInfo({
            url: "postgres://me:hidden@host/db",
            header: "Bearer hidden-hidden",
            value: Redacted.make("hidden")
          })
          yield* Effect.logError("failed", Cause.die(new Error(`at https://me:hidden@host/ with ${token}`)))
          yield* Effect.logError(new Error(`Basic aGlkZGVuOmhpZGRlbg== ${token}`))
        })
      )
      const text = JSON.stringify(lines)
      assert.strictEqual(lines.length, 4)
      for (const secret of ["hidden", token, "aGlkZGVu"]) assert.notInclude(text, secret)
      assert.include(text, "postgres://<redacted>@host/db")
    })
  )

  it.effect.prop(
    "writes a line for anything, without a line break in it",
    { value: Schema.Json, text: Schema.String, name: Schema.String },
    ({ name, text, value }) =>
      Effect.gen(function* () {
        const circle: { self?: unknown; value: unknown } = { value }
        circle.self = circle
        const lines = yield* logged(Effect.logInfo(text, circle, { [name]: value }))
        assert.strictEqual(lines.length, 1)
      }),
    { arbitrary: { runs: 100 } }
  )
})
