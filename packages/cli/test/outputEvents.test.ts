import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { type OutputEvent, OutputEvents } from "../src/internal/outputEvents.ts"

const bytesOf = ({ data, encoding }: OutputEvent): Buffer => Buffer.from(data, encoding)

const feed = (chunks: ReadonlyArray<Uint8Array>): ReadonlyArray<OutputEvent> => {
  const events = new OutputEvents("stdout")
  let offset = 0
  const seen = chunks.flatMap((chunk) => {
    const pushed = events.push(chunk, offset)
    offset += chunk.length
    return pushed
  })
  return [...seen, ...events.end()]
}

const cut = (bytes: Uint8Array, lengths: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const chunks: Array<Uint8Array> = []
  let from = 0
  for (const length of lengths) {
    chunks.push(bytes.subarray(from, from + length))
    from += length
  }
  return [...chunks, bytes.subarray(from)]
}

const Lengths = Schema.Array(Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: 7 }))))
const Bytes = Schema.Array(Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: 255 }))))

const inOrder = (events: ReadonlyArray<OutputEvent>): void => {
  let offset = 0
  for (const event of events) {
    assert.strictEqual(event.offset, offset)
    offset += bytesOf(event).length
  }
}

describe("OutputEvents", () => {
  it.prop(
    "gives back exactly the bytes that came, whatever they are and wherever they were cut",
    { bytes: Bytes, lengths: Lengths },
    ({ bytes, lengths }) => {
      const events = feed(cut(Uint8Array.from(bytes), lengths))
      assert.deepStrictEqual(Array.from(Buffer.concat(events.map(bytesOf))), bytes)
      inOrder(events)
    },
    { arbitrary: { runs: 300 } }
  )

  it.prop(
    "keeps text as text, wherever it was cut",
    { text: Schema.String, lengths: Lengths },
    ({ lengths, text }) => {
      const whole = Buffer.from(`é€😀${text.toWellFormed()}`)
      const events = feed(cut(whole, lengths))
      assert.isTrue(events.every(({ encoding }) => encoding === "utf8"))
      assert.strictEqual(events.map(({ data }) => data).join(""), whole.toString())
      inOrder(events)
    },
    { arbitrary: { runs: 200 } }
  )

  it("keeps a byte order mark, and gives up an unfinished character at the end", () => {
    const events = feed([Uint8Array.of(0xef, 0xbb, 0xbf, 0x41), Uint8Array.of(0xe2, 0x82)])
    assert.deepStrictEqual(events, [
      { event: "stdout", data: "\uFEFFA", encoding: "utf8", offset: 0 },
      { event: "stdout", data: "4oI=", encoding: "base64", offset: 4 }
    ])
  })

  it("goes on at the offset of a later chunk, where bytes were left out", () => {
    const events = new OutputEvents("stderr")
    const seen = [...events.push(Buffer.from("ab\xe2", "latin1"), 0), ...events.push(Buffer.from("z"), 90)]
    assert.deepStrictEqual(
      seen.map(({ data, offset }) => [data, offset]),
      [
        ["ab", 0],
        ["4g==", 2],
        ["z", 90]
      ]
    )
  })
})
