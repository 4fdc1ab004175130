import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Expectation } from "../../src/internal/expectation.ts"
import type { Step } from "../../src/SshInteract.ts"

const feed = (steps: ReadonlyArray<Step>, text: string, pieceLength = 1000) => {
  const expectation = new Expectation(steps, [])
  const sent: Array<string> = expectation.due().map(({ send }) => String(send))
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += pieceLength) {
    for (const { send } of expectation.push(bytes.subarray(at, at + pieceLength))) sent.push(String(send))
  }
  return { sent, counts: expectation.counts, owed: expectation.owed }
}

const cuts = [1, 2, 7, 100_000]

describe("Expectation", () => {
  it.prop(
    "finds a text however it is cut, and each only after the one before",
    {
      words: Schema.NonEmptyArray(Schema.Literals(["ab", "abc", "b", "ä€", "a\r\nb"])),
      noise: Schema.Literals(["", "x", "\r", "€"])
    },
    ({ noise, words }) => {
      const steps = words.map((word, index) => ({ expect: word.replaceAll("\r\n", "\n"), send: String(index) }))
      const text = words.map((word) => `${noise}${word}`).join(noise)
      const found = cuts.map((cut) => feed(steps, text, cut))
      for (const { owed, sent } of found) {
        assert.isUndefined(owed)
        assert.deepStrictEqual(
          sent,
          words.map((_, index) => String(index))
        )
      }
    },
    { arbitrary: { runs: 200 } }
  )

  it("takes of several that may come the one that comes first", () => {
    const steps = [
      { expect: "late", send: "1", optional: true },
      { expect: /early/, send: "2", optional: true },
      { expect: "end", send: "3" },
      { expect: "after", send: "4" }
    ]
    for (const cut of cuts) {
      assert.deepStrictEqual(feed(steps, "early late end", cut).sent, ["2", "3"])
      assert.deepStrictEqual(feed(steps, "late early end after", cut).sent, ["1", "2", "3", "4"])
      assert.deepStrictEqual(feed(steps, "after end", cut).owed, 3)
    }
  })

  it("repeats until what follows comes, and has to come once where it is not optional", () => {
    const steps = [
      { expect: "more", send: "m", repeat: true },
      { expect: "end", send: "e" }
    ]
    assert.deepStrictEqual(feed(steps, "more more end", 1).sent, ["m", "m", "e"])
    assert.strictEqual(feed(steps, "end", 1).owed, 0)
    assert.deepStrictEqual(feed([{ ...steps[0], optional: true }, ...steps.slice(1)], "end", 1).sent, ["e"])
    assert.strictEqual(feed(steps.slice(0, 1), "more".repeat(2000)).counts[0], 1000)
  })

  it("keeps no place in a pattern, and takes a match of nothing for none", () => {
    assert.deepStrictEqual(
      feed(
        [
          { expect: /a/gy, send: "1" },
          { expect: /a/g, send: "2" }
        ],
        "aa",
        1
      ).sent,
      ["1", "2"]
    )
    assert.strictEqual(feed([{ expect: /x*/ }], "yyy").owed, 0)
    assert.isUndefined(feed([{ expect: /\$ $/, send: "" }], "a $ b\r\nhost$ ").owed)
  })

  it("sees what a pattern needs across chunks, within its window", () => {
    const long = `begin${"x".repeat(8000)}end`
    for (const cut of cuts) assert.isUndefined(feed([{ expect: /begin[^]*end/ }], long, cut).owed)
  })

  it("is linear in what comes", () => {
    const flood = `${"a".repeat(79)}\n`.repeat(25_000)
    const begin = performance.now()
    feed([{ expect: "b".repeat(4000) }, { expect: "x" }], flood, 32_768)
    feed([{ expect: /a.*?b/ }], flood.slice(0, 400_000), 4096)
    feed([{ expect: "aab" }], flood.slice(0, 200_000), 1)
    assert.isBelow(performance.now() - begin, 10_000)
  })
})
