import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import * as Database from "@toehold/bootstrap-service/Database"
import * as ApiTokens from "../src/ApiTokens.ts"

const layer = Layer.provideMerge(ApiTokens.layer, Database.layer(Database.sqlite(":memory:")))

const isAccepted = (text: string) =>
  Effect.map(
    ApiTokens.ApiTokens.use(({ verify }) => verify(Redacted.make(text))),
    Option.isSome
  )

describe("ApiTokens", () => {
  it.effect("accepts a token until it is revoked or expires", () =>
    Effect.gen(function* () {
      const tokens = yield* ApiTokens.ApiTokens
      const forever = yield* tokens.create({ name: "forever" })
      const short = yield* tokens.create({ name: "short", owner: "me", scopes: ["admin", "admin"], lifetime: "1 hour" })
      assert.deepStrictEqual([forever.token.owner, short.token.owner], ["forever", "me"])
      assert.deepStrictEqual([forever.token.scopes, short.token.scopes], [ApiTokens.defaultScopes, ["admin"]])
      assert.strictEqual(yield* tokens.count, 2)
      assert.isTrue(yield* isAccepted(Redacted.value(short.text)))
      yield* TestClock.adjust("1 hour")
      assert.isFalse(yield* isAccepted(Redacted.value(short.text)))
      assert.isTrue(yield* isAccepted(Redacted.value(forever.text)))
      yield* tokens.revoke(forever.token.id)
      assert.isFalse(yield* isAccepted(Redacted.value(forever.text)))
      const revokedAt = (yield* tokens.revoke(forever.token.id)).revokedAt
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual((yield* tokens.revoke(forever.token.id)).revokedAt, revokedAt)
      assert.strictEqual(yield* tokens.count, 0)
      assert.strictEqual((yield* Effect.flip(tokens.revoke("nobody"))).reason._tag, "NotFound")
    }).pipe(Effect.provide(layer))
  )

  it.effect("keeps nothing that a token could be made from", () =>
    Effect.gen(function* () {
      const tokens = yield* ApiTokens.ApiTokens
      const { text, token } = yield* tokens.create({ name: "one" })
      const secret = Redacted.value(text).slice("toehold_0123456789abcdef_".length)
      const sql = yield* SqlClient.SqlClient
      const kept = JSON.stringify([yield* sql`SELECT * FROM toehold_api_tokens`, yield* tokens.list, token])
      assert.include(kept, token.id)
      assert.notInclude(kept, secret)
      assert.strictEqual(String(text), "<redacted>")
    }).pipe(Effect.provide(layer))
  )

  it.effect.prop(
    "accepts no other text",
    {
      index: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 66 })),
      char: Schema.String.check(Schema.isMaxLength(2)),
      any: Schema.String
    },
    ({ any, char, index }) =>
      Effect.gen(function* () {
        const tokens = yield* ApiTokens.ApiTokens
        const { text } = yield* tokens.create({ name: "one" })
        const good = Redacted.value(text)
        assert.isTrue(yield* isAccepted(good))
        const changed = good.slice(0, index) + char + good.slice(index + 1)
        assert.strictEqual(yield* isAccepted(changed), changed === good)
        for (const odd of [any, "", `${good} `, good.toUpperCase(), `${good}\n`, `' OR 1=1 --`])
          assert.isFalse(yield* isAccepted(odd))
      }).pipe(Effect.provide(layer)),
    { arbitrary: { runs: 50 } }
  )

  it.effect("remembers when a token was used last, to the minute", () =>
    Effect.gen(function* () {
      const tokens = yield* ApiTokens.ApiTokens
      yield* TestClock.adjust("1 hour")
      const { text } = yield* tokens.create({ name: "one" })
      const lastUse = Effect.map(tokens.list, ([token]) => token?.lastUsedAt?.epochMilliseconds)
      assert.strictEqual(yield* lastUse, undefined)
      const uses: Array<number | undefined> = []
      for (let count = 0; count < 4; count++) {
        yield* tokens.verify(text)
        uses.push(yield* lastUse)
        yield* TestClock.adjust("30 seconds")
      }
      const first = 3_600_000
      assert.deepStrictEqual(uses, [first, first, first + 60_000, first + 60_000])
    }).pipe(Effect.provide(layer))
  )

  it.effect("refuses odd names", () =>
    Effect.gen(function* () {
      const tokens = yield* ApiTokens.ApiTokens
      for (const name of ["", " a", "a\nb", "a;b", "x".repeat(101), "\u202ea"]) {
        assert.strictEqual((yield* Effect.flip(tokens.create({ name }))).reason._tag, "InvalidRequest", name)
      }
    }).pipe(Effect.provide(layer))
  )
})
