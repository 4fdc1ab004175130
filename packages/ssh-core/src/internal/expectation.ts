/** Where an interaction stands: which of its steps may come next, and which of them the output brings. */
import type { Step } from "../SshInteract.ts"

/** How much of what came since the last match a pattern sees, in characters. */
export const windowLength = 8192

/** Output is gone through in pieces, so that no pattern ever sees more than twice the window. */
const pieceLength = 8192

/** A step that repeats has to end at some time. */
const maxRepeats = 1000

export interface Answer extends Pick<Step, "expect" | "send" | "enter"> {
  /** Index among the steps; `undefined` for an answer that is always there. */
  readonly index: number | undefined
}

interface Match {
  readonly start: number
  readonly end: number
}

/** The first occurrence in `text`; of a plain text only one that ends after `searched`. */
const find = (expect: string | RegExp, text: string, searched: number): Match | undefined => {
  if (typeof expect === "string") {
    const start = text.indexOf(expect, Math.max(0, searched - expect.length + 1))
    return start === -1 ? undefined : { start, end: start + expect.length }
  }
  const match = expect.exec(text)
  return match === null || match[0] === "" ? undefined : { start: match.index, end: match.index + match[0].length }
}

/** A pattern that keeps no place of its own between two searches. */
const stateless = (expect: string | RegExp | undefined): string | RegExp | undefined =>
  expect instanceof RegExp ? new RegExp(expect.source, expect.flags.replace(/[gy]/g, "")) : expect

export class Expectation {
  readonly counts: Array<number>
  readonly #steps: ReadonlyArray<Step>
  readonly #always: ReadonlyArray<Answer>
  /** The first step that may come. */
  #at = 0
  #text = ""
  /** How many characters of the text the candidates have seen. */
  #searched = 0
  #heldReturn = false
  readonly #decoder = new TextDecoder()

  constructor(steps: ReadonlyArray<Step>, always: ReadonlyArray<Omit<Answer, "index">>) {
    this.#steps = steps.map((step) => ({ ...step, expect: stateless(step.expect) }))
    this.#always = always.map((answer) => ({ ...answer, expect: stateless(answer.expect), index: undefined }))
    this.counts = steps.map(() => 0)
  }

  /** Index of the step that must still come; `undefined` where none must. */
  get owed(): number | undefined {
    const index = this.#steps.findIndex((_, index) => index >= this.#at && !this.#mayBePassed(index))
    return index === -1 ? undefined : index
  }

  /** Takes output; gives back the answers that it asks for, in order. */
  push(chunk: Uint8Array): ReadonlyArray<Answer> {
    const answers: Array<Answer> = [...this.due()]
    const text = this.#plain(this.#decoder.decode(chunk, { stream: true }))
    for (let from = 0; from < text.length; from += pieceLength) {
      this.#text += text.slice(from, from + pieceLength)
      for (;;) {
        const answer = this.#next()
        if (answer === undefined) break
        answers.push(answer, ...this.due())
      }
      this.#trim()
    }
    return answers
  }

  /** The steps that wait for nothing and are next. */
  due(): ReadonlyArray<Answer> {
    const answers: Array<Answer> = []
    for (;;) {
      const step = this.#steps[this.#at]
      if (step === undefined || step.expect !== undefined) return answers
      answers.push({ ...step, index: this.#at })
      this.counts[this.#at] = 1
      this.#at++
    }
  }

  #next(): Answer | undefined {
    let first: { readonly answer: Answer; readonly match: Match } | undefined
    for (const answer of this.#candidates()) {
      if (answer.expect === undefined) continue
      const match = find(answer.expect, this.#text, this.#searched)
      if (match !== undefined && (first === undefined || match.start < first.match.start)) first = { answer, match }
    }
    if (first === undefined) {
      this.#searched = this.#text.length
      return undefined
    }
    const { answer, match } = first
    this.#text = this.#text.slice(match.end)
    this.#searched = 0
    if (answer.index !== undefined) {
      this.counts[answer.index] = (this.counts[answer.index] ?? 0) + 1
      this.#at = this.#steps[answer.index]?.repeat === true ? answer.index : answer.index + 1
    }
    return answer
  }

  /** The step whose turn it is, those after it as long as it may be passed, and what may come at any time. */
  #candidates(): ReadonlyArray<Answer> {
    const candidates: Array<Answer> = []
    for (let index = this.#at; index < this.#steps.length; index++) {
      const step = this.#steps[index]
      if (step !== undefined && (this.counts[index] ?? 0) < maxRepeats) candidates.push({ ...step, index })
      if (!this.#mayBePassed(index)) break
    }
    return [...candidates, ...this.#always]
  }

  #mayBePassed(index: number): boolean {
    const step = this.#steps[index]
    return step?.optional === true || (step?.repeat === true && (this.counts[index] ?? 0) > 0)
  }

  /** With line ends as programs write them. A return at the end may be half of one. */
  #plain(decoded: string): string {
    const text = this.#heldReturn ? `\r${decoded}` : decoded
    this.#heldReturn = text.endsWith("\r")
    return (this.#heldReturn ? text.slice(0, -1) : text).replaceAll("\r\n", "\n")
  }

  #trim(): void {
    const surplus = this.#text.length - windowLength
    if (surplus <= 0) return
    this.#text = this.#text.slice(surplus)
    this.#searched = Math.max(0, this.#searched - surplus)
  }
}
