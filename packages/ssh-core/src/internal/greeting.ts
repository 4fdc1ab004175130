/** More than the mark and two numbers. */
const maxLine = 256

/** How much login noise is kept, to be shown where no greeting follows it. */
const keptNoise = 4096

/**
 * Finds the mark line in a stream that may begin with anything, in time linear in what it is given: everything up to
 * the end of that line is dropped, the rest is the command's.
 */
export class Greeting {
  readonly #mark: Buffer
  #held: Buffer = Buffer.alloc(0)
  #noise: Buffer = Buffer.alloc(0)
  #line: string | undefined

  constructor(nonce: string) {
    this.#mark = Buffer.from(nonce, "latin1")
  }

  /** The words that followed the mark on its line, once it was seen. */
  get line(): string | undefined {
    return this.#line
  }

  /** The beginning of what came before the mark. */
  get noise(): Uint8Array {
    return Buffer.concat([this.#noise, this.#held]).subarray(0, keptNoise)
  }

  /** Takes a chunk; gives back the bytes after the mark's line, or `undefined` while it has not been seen whole. */
  push(chunk: Buffer): Buffer | undefined {
    const data = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    const start = data.indexOf(this.#mark)
    if (start === -1) {
      this.#drop(data, Math.max(0, data.length - (this.#mark.length - 1)))
      return undefined
    }
    const end = data.indexOf(10, start)
    if (end === -1) {
      // A line as long as no greeting is none.
      this.#drop(data, data.length - start > maxLine ? data.length : start)
      return undefined
    }
    this.#drop(data.subarray(0, start), start)
    this.#line = data.toString("latin1", start + this.#mark.length, end).trim()
    return data.subarray(end + 1)
  }

  #drop(data: Buffer, count: number): void {
    if (this.#noise.length < keptNoise && count > 0) {
      this.#noise = Buffer.concat([this.#noise, data.subarray(0, Math.min(count, keptNoise - this.#noise.length))])
    }
    this.#held = Buffer.from(data.subarray(count))
  }
}
