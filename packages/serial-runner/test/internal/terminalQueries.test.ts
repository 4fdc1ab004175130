import { expect, it } from "@effect/vitest"
import { Schema } from "effect"
import { QueryFinder } from "../../src/internal/terminalQueries.ts"

const Parts = Schema.Array(
  Schema.Literals([
    "\u001b[6n",
    "\u001b[5n",
    "\u001b[c",
    "\u001b[0c",
    "text",
    "\u001b",
    "\u001b[",
    "\u001b[0",
    "6n",
    "\u001b[2J"
  ])
)
const Size = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 7 }))

it.prop("finds every query once, wherever the stream is cut", { parts: Parts, size: Size }, ({ parts, size }) => {
  const text = parts.join("")
  const finder = new QueryFinder()
  const answers: Array<string> = []
  for (let at = 0; at < text.length; at += size) {
    answers.push(...finder.push(Buffer.from(text.slice(at, at + size))).map((answer) => Buffer.from(answer).toString()))
  }
  const expected = [...text.matchAll(/\u001b\[(0?c|5n|6n)/g)].map(([, query]) =>
    query === "5n" ? "\u001b[0n" : query === "6n" ? "\u001b[1;1R" : "\u001b[?62c"
  )
  expect(answers).toEqual(expected)
})
