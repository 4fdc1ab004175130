import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Greeting } from "../../src/internal/greeting.ts"

const nonce = "toehold-0123456789abcdef"

/** Feeds a stream in pieces of the given sizes, the last one again and again. */
const feed = (greeting: Greeting, stream: Buffer, sizes: ReadonlyArray<number>): Buffer => {
  const out: Array<Buffer> = []
  let found = false
  for (let at = 0, step = 0; at < stream.length; step++) {
    const size = Math.max(1, sizes[Math.min(step, sizes.length - 1)] ?? stream.length)
    const piece = stream.subarray(at, at + size)
    at += size
    if (found) out.push(piece)
    else {
      const rest = greeting.push(piece)
      if (rest !== undefined) {
        found = true
        out.push(rest)
      }
    }
  }
  return Buffer.concat(out)
}

const sizes = Schema.Array(Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 1, maximum: 40 }))))

describe("Greeting", () => {
  it.prop(
    "drops what comes before it and keeps every byte after it, however the stream is cut",
    { noise: Schema.String, output: Schema.Uint8Array, sizes },
    ({ noise, output, sizes }) => {
      const greeting = new Greeting(nonce)
      const stream = Buffer.concat([Buffer.from(noise), Buffer.from(`${nonce} 4711 1\n`), output])
      assert.deepStrictEqual(feed(greeting, stream, sizes), Buffer.from(output))
      assert.strictEqual(greeting.line, "4711 1")
    },
    { arbitrary: { runs: 300 } }
  )

  it("keeps the beginning of the noise for a login that never greets", () => {
    const greeting = new Greeting(nonce)
    assert.isUndefined(greeting.push(Buffer.from("This account is currently not available.\n")))
    assert.strictEqual(Buffer.from(greeting.noise).toString(), "This account is currently not available.\n")
    assert.isUndefined(greeting.line)
  })

  it("holds no more than a little of a long noise", () => {
    const greeting = new Greeting(nonce)
    for (let i = 0; i < 1000; i++) greeting.push(Buffer.alloc(10_000, "x"))
    assert.isAtMost(greeting.noise.length, 4096)
  })

  it("holds no more than a little of a line without an end, and finds the next", () => {
    const greeting = new Greeting(nonce)
    greeting.push(Buffer.from(nonce))
    for (let i = 0; i < 10_000; i++) assert.isUndefined(greeting.push(Buffer.alloc(10_000, "x")))
    assert.strictEqual(greeting.push(Buffer.from(`\n${nonce} 1 1\nout`))?.toString(), "out")
  })

  it("is not taken in by a nonce that is cut off at the end", () => {
    const greeting = new Greeting(nonce)
    assert.isUndefined(greeting.push(Buffer.from(nonce.slice(0, 10))))
    assert.isUndefined(greeting.push(Buffer.from(nonce.slice(0, 10))))
    assert.strictEqual(greeting.push(Buffer.from(`${nonce}\nout`))?.toString(), "out")
  })
})
