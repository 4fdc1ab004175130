import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { ask, jsonOf, type Refused, serve } from "./support/server.ts"

const repoUrl = "https://example.com/a/b.git"
const newSession = { machine: "web", repoUrl }

describe("SessionServer", () => {
  it.live("creates, shows, lists, archives and forgets sessions", () =>
    Effect.gen(function* () {
      const server = yield* serve()
      const api = yield* server.client("alice")
      const made = yield* api.create({ ...newSession, id: "one", branch: "main" })
      assert.deepInclude(made, { id: "one", status: "creating", machine: "web", repoUrl, branch: "main", run: 1 })
      assert.strictEqual((yield* server.store.get("one")).config.vmIp, "127.0.0.1")
      const other = yield* api.create(newSession)
      assert.match(other.id, /^s-[0-9a-f]{20}$/)
      assert.deepStrictEqual((yield* api.get("one")).id, "one")
      const page = yield* api.list({ limit: 1 })
      assert.deepStrictEqual([page.sessions.length, typeof page.next], [1, "string"])
      const rest = yield* api.list({ after: page.next ?? "" })
      assert.deepStrictEqual(
        new Set([...page.sessions, ...rest.sessions].map(({ id }) => id)),
        new Set(["one", other.id])
      )
      assert.strictEqual((yield* api.archive("one")).status, "archived")
      yield* api.remove("one")
      const gone = yield* Effect.flip(api.get("one"))
      assert.deepStrictEqual([gone.reason._tag, gone.outcome], ["NotFound", "did-not-run"])
    })
  )

  it.live("answers a repeated create with the session that is there, and another one with a conflict", () =>
    Effect.gen(function* () {
      const server = yield* serve()
      const api = yield* server.client("alice")
      const first = yield* api.create({ ...newSession, id: "one" })
      assert.deepStrictEqual(yield* api.create({ ...newSession, id: "one" }), first)
      const changed = yield* Effect.flip(api.create({ ...newSession, id: "one", branch: "main" }))
      assert.strictEqual(changed.reason._tag, "Conflict")
      const bob = yield* server.client("bob")
      assert.strictEqual((yield* Effect.flip(bob.create({ ...newSession, id: "one" }))).reason._tag, "Conflict")
    })
  )

  it.live("retries what failed, and refuses to retry what did not", () =>
    Effect.gen(function* () {
      const server = yield* serve()
      const api = yield* server.client("alice")
      yield* api.create({ ...newSession, id: "one" })
      assert.strictEqual((yield* Effect.flip(api.retry("one"))).reason._tag, "Conflict")
      yield* server.store.update("one", { status: "error" })
      assert.strictEqual((yield* api.retry("one")).status, "creating")
    })
  )

  it.live("keeps the sessions and machines of one owner from another", () =>
    Effect.gen(function* () {
      const server = yield* serve()
      const alice = yield* server.client("alice")
      const bob = yield* server.client("bob")
      yield* alice.create({ ...newSession, id: "one" })
      const calls = [bob.get("one"), bob.retry("one"), bob.archive("one"), Effect.asVoid(bob.remove("one"))]
      const failures = yield* Effect.forEach(calls, (call) => Effect.flip(Effect.asVoid(call)))
      assert.deepStrictEqual(
        failures.map(({ reason }) => reason._tag),
        calls.map(() => "NotFound")
      )
      assert.strictEqual((yield* Effect.flip(Stream.runCollect(bob.watch("one")))).reason._tag, "NotFound")
      assert.deepStrictEqual((yield* bob.list()).sessions, [])
      assert.deepStrictEqual(
        (yield* alice.machines).map(({ name, sessionId }) => [name, sessionId]),
        [
          ["web", "one"],
          ["vm", null],
          ["secret", null]
        ]
      )
      assert.deepStrictEqual(
        (yield* bob.machines).map(({ name }) => name),
        ["web", "vm"]
      )
      const elsewhere = yield* Effect.flip(bob.create({ ...newSession, machine: "secret" }))
      assert.strictEqual(elsewhere.reason._tag, "NotFound")
      const admin = yield* server.token("root", ["admin"])
      assert.strictEqual((yield* ask(`${server.url}/v1/sessions/one`, { token: admin })).status, 200)
    })
  )

  it.live("lets nobody in without a token of the right scope", () =>
    Effect.gen(function* () {
      const server = yield* serve()
      const reader = yield* server.token("alice", ["sessions:read"])
      const { text, token } = yield* server.tokens.create({ name: "gone" })
      void text
      yield* server.tokens.revoke(token.id)
      const calls: ReadonlyArray<readonly [method: string, path: string]> = [
        ["GET", "/v1/sessions"],
        ["POST", "/v1/sessions"],
        ["GET", "/v1/sessions/one"],
        ["DELETE", "/v1/sessions/one"],
        ["POST", "/v1/sessions/one/retry"],
        ["POST", "/v1/sessions/one/archive"],
        ["GET", "/v1/sessions/one/events"],
        ["GET", "/v1/machines"]
      ]
      for (const [method, path] of calls) {
        const answer = yield* ask(`${server.url}${path}`, { method })
        assert.deepStrictEqual([answer.status, jsonOf<Refused>(answer).error.reason], [401, "Unauthorized"], path)
      }
      const forbidden = yield* ask(`${server.url}/v1/sessions/one/retry`, { method: "POST", token: reader })
      assert.deepStrictEqual(
        [forbidden.status, jsonOf<Refused>(forbidden).error.details],
        [403, { scope: "sessions:write" }]
      )
      assert.strictEqual((yield* ask(`${server.url}/v1/sessions`, { token: reader })).status, 200)
    })
  )

  it.live("says that it is alive and ready without a token", () =>
    Effect.gen(function* () {
      const server = yield* serve()
      for (const path of ["/healthz", "/readyz"]) {
        const answer = yield* ask(`${server.url}${path}`)
        assert.deepStrictEqual([answer.status, jsonOf(answer)], [200, { status: "ok", version: "1.2.3" }])
      }
    })
  )

  it.live("streams events, and goes on behind the last one that a reader has seen", () =>
    Effect.gen(function* () {
      const server = yield* serve()
      const api = yield* server.client("alice")
      yield* api.create({ ...newSession, id: "one" })
      const reader = yield* Effect.forkScoped(Stream.runCollect(api.watch("one", { untilSettled: true })))
      for (const message of ["a", "b", "c"]) {
        yield* Effect.sleep("50 millis")
        yield* server.store.update("one", { message })
      }
      yield* server.store.update("one", { status: "ready", message: "done" })
      const events = yield* Fiber.join(reader)
      assert.deepStrictEqual(events.map(({ message }) => message).slice(1), ["a", "b", "c", "done"])
      const third = events[2]?.id ?? 0
      const rest = yield* Stream.runCollect(api.watch("one", { after: third, untilSettled: true }))
      assert.deepStrictEqual(rest, events.slice(3))
      const last = events.at(-1)?.id ?? 0
      assert.deepStrictEqual(yield* Stream.runCollect(api.watch("one", { after: last, untilSettled: true })), [])
    })
  )
})
