import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Answer, ask, jsonOf, type Refused, serve } from "./support/server.ts"

const good = { machine: "vm", repoUrl: "https://example.com/a/b.git" }

/** What must not get in, by the field it comes in. */
const bad: Readonly<Record<string, ReadonlyArray<unknown>>> = {
  id: [
    "",
    "a b",
    "../x",
    "a/b",
    "a\nb",
    "a;id",
    "$(id)",
    "`id`",
    "x".repeat(57),
    "-x y",
    "é",
    7,
    null,
    { a: 1 },
    ["a"]
  ],
  machine: ["", "a b", "-oProxyCommand=id", "../vm", "vm\n", "vm;id", 7, null],
  repoUrl: [
    "",
    "ext::sh -c id",
    "--upload-pack=id",
    "-u id",
    "https://example.com/a b",
    "https://example.com/a'b",
    'https://example.com/a"b',
    "https://example.com/a\nb",
    "https://user:password@example.com/a",
    "https://example.com/../../etc",
    "https://example.com/a/%2e%2e/b",
    "fd::3",
    "ssh://-oProxyCommand=id/x",
    "javascript:alert(1)",
    "/etc/passwd",
    `https://example.com/${"a".repeat(3000)}`,
    7,
    null
  ],
  branch: [
    "",
    "-x",
    "--upload-pack=id",
    "a b",
    "a\nb",
    "a'b",
    'a"b',
    "a..b",
    "a;id",
    "$(id)",
    "a~1",
    "a^",
    "a:b",
    "x".repeat(300),
    7
  ],
  vmIp: [
    "",
    "10.0.0",
    "10.0.0.256",
    "10.0.0.1/24",
    "10.0.0.1;id",
    "::1",
    "0.0.0.0",
    "255.255.255.255",
    "010.0.0.1",
    "example.com",
    7
  ],
  workspaceBasePath: ["", "a", "/", "/a/../b", "/a b", "/a\n", "/a;id", "/a'b", "//a", `/${"a".repeat(2000)}`],
  opencodePort: [0, -1, 65536, 1.5, "4096", null],
  healthPollTimeoutMs: [0, -1, 1e12, "1"],
  shallow: ["yes", 1],
  credentials: [{}, { token: "" }, { token: "a\nb" }, { token: 7 }, { token: "x", username: "a:b" }, "token"],
  openCodePassword: ["", "a\nb", 7]
}

const isRefusal = (answer: Answer): boolean => {
  const { error } = jsonOf<Refused>(answer)
  return error.message !== "" && error.fix !== "" && !error.message.includes("\n")
}

describe("a hostile caller", () => {
  it.live("is refused with a clear 4xx, and nothing of it is kept", () =>
    Effect.gen(function* () {
      const server = yield* serve({ requestsPerSecond: 10_000, burst: 10_000 })
      const token = yield* server.token("mallory")
      for (const [field, values] of Object.entries(bad)) {
        for (const value of values) {
          const body = JSON.stringify({ ...good, [field]: value })
          const answer = yield* ask(`${server.url}/v1/sessions`, { token, body })
          const label = `${field} ${body.slice(0, 200)}`
          // A machine of a fit name that is not there is refused as one.
          assert.include([400, 404], answer.status, label)
          assert.isTrue(isRefusal(answer), label)
          if (answer.status === 400) assert.include(jsonOf<Refused>(answer).error.message, `body.${field}`, label)
          if (typeof value === "string" && value.length > 3)
            assert.notInclude(answer.text, JSON.stringify(value).slice(1, -1), label)
        }
      }
      assert.deepStrictEqual((yield* server.store.list()).sessions, [])
    })
  )

  it.live("gets no further with odd bodies, paths, methods, headers and queries", () =>
    Effect.gen(function* () {
      const server = yield* serve({ requestsPerSecond: 10_000, burst: 10_000 })
      const token = yield* server.token("mallory")
      const expected: ReadonlyArray<readonly [status: number, path: string, options: Parameters<typeof ask>[1]]> = [
        [400, "/v1/sessions", { body: "{" }],
        [400, "/v1/sessions", { body: "[]" }],
        [400, "/v1/sessions", { body: "null" }],
        [400, "/v1/sessions", { body: "[".repeat(20_000) }],
        [400, "/v1/sessions", { body: JSON.stringify({ ...good, __proto__: { id: "x" }, constructor: 1, id: "a b" }) }],
        [413, "/v1/sessions", { body: JSON.stringify({ ...good, pad: "x".repeat(70_000) }) }],
        [415, "/v1/sessions", { body: "a=b", headers: { "content-type": "application/x-www-form-urlencoded" } }],
        [400, "/v1/sessions?limit=0", {}],
        [400, "/v1/sessions?limit=1e9", {}],
        [400, "/v1/sessions?status=dead", {}],
        [400, "/v1/sessions?machine=..%2F", {}],
        [400, "/v1/sessions?after=not-a-page", {}],
        [400, "/v1/sessions/a%20b", {}],
        [400, "/v1/sessions/%00", {}],
        [400, "/v1/sessions/..%2F..%2Fetc", {}],
        [404, "/v1/sessions/../../etc/passwd", {}],
        [404, "/v1/sessions/nobody", {}],
        [404, "/v1/nothing", {}],
        [404, "/v1/sessions", { method: "PUT", body: "{}" }],
        [404, "/%E0%A4%A", {}]
      ]
      for (const [status, path, options] of expected) {
        const answer = yield* ask(`${server.url}${path}`, { token, ...options })
        assert.strictEqual(answer.status, status, `${path} ${answer.text.slice(0, 300)}`)
        assert.isTrue(isRefusal(answer), path)
      }
      const session = yield* ask(`${server.url}/v1/sessions`, { token, body: JSON.stringify({ ...good, id: "one" }) })
      assert.strictEqual(session.status, 201)
      for (const id of ["-1", "x", "1e3", "9".repeat(16)]) {
        const answer = yield* ask(`${server.url}/v1/sessions/one/events`, { token, headers: { "last-event-id": id } })
        assert.strictEqual(answer.status, 400, id)
      }
    })
  )

  it.live("is held off when it asks too often, and when it guesses tokens", () =>
    Effect.gen(function* () {
      const server = yield* serve({ requestsPerSecond: 1, burst: 3 })
      const token = yield* server.token("mallory")
      const other = yield* server.token("alice")
      const statuses: Array<number> = []
      for (let count = 0; count < 5; count++) statuses.push((yield* ask(`${server.url}/v1/sessions`, { token })).status)
      assert.deepStrictEqual(statuses, [200, 200, 200, 429, 429])
      const limited = yield* ask(`${server.url}/v1/sessions`, { token })
      assert.strictEqual(jsonOf<Refused>(limited).error.reason, "RateLimited")
      assert.isAbove(Number(limited.headers.get("retry-after")), 0)
      assert.strictEqual((yield* ask(`${server.url}/v1/sessions`, { token: other })).status, 200)
      const guesses: Array<number> = []
      const guess = `${token.slice(0, -1)}${token.endsWith("0") ? 1 : 0}`
      for (let count = 0; count < 25; count++) {
        guesses.push((yield* ask(`${server.url}/v1/sessions`, { token: guess })).status)
      }
      assert.deepStrictEqual([guesses[0], guesses.at(-1)], [401, 429])
      assert.strictEqual((yield* ask(`${server.url}/v1/machines`, { token: other })).status, 200)
    })
  )

  it.live("finds no secret in an answer or in the log", () =>
    Effect.gen(function* () {
      const server = yield* serve()
      const token = yield* server.token("alice")
      const gitToken = "ghp_0123456789abcdefghij"
      const password = "correct horse battery"
      const body = JSON.stringify({
        ...good,
        id: "one",
        credentials: { token: gitToken },
        openCodePassword: password
      })
      const made = yield* ask(`${server.url}/v1/sessions`, { token, body })
      assert.strictEqual(made.status, 201)
      const answers = [made]
      for (const path of [
        "/v1/sessions/one",
        "/v1/sessions",
        "/v1/sessions?token=a",
        "/v1/machines",
        `/v1/sessions/${token}`
      ]) {
        answers.push(yield* ask(`${server.url}${path}`, { token }))
      }
      answers.push(yield* ask(`${server.url}/v1/sessions`, { token, body: `${body}x` }))
      const all = [...answers.map(({ headers, text }) => text + JSON.stringify([...headers])), ...server.log].join("\n")
      for (const secret of [token, token.slice("toehold_0123456789abcdef_".length), gitToken, password])
        assert.notInclude(all, secret)
    })
  )
})
