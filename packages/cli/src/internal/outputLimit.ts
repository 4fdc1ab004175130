/** A limit on output that is passed on as it comes: the head at once, the tail at the end, a count of what is between. */

export interface Piece {
  readonly offset: number
  readonly bytes: Uint8Array
}

/** The limit for one stream: half of it for the head, half for the tail. */
export class OutputLimit {
  readonly #headSize: number
  readonly #tailSize: number
  #total = 0
  /** The last chunks, at least as many as the tail needs. */
  #tail: Array<Uint8Array> = []
  #tailBytes = 0

  constructor(limit: number | undefined) {
    this.#headSize = limit === undefined ? Number.POSITIVE_INFINITY : Math.ceil(limit / 2)
    this.#tailSize = limit === undefined ? 0 : limit - this.#headSize
  }

  get total(): number {
    return this.#total
  }

  /** What of the chunk is to be passed on now. */
  push(chunk: Uint8Array): Piece | undefined {
    const offset = this.#total
    this.#total += chunk.length
    const now = chunk.subarray(0, Math.max(0, Math.min(chunk.length, this.#headSize - offset)))
    const later = chunk.subarray(now.length)
    if (later.length > 0 && this.#tailSize > 0) this.#keep(later)
    return now.length === 0 ? undefined : { offset, bytes: now }
  }

  #keep(chunk: Uint8Array): void {
    // A copy: a piece of a chunk would keep the whole of it alive.
    const kept = chunk.slice(-this.#tailSize)
    this.#tail.push(kept)
    this.#tailBytes += kept.length
    // Many small chunks would make each removal at the front expensive.
    if (this.#tail.length > 1024) this.#tail = [Buffer.concat(this.#tail)]
    for (let first = this.#tail[0]; first !== undefined; first = this.#tail[0]) {
      if (this.#tailBytes - first.length < this.#tailSize) break
      this.#tail.shift()
      this.#tailBytes -= first.length
    }
  }

  /** What is to be passed on at the end, and where how much is missing before it. */
  end(): {
    readonly tail: Piece | undefined
    readonly gap: { readonly offset: number; readonly bytes: number } | undefined
  } {
    const bytes = Buffer.concat(this.#tail).subarray(-Math.max(1, this.#tailSize))
    const tail = bytes.length === 0 ? undefined : { offset: this.#total - bytes.length, bytes }
    const missing = Math.max(0, this.#total - this.#headSize - bytes.length)
    return { tail, gap: missing === 0 ? undefined : { offset: this.#headSize, bytes: missing } }
  }
}
