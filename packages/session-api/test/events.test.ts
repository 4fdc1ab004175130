import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, type Scope } from "effect"
import { ask, jsonOf, type Refused, serve } from "./support/server.ts"

const newSession = { machine: "web", repoUrl: "https://example.com/a/b.git" }

interface Open {
  readonly status: number
  readonly text: () => string
}

/** A stream of events that is read as it comes, until the scope closes. */
const openStream = (url: string, token: string): Effect.Effect<Open, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const controller = new AbortController()
        const answer = await fetch(url, { signal: controller.signal, headers: { authorization: `Bearer ${token}` } })
        let text = ""
        const read = async (): Promise<void> => {
          const decoder = new TextDecoder()
          for await (const part of answer.body ?? []) text += decoder.decode(part, { stream: true })
        }
        return { controller, status: answer.status, text: () => text, read: read().catch(() => undefined) }
      }),
      ({ controller, read }) =>
        Effect.promise(() => {
          controller.abort()
          return read
        })
    ),
    ({ status, text }) => ({ status, text })
  )

const until = (isSo: Effect.Effect<boolean>) =>
  Effect.timeout(Effect.repeat(Effect.delay(isSo, "20 millis"), { until: (so) => so }), "10 seconds")

describe("streams of events", () => {
  it.live("are counted, for each token and in all, and come free again however they end", () =>
    Effect.gen(function* () {
      const server = yield* serve({ maxStreamsPerToken: 2, maxStreams: 3 })
      const [alice, bob] = [yield* server.token("alice"), yield* server.token("bob")]
      for (const [token, id] of [
        [alice, "one"],
        [bob, "two"]
      ] as const) {
        const body = JSON.stringify({ ...newSession, id })
        assert.strictEqual((yield* ask(`${server.url}/v1/sessions`, { token, body })).status, 201)
      }
      const [one, two] = ["one", "two"].map((id) => `${server.url}/v1/sessions/${id}/events`) as [string, string]
      const first = yield* Effect.gen(function* () {
        const streams = [yield* openStream(one, alice), yield* openStream(one, alice)]
        assert.deepStrictEqual(
          streams.map(({ status }) => status),
          [200, 200]
        )
        const refused = yield* ask(one, { token: alice })
        assert.strictEqual(refused.status, 429)
        assert.deepInclude(jsonOf<Refused>(refused).error, {
          reason: "RateLimited",
          details: { retryAfterMs: 5000, streams: 2 }
        })
        assert.strictEqual(refused.headers.get("retry-after"), "5")
        assert.strictEqual((yield* openStream(two, bob)).status, 200)
        const full = yield* ask(two, { token: bob })
        assert.deepStrictEqual([full.status, jsonOf<Refused>(full).error.reason], [503, "Unavailable"])
        assert.strictEqual(full.headers.get("retry-after"), "5")
        // Other calls are answered all the while.
        assert.strictEqual((yield* ask(`${server.url}/v1/sessions/one`, { token: alice })).status, 200)
        return streams
      }).pipe(Effect.scoped)
      assert.lengthOf(first, 2)
      // Their readers have gone; one that is refused or asks for nothing that is there takes no place.
      for (let count = 0; count < 5; count++) {
        assert.strictEqual((yield* ask(`${server.url}/v1/sessions/none/events`, { token: alice })).status, 404)
      }
      yield* until(
        Effect.exit(openStream(one, alice).pipe(Effect.scoped)).pipe(
          Effect.map((exit) => Exit.isSuccess(exit) && exit.value.status === 200)
        )
      )
      yield* server.store.update("one", { status: "ready" })
      for (let count = 0; count < 10; count++) {
        const told = yield* ask(`${one}?until=settled`, { token: alice })
        assert.strictEqual(told.status, 200, "one that has ended takes no place")
      }
      const again = [yield* openStream(one, alice), yield* openStream(one, alice), yield* openStream(two, bob)]
      assert.deepStrictEqual(
        again.map(({ status }) => status),
        [200, 200, 200]
      )
    })
  )

  it.live("are never silent for long", () =>
    Effect.gen(function* () {
      const server = yield* serve({ heartbeat: "50 millis" })
      const token = yield* server.token("alice")
      const body = JSON.stringify({ ...newSession, id: "one" })
      assert.strictEqual((yield* ask(`${server.url}/v1/sessions`, { token, body })).status, 201)
      const { text } = yield* openStream(`${server.url}/v1/sessions/one/events`, token)
      const beats = () => text().split("event: heartbeat").length - 1
      yield* until(Effect.sync(() => beats() >= 5))
      assert.isAtLeast(beats(), 5)
      // What has no id of its own leaves a reader's last one as it is.
      const blocks = text().split("\n\n")
      assert.isTrue(blocks.filter((block) => block.includes("event: heartbeat")).every((block) => !/^id:/m.test(block)))
      assert.lengthOf(
        blocks.filter((block) => /^id: 1$/m.test(block)),
        1
      )
    })
  )
})
