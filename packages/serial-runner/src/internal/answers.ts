/** What the program on the machine's side says, taken out of everything else that comes over the console. */

/** A line of the program's that came whole: its kind and its fields. */
export interface Answer {
  readonly kind: string
  readonly fields: ReadonlyArray<string>
}

export interface Listener {
  /** Bytes that belong to no answer: the output of a command in text mode, a piece in checked mode, or noise. */
  readonly bytes: (data: Uint8Array) => void
  readonly answer: (answer: Answer) => void
  /** A line of the program's that was damaged on the way. */
  readonly damaged: () => void
}

/** Longer than any answer. */
const maxAnswer = 4096

/**
 * Finds answers in a stream that is cut anywhere, in time linear in what it is given. An answer may begin in the middle of
 * a line: several write to the one terminal, and what one of them has printed need not end where another begins.
 */
export class AnswerParser {
  readonly #mark: Buffer
  readonly #listener: Listener
  /** What may be the beginning of a mark, or an answer whose end is still to come. */
  #held: Buffer = Buffer.alloc(0)
  /** How much of what is held was looked through for a line's end. */
  #seen = 0

  constructor(nonce: string, listener: Listener) {
    this.#mark = Buffer.from(`@${nonce} `, "latin1")
    this.#listener = listener
  }

  push(chunk: Uint8Array): void {
    let data: Buffer =
      this.#held.length === 0
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
        : Buffer.concat([this.#held, chunk])
    for (;;) {
      if (!this.#begins(data)) {
        const at = data.indexOf(this.#mark)
        const end = at === -1 ? this.#undecided(data) : at
        if (end > 0) this.#listener.bytes(data.subarray(0, end))
        data = data.subarray(end)
        this.#seen = 0
        if (at === -1) break
      }
      const from = Math.max(this.#mark.length, this.#seen)
      const end = data.indexOf(10, from)
      if (end === -1 && data.length < maxAnswer) {
        this.#seen = data.length
        break
      }
      data = data.subarray(this.#take(data, end))
      this.#seen = 0
    }
    this.#held = Buffer.from(data)
  }

  #begins(data: Buffer): boolean {
    return data.length >= this.#mark.length && data.subarray(0, this.#mark.length).equals(this.#mark)
  }

  /** Where a mark might begin at the end of the data. */
  #undecided(data: Buffer): number {
    const from = Math.max(0, data.length - this.#mark.length + 1)
    for (let at = data.indexOf(0x40, from); at !== -1; at = data.indexOf(0x40, at + 1)) {
      if (data.subarray(at).equals(this.#mark.subarray(0, data.length - at))) return at
    }
    return data.length
  }

  /** Takes the answer at the beginning, up to the line's end where there is one, and says how many bytes it was. */
  #take(data: Buffer, end: number): number {
    const { length } = this.#mark
    if (end !== -1 && this.#line(data.toString("latin1", length, end))) return end + 1
    this.#listener.damaged()
    // Where its end was lost, another one follows on the same line.
    const next = data.subarray(0, end === -1 ? maxAnswer : end).indexOf(this.#mark, length)
    return next === -1 ? (end === -1 ? length : end) : next
  }

  /** Whether the line is an answer, whole. */
  #line(line: string): boolean {
    // The terminal may turn the end of a line into two bytes.
    const [sign = "", ...words] = (line.endsWith("\r") ? line.slice(0, -1) : line).split(" ")
    const both = words.join(" ")
    const text = both.slice(0, (both.length - 1) / 2)
    const isEnd = sign === "." && both === ""
    if (!isEnd && (both !== `${text}|${text}` || sign !== String(text.length))) return false
    const [kind = "", ...fields] = isEnd ? ["."] : text.split(" ")
    this.#listener.answer({ kind, fields })
    return true
  }
}
