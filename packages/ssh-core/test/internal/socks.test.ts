import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Option, Result, Schema } from "effect"
import { PassThrough } from "node:stream"
import * as Socks from "../../src/internal/forward/socks.ts"

const bytes = (...parts: ReadonlyArray<number | string>): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === "number" ? [part] : [...Buffer.from(part)])))

const read = (version: 4 | 5, input: Uint8Array) =>
  Result.match(Socks.readRequest(version, input), {
    onFailure: ({ detail, reply }) => ({ detail, code: reply[1] }),
    onSuccess: (found) => found
  })

describe("a request", () => {
  it.each<readonly [string, 4 | 5, Uint8Array, { readonly host: string; readonly port: number }]>([
    ["an IPv4 address", 5, bytes(5, 1, 0, 1, 10, 0, 0, 7, 0x1f, 0x90), { host: "10.0.0.7", port: 8080 }],
    ["a name", 5, bytes(5, 1, 0, 3, 9, "localhost", 0, 80), { host: "localhost", port: 80 }],
    [
      "an IPv6 address",
      5,
      bytes(5, 1, 0, 4, 0x20, 1, 0xd, 0xb8, ...Array.from({ length: 11 }, () => 0), 1, 1, 0),
      { host: "2001:db8:0:0:0:0:0:1", port: 256 }
    ],
    ["SOCKS 4", 4, bytes(4, 1, 0, 22, 127, 0, 0, 1, "me", 0), { host: "127.0.0.1", port: 22 }],
    ["SOCKS 4a", 4, bytes(4, 1, 0, 22, 0, 0, 0, 9, 0, "web.internal", 0), { host: "web.internal", port: 22 }]
  ])("names %s", (_name, version, input, value) => {
    assert.deepStrictEqual(read(version, input), { value, length: input.length })
    // However it comes, and whatever comes after it.
    for (let length = 0; length < input.length; length++) {
      assert.isUndefined(read(version, input.subarray(0, length)), `${length} bytes`)
    }
    assert.deepStrictEqual(read(version, bytes(...input, "more")), { value, length: input.length })
  })

  it.each<readonly [string, 4 | 5, Uint8Array, number]>([
    ["to listen", 5, bytes(5, 2, 0, 1, 0, 0, 0, 0, 0, 0), 7],
    ["for a kind of address that there is none of", 5, bytes(5, 1, 0, 9, 0, 0, 0, 0, 0, 0), 8],
    ["for a name of no length", 5, bytes(5, 1, 0, 3, 0, 0, 80), 1],
    ["in another version", 5, bytes(4, 1, 0, 1, 0, 0, 0, 0, 0, 0), 1],
    ["to listen, in SOCKS 4", 4, bytes(4, 2, 0, 22, 1, 1, 1, 1, 0), 91],
    ["with a name that is too long", 4, bytes(4, 1, 0, 22, 1, 1, 1, 1, "x".repeat(300)), 91],
    ["for an empty name, in SOCKS 4a", 4, bytes(4, 1, 0, 22, 0, 0, 0, 9, 0, 0), 91]
  ])("is refused %s", (_name, version, input, code) => {
    assert.deepInclude(read(version, input), { code })
  })

  it.prop(
    "of arbitrary bytes gives a value, a fault or a wish for more",
    { values: Arbitrary.array(Arbitrary.schema(Schema.Literals([0, 1, 2, 3, 4, 5, 9, 120, 255])), { maxLength: 300 }) },
    ({ values }) => {
      const input = Uint8Array.from(values)
      for (const version of [4, 5] as const) {
        const found = read(version, input)
        if (found !== undefined && "length" in found) assert.isAtMost(found.length, input.length)
        Socks.readGreeting(input)
      }
    },
    { arbitrary: { runs: 300 } }
  )
})

describe("a greeting", () => {
  it("is taken without authentication only", () => {
    assert.deepStrictEqual(Socks.readGreeting(bytes(5, 2, 2, 0)), Result.succeed({ value: 5, length: 4 }))
    assert.deepStrictEqual(Socks.readGreeting(bytes(4)), Result.succeed({ value: 4, length: 0 }))
    assert.deepStrictEqual(Socks.readGreeting(bytes(5, 2, 2)), Result.succeed(undefined))
    const failed = Socks.readGreeting(bytes(5, 1, 2))
    assert.deepStrictEqual(Result.isFailure(failed) && [...failed.failure.reply], [5, 0xff])
    assert.isTrue(Result.isFailure(Socks.readGreeting(bytes("GET /"))))
  })
})

describe("a client", () => {
  it.prop(
    "is understood in pieces of any size, and keeps what it sends too early",
    { sizes: Arbitrary.array(Arbitrary.schema(Schema.Literals([1, 2, 3, 7, 20])), { minLength: 1, maxLength: 6 }) },
    ({ sizes }) =>
      Effect.gen(function* () {
        const stream = new PassThrough()
        const input = bytes(5, 1, 0, 5, 1, 0, 3, 4, "host", 0, 80, "too early")
        for (let at = 0, turn = 0; at < input.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1
          stream.write(input.subarray(at, at + size))
          at += size
        }
        const asked = yield* Socks.negotiate(Object.assign(stream, { write: () => true }))
        assert.deepStrictEqual(asked, Option.some({ version: 5, to: { host: "host", port: 80 } }))
        assert.strictEqual(String(stream.read()), "too early")
      }).pipe(Effect.runPromise),
    { arbitrary: { runs: 50 } }
  )

  it("that leaves asks for nothing", () => {
    const stream = new PassThrough()
    stream.end(bytes(5, 1, 0, 5))
    return Effect.runPromise(
      Effect.map(Socks.negotiate(Object.assign(stream, { write: () => true })), (asked) =>
        assert.isTrue(Option.isNone(asked))
      )
    )
  })
})
