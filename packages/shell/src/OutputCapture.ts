/**
 * Keeps the beginning and the end of a stream of bytes, within a limit.
 *
 * @since 0.1.0
 */
import { CapturedOutput } from "./CapturedOutput.ts"

/**
 * Keeps the first and the last bytes of a stream within `limit` bytes, in memory that never grows past it: the first
 * half as it comes, the rest in a ring.
 *
 * @since 0.1.0
 * @category models
 */
export class OutputCapture {
  readonly #headLimit: number
  readonly #tailLimit: number
  #head: Buffer = Buffer.alloc(0)
  #headSize = 0
  #ring: Buffer = Buffer.alloc(0)
  /** Bytes that went past the head, kept or not. */
  #past = 0

  constructor(limit: number) {
    this.#headLimit = Math.ceil(limit / 2)
    this.#tailLimit = Math.floor(limit / 2)
  }

  get totalBytes(): number {
    return this.#headSize + this.#past
  }

  push(chunk: Buffer): void {
    const toHead = Math.min(chunk.length, this.#headLimit - this.#headSize)
    if (toHead > 0) {
      this.#head = grown(this.#head, this.#headSize, this.#headSize + toHead, this.#headLimit)
      chunk.copy(this.#head, this.#headSize, 0, toHead)
      this.#headSize += toHead
    }
    const rest = toHead === chunk.length ? 0 : chunk.length - toHead
    if (rest === 0) return
    if (this.#tailLimit > 0) this.#pushTail(chunk.subarray(Math.max(toHead, chunk.length - this.#tailLimit)), rest)
    this.#past += rest
  }

  #pushTail(last: Buffer, rest: number): void {
    const needed = Math.min(this.#tailLimit, this.#past + rest)
    // The ring is laid out from offset 0 and wraps only once it has its full size, so growing it keeps every offset.
    this.#ring = grown(this.#ring, Math.min(this.#past, this.#ring.length), needed, this.#tailLimit)
    let offset = (this.#past + rest - last.length) % this.#tailLimit
    let copied = 0
    while (copied < last.length) {
      const count = Math.min(last.length - copied, this.#tailLimit - offset)
      last.copy(this.#ring, offset, copied, copied + count)
      copied += count
      offset = (offset + count) % this.#tailLimit
    }
  }

  result(): CapturedOutput {
    const kept = Math.min(this.#past, this.#tailLimit)
    const tail = Buffer.allocUnsafe(kept)
    if (kept > 0) {
      const end = this.#past % this.#tailLimit
      if (this.#past <= this.#tailLimit) {
        this.#ring.copy(tail, 0, 0, kept)
      } else {
        this.#ring.copy(tail, 0, end, this.#tailLimit)
        this.#ring.copy(tail, this.#tailLimit - end, 0, end)
      }
    }
    return new CapturedOutput({
      head: new Uint8Array(this.#head.subarray(0, this.#headSize)),
      tail: new Uint8Array(tail),
      totalBytes: this.totalBytes,
      omittedBytes: this.#past - kept
    })
  }
}

/** A buffer that holds `needed` bytes and the `used` first ones of the old; doubles, so that growth stays linear. */
const grown = (buffer: Buffer, used: number, needed: number, limit: number): Buffer => {
  if (needed <= buffer.length) return buffer
  const larger = Buffer.allocUnsafe(Math.min(limit, Math.max(needed, buffer.length * 2, 1024)))
  buffer.copy(larger, 0, 0, used)
  return larger
}
