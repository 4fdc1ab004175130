/**
 * The data types of SFTP version 3 (draft-ietf-secsh-filexfer-02, sections 3 to 5): reading never throws and never looks
 * past its packet.
 */

/** Reads a packet's fields in order. Past its end every field is empty, and {@link Reader.isWhole} is `false`. */
export class Reader {
  readonly #bytes: Buffer
  #offset: number
  #overrun = false

  constructor(bytes: Buffer, offset = 0) {
    this.#bytes = bytes
    this.#offset = offset
  }

  /** Nothing was read past the end. */
  get isWhole(): boolean {
    return !this.#overrun
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset
  }

  #take(length: number): number {
    if (length > this.remaining) {
      this.#overrun = true
      this.#offset = this.#bytes.length
      return -1
    }
    this.#offset += length
    return this.#offset - length
  }

  byte(): number {
    const at = this.#take(1)
    return at === -1 ? 0 : this.#bytes.readUInt8(at)
  }

  uint32(): number {
    const at = this.#take(4)
    return at === -1 ? 0 : this.#bytes.readUInt32BE(at)
  }

  uint64(): bigint {
    const at = this.#take(8)
    return at === -1 ? 0n : this.#bytes.readBigUInt64BE(at)
  }

  string(): Buffer {
    const length = this.uint32()
    const at = this.#take(length)
    return at === -1 ? Buffer.alloc(0) : this.#bytes.subarray(at, at + length)
  }

  text(): string {
    return this.string().toString("utf8")
  }
}

/** Puts fields together; numbers are unsigned and big-endian. */
export class Writer {
  readonly #parts: Array<Uint8Array> = []

  byte(value: number): this {
    this.#parts.push(Uint8Array.of(value))
    return this
  }

  uint32(value: number): this {
    const part = Buffer.allocUnsafe(4)
    part.writeUInt32BE(value >>> 0)
    this.#parts.push(part)
    return this
  }

  uint64(value: bigint): this {
    const part = Buffer.allocUnsafe(8)
    part.writeBigUInt64BE(BigInt.asUintN(64, value))
    this.#parts.push(part)
    return this
  }

  string(value: Uint8Array | string): this {
    const bytes = typeof value === "string" ? Buffer.from(value, "utf8") : value
    this.uint32(bytes.length)
    this.#parts.push(bytes)
    return this
  }

  raw(value: Uint8Array): this {
    this.#parts.push(value)
    return this
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts)
  }
}
