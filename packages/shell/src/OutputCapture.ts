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
  /** The beginning, in parts. */
  readonly #head: Array<Buffer> = []
  #headSize = 0
  /** What the next bytes are copied into, and how far it is full: its beginning is the last part. */
  #open: Buffer = Buffer.alloc(0)
  #openSize = 0
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

  /** Takes a chunk; `isOurs` where nobody changes it any more, so that it need not be copied. */
  push(chunk: Buffer, isOurs = false): void {
    const toHead = Math.min(chunk.length, this.#headLimit - this.#headSize)
    if (toHead > 0) {
      const first = chunk.subarray(0, toHead)
      // What holds on to much more than itself is copied all the same.
      if (isOurs && first.length >= worthKeeping && 2 * first.length > first.buffer.byteLength) this.#keep(first)
      else this.#copy(first)
    }
    const rest = toHead === chunk.length ? 0 : chunk.length - toHead
    if (rest === 0) return
    if (this.#tailLimit > 0) this.#pushTail(chunk.subarray(Math.max(toHead, chunk.length - this.#tailLimit)), rest)
    this.#past += rest
  }

  #keep(first: Buffer): void {
    this.#head.push(first)
    this.#headSize += first.length
    this.#open = this.#open.subarray(this.#openSize)
    this.#openSize = 0
  }

  #copy(first: Buffer): void {
    for (let copied = 0; copied < first.length;) {
      if (this.#openSize === this.#open.length) {
        const size = Math.max(least, Math.min(this.#headSize, most))
        this.#open = Buffer.allocUnsafe(Math.min(this.#headLimit - this.#headSize, size))
        this.#openSize = 0
      }
      const isNew = this.#openSize === 0
      const count = first.copy(this.#open, this.#openSize, copied)
      copied += count
      this.#openSize += count
      this.#headSize += count
      const part = this.#open.subarray(0, this.#openSize)
      if (isNew) this.#head.push(part)
      else this.#head[this.#head.length - 1] = part
    }
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
    const head = new Uint8Array(this.#headSize)
    let at = 0
    for (const part of this.#head) {
      head.set(part, at)
      at += part.length
    }
    return new CapturedOutput({
      head,
      tail: new Uint8Array(tail),
      totalBytes: this.totalBytes,
      omittedBytes: this.#past - kept
    })
  }
}

/** Bytes of a part of the head: as many as there are, so that a short output takes little and a long one few parts. */
const least = 1024
const most = 1024 * 1024

/** Smaller chunks are copied: each that is kept costs something of its own. */
const worthKeeping = 2048

/** A buffer that holds `needed` bytes and the `used` first ones of the old; doubles, so that growth stays linear. */
const grown = (buffer: Buffer, used: number, needed: number, limit: number): Buffer => {
  if (needed <= buffer.length) return buffer
  const larger = Buffer.allocUnsafe(Math.min(limit, Math.max(needed, buffer.length * 2, 1024)))
  buffer.copy(larger, 0, 0, used)
  return larger
}
