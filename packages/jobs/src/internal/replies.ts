/** What the scripts print, read piece by piece: any bytes in, items or a fault out. */
import { Result } from "effect"
import type { StreamName } from "../JobOutput.ts"
import { readCount } from "./count.ts"
import { type JobLine, readJobLine } from "./jobLine.ts"

export type Item =
  | { readonly _tag: "Data"; readonly stream: StreamName; readonly offset: number; readonly data: Uint8Array }
  | { readonly _tag: "Gap"; readonly stream: StreamName; readonly from: number; readonly to: number }
  | { readonly _tag: "Beat" }
  | { readonly _tag: "Job"; readonly job: JobLine }
  | { readonly _tag: "Refusal"; readonly code: string; readonly detail: string }
  | { readonly _tag: "End" }

/** Longer than any line of ours. */
const maxLine = 32_768

const streams: Readonly<Record<string, StreamName>> = { o: "stdout", e: "stderr" }

const newline = 0x0a

/** One reader for one answer. */
export class ReplyReader {
  #line: Uint8Array = new Uint8Array(0)
  #data: { readonly stream: StreamName; offset: number; left: number } | undefined
  #isOver = false

  /** Whether the answer has come to its end. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** The items that a chunk completes, or what is wrong with it. After a fault the reader is of no use. */
  push(chunk: Uint8Array): Result.Result<ReadonlyArray<Item>, string> {
    const items: Array<Item> = []
    let at = 0
    while (at < chunk.length) {
      if (this.#isOver) return Result.fail("something follows its end")
      if (this.#data !== undefined) {
        const { left, offset, stream } = this.#data
        const data = chunk.subarray(at, at + left)
        items.push({ _tag: "Data", stream, offset, data })
        at += data.length
        this.#data =
          data.length === left ? undefined : { stream, offset: offset + data.length, left: left - data.length }
        continue
      }
      const end = chunk.indexOf(newline, at)
      const part = chunk.subarray(at, end === -1 ? chunk.length : end)
      if (this.#line.length + part.length > maxLine) return Result.fail("a line is too long")
      const line = this.#line.length === 0 ? part : concat(this.#line, part)
      if (end === -1) {
        this.#line = line.slice()
        break
      }
      this.#line = new Uint8Array(0)
      at = end + 1
      const item = this.#read(new TextDecoder().decode(line))
      if (typeof item === "string") return Result.fail(item)
      if (item !== undefined) items.push(item)
    }
    return Result.succeed(items)
  }

  #read(line: string): Item | string | undefined {
    const [tag, ...words] = line.split(" ")
    switch (tag) {
      case "H":
        return { _tag: "Beat" }
      case "Z":
        this.#isOver = true
        return { _tag: "End" }
      case "X":
        this.#isOver = true
        return { _tag: "Refusal", code: words[0] ?? "", detail: words.slice(1).join(" ") }
      case "J": {
        const job = readJobLine(words)
        return job === undefined ? unknown(line) : { _tag: "Job", job }
      }
      case "D":
      case "G": {
        const stream = streams[words[0] ?? ""]
        const [from, second] = [readCount(words[1]), readCount(words[2])]
        if (stream === undefined || from === undefined || second === undefined) return unknown(line)
        if (tag === "G") return { _tag: "Gap", stream, from, to: second }
        this.#data = second === 0 ? undefined : { stream, offset: from, left: second }
        return undefined
      }
      default:
        return unknown(line)
    }
  }
}

const concat = (first: Uint8Array, second: Uint8Array): Uint8Array => {
  const whole = new Uint8Array(first.length + second.length)
  whole.set(first)
  whole.set(second, first.length)
  return whole
}

const unknown = (line: string): string => `it has the line ${JSON.stringify(line.slice(0, 200))}`
