import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Redacted, Schema } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
import * as Instance from "../src/Instance.ts"
import * as VastClient from "../src/VastClient.ts"
import { VastError } from "../src/VastError.ts"
import { type Case, cases } from "./support/cases.ts"
import { fixture } from "./support/fixtures.ts"

const apiKey = "planted-api-key-0123456789"

const odd: ReadonlyArray<unknown> = [
  null,
  "",
  apiKey,
  -1,
  0,
  1e308,
  2 ** 53,
  "40100",
  "\u0000\u001b[2J\n",
  true,
  false,
  [],
  {},
  [[]],
  [null],
  { a: { b: [] } },
  "x".repeat(10_000),
  "[{]",
  "[null]"
]

/** The value with its node of that number, in reading order, replaced or left out. */
const mutate = (value: unknown, at: number, kind: number): unknown => {
  let left = at
  const walk = (node: unknown): unknown => {
    if (left-- === 0) return odd[kind % odd.length]
    if (Array.isArray(node)) return node.map(walk)
    if (typeof node !== "object" || node === null) return node
    const entries = Object.entries(node).map(([name, inner]) => [name, walk(inner)] as const)
    return Object.fromEntries(kind % 5 === 0 ? entries.filter((_, index) => index !== at % entries.length) : entries)
  }
  return walk(value)
}

const clientFor = (status: number, body: string) =>
  VastClient.make({
    apiKey: Redacted.make(apiKey),
    interval: () => 0,
    backoff: 0,
    retries: 0
  }).pipe(
    Effect.provideService(
      HttpClient.HttpClient,
      HttpClient.make((request) => Effect.succeed(HttpClientResponse.fromWeb(request, new Response(body, { status }))))
    )
  )

const survives = (call: Case[0], status: number, body: string) =>
  Effect.gen(function* () {
    const exit = yield* Effect.exit(call(yield* clientFor(status, body)))
    if (Exit.isSuccess(exit)) return
    assert.isFalse(Cause.hasDies(exit.cause), Cause.pretty(exit.cause))
    const error = Cause.squash(exit.cause)
    assert.instanceOf(error, VastError)
    assert.notInclude(error.message + error.fix + JSON.stringify(error), apiKey)
    assert.notMatch(error.message, /[\n\r\u001b]/)
    assert.isBelow(error.message.length, 5000)
  })

const all = Object.entries(cases)
const numbers = Schema.Natural.check(Schema.isLessThan(1_000_000))

describe("an answer that is not what it should be", () => {
  it.live.prop(
    "is a value or a typed error, whatever is in it",
    { which: numbers, edits: Schema.Array(Schema.Struct({ at: numbers, kind: numbers })), status: numbers },
    ({ edits, status, which }) => {
      const [name, [call]] = all[which % all.length] ?? assert.fail("no case")
      const { response } = fixture(name)
      const statuses = [response.status, response.status, response.status, 200, 400, 404, 500, 302]
      const body = edits.reduce<unknown>((body, { at, kind }) => mutate(body, at % 120, kind), response.body)
      return survives(call, statuses[status % statuses.length] ?? 200, JSON.stringify(body) ?? "")
    },
    { arbitrary: { runs: 300 } }
  )

  it.live.prop(
    "is a value or a typed error, wherever it is cut or garbled",
    { which: numbers, at: numbers, put: Schema.String },
    ({ at, put, which }) => {
      const [name, [call]] = all[which % all.length] ?? assert.fail("no case")
      const text = JSON.stringify(fixture(name).response.body)
      const cut = at % (text.length + 1)
      return survives(call, 200, text.slice(0, cut) + put + (at % 2 === 0 ? "" : text.slice(cut)))
    },
    { arbitrary: { runs: 200 } }
  )

  it.live("may be nested without end", () =>
    Effect.forEach(all, ([, [call]]) => survives(call, 200, "[".repeat(200_000)), { discard: true })
  )
})

describe("sshAddresses", () => {
  const text = Schema.NullOr(Schema.String)
  it.prop(
    "gives only what can be an address, and mixes nothing",
    { public_ipaddr: text, ssh_host: text, ssh_port: Schema.NullOr(Schema.Int), image_runtype: text },
    (fields) => {
      const ports = { "22/tcp": [{ HostIp: null, HostPort: 40100 }] }
      for (const address of Instance.sshAddresses({ ...fields, ports })) {
        assert.match(address.host, /^[A-Za-z0-9][A-Za-z0-9.:-]*$/)
        assert.isTrue(address.port >= 1 && address.port <= 65535)
        assert.strictEqual(address.host, address.kind === "direct" ? fields.public_ipaddr : fields.ssh_host)
      }
    },
    { arbitrary: { runs: 200 } }
  )
})
