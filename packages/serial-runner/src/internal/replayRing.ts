/** The last bytes of a stream, addressed by their place in the whole of it. */
export class ReplayRing {
  readonly #buffer: Buffer
  #end = 0

  constructor(capacity: number) {
    this.#buffer = Buffer.alloc(capacity)
  }

  /** Bytes that were ever pushed. */
  get end(): number {
    return this.#end
  }

  /** The first byte that is still there. */
  get start(): number {
    return Math.max(0, this.#end - this.#buffer.length)
  }

  push(chunk: Uint8Array): void {
    const size = this.#buffer.length
    const kept = chunk.length > size ? chunk.subarray(chunk.length - size) : chunk
    const at = (this.#end + chunk.length - kept.length) % size
    const first = Math.min(kept.length, size - at)
    this.#buffer.set(kept.subarray(0, first), at)
    this.#buffer.set(kept.subarray(first), 0)
    this.#end += chunk.length
  }

  /** A copy of what is there from `from` on, at most `limit` bytes, with the place of its first byte. */
  read(from: number, limit = this.#buffer.length): { readonly offset: number; readonly data: Uint8Array } {
    const offset = Math.min(Math.max(from, this.start), this.#end)
    const length = Math.min(this.#end - offset, limit)
    const data = new Uint8Array(length)
    const size = this.#buffer.length
    const at = offset % size
    const first = Math.min(length, size - at)
    data.set(this.#buffer.subarray(at, at + first), 0)
    data.set(this.#buffer.subarray(0, length - first), first)
    return { offset, data }
  }
}
