import { expect, it } from "@effect/vitest"
import { Schema } from "effect"
import { AnswerParser } from "../../src/internal/answers.ts"

const nonce = "0123456789abcdef"
const answer = (text: string) => `@${nonce} ${text.length} ${text}|${text}\n`

const Part = Schema.Literals([
  "output\n",
  "\n",
  "@",
  `@${nonce}`,
  "no end",
  "\u0000\u00ff",
  `@fedcba9876543210 5 e 1 0|e 1 0\n`,
  answer("b 1"),
  answer("e 12 0"),
  `@${nonce} .\n`,
  `@${nonce} 5 e 1 0|e 1 1\n`
])
const Size = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 50 }))

const parse = (text: string, size: number) => {
  const found: Array<string> = []
  let bytes = ""
  const flush = () => {
    if (bytes !== "") found.push(`bytes ${bytes}`)
    bytes = ""
  }
  const parser = new AnswerParser(nonce, {
    bytes: (data) => void (bytes += Buffer.from(data).toString("latin1")),
    answer: ({ fields, kind }) => {
      flush()
      found.push([kind, ...fields].join(" "))
    },
    damaged: () => {
      flush()
      found.push("damaged")
    }
  })
  const data = Buffer.from(text, "latin1")
  for (let at = 0; at < data.length; at += size) parser.push(data.subarray(at, at + size))
  flush()
  return found
}

it.prop(
  "finds the same answers wherever the stream is cut",
  { parts: Schema.Array(Part), size: Size },
  ({ parts, size }) => {
    // What may still become an answer is held back: an end makes it certain.
    const text = `${parts.join("")};end`
    expect(parse(text, size)).toEqual(parse(text, text.length))
  }
)

it("finds an exit code wherever it is cut", () => {
  const text = `out${answer("e 1 143 12 0")};`
  for (let at = 0; at <= text.length; at++) {
    for (const parts of [[text.slice(0, at), text.slice(at)], [...text]]) {
      const found: Array<string> = []
      const parser = new AnswerParser(nonce, {
        bytes: (data) => void found.push(Buffer.from(data).toString("latin1")),
        answer: ({ fields, kind }) => void found.push([kind, ...fields].join(" ")),
        damaged: () => void found.push("damaged")
      })
      for (const part of parts) parser.push(Buffer.from(part, "latin1"))
      expect(found.join("|").replaceAll(/\|(?=[ut])/g, "")).toBe("out|e 1 143 12 0|;")
    }
  }
})

it("gives every byte that is no answer", () => {
  expect(parse(`one\n${answer("b 1")}two\nthree${answer("e 1 0")}four`, 3)).toEqual([
    "bytes one\n",
    "b 1",
    "bytes two\nthree",
    "e 1 0",
    "bytes four"
  ])
})

it.prop(
  "finds the answers of several who write to one terminal, each of them line by line",
  { turns: Schema.Array(Schema.Literals([0, 1, 2])), size: Size },
  ({ size, turns }) => {
    // A shell writes each line of what it prints by itself, so that another's may come between any two.
    const writers = [
      [answer("b 1"), "a\n", "b\n", answer("e 1 0")],
      ["no end", answer("w 2"), answer("i 2 1")],
      ["\n", answer("pz 3 o 1 "), "\n", answer("px 3 0 0 0")]
    ].map((lines) => [...lines])
    const order = [...turns, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2]
    const lines = order.flatMap((writer) => writers[writer]?.splice(0, 1) ?? [])
    const found = parse(lines.join(""), size).filter((found) => !found.startsWith("bytes"))
    expect([...found].sort()).toEqual(["b 1", "e 1 0", "i 2 1", "px 3 0 0 0", "pz 3 o 1 ", "w 2"])
  }
)

it("tells a damaged answer from a whole one", () => {
  expect(parse(`@${nonce} 5 e 1 0[    1.0] usb\n|e 1 0;`, 5)).toEqual(["damaged", "bytes \n|e 1 0;"])
  expect(parse(`@${nonce} 5 e 1 0${answer("e 1 0")}`, 5)).toEqual(["damaged", "e 1 0"])
})
