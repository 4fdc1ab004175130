/** A stream of output in arbitrary chunks as whole lines, each with a name before it. */

const newline = 0x0a

/** A line that is longer comes in pieces: whoever prints no newline must not fill the memory. */
const maxLine = 64 * 1024

export class PrefixedLines {
  readonly #prefix: Uint8Array
  #waiting: Array<Uint8Array> = []
  #waitingBytes = 0

  constructor(name: string) {
    this.#prefix = new TextEncoder().encode(`${name}: `)
  }

  /** The lines that are whole now. */
  push(chunk: Uint8Array): Uint8Array {
    const out: Array<Uint8Array> = []
    let start = 0
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      out.push(...this.#line(chunk.subarray(start, end + 1)))
      start = end + 1
    }
    if (start < chunk.length) {
      // A copy: a piece of a chunk would keep the whole of it alive, and may be written over.
      this.#waiting.push(chunk.slice(start))
      this.#waitingBytes += chunk.length - start
      if (this.#waitingBytes >= maxLine) out.push(this.end())
    }
    return Buffer.concat(out)
  }

  /** What still waits for its newline, with one. */
  end(): Uint8Array {
    return this.#waitingBytes === 0 ? new Uint8Array(0) : Buffer.concat(this.#line(Uint8Array.of(newline)))
  }

  #line(rest: Uint8Array): ReadonlyArray<Uint8Array> {
    const line = [this.#prefix, ...this.#waiting, rest]
    this.#waiting = []
    this.#waitingBytes = 0
    return line
  }
}
