/** Cuts the bytes of an SFTP channel into packets, whatever pieces they come in. */

/** Above what any server sends: OpenSSH's limit is 256 KiB. */
export const maxPacketBytes = 1024 * 1024

/** How much text of a noisy login may come before the first packet. */
const maxNoiseBytes = 64 * 1024

export class Frames {
  readonly #onPacket: (packet: Buffer) => void
  readonly #onInvalid: (detail: string) => void
  #header = Buffer.alloc(0)
  #packet: Buffer | undefined
  #filled = 0
  #noise: Buffer | undefined = Buffer.alloc(0)
  #stopped = false

  constructor(onPacket: (packet: Buffer) => void, onInvalid: (detail: string) => void) {
    this.#onPacket = onPacket
    this.#onInvalid = onInvalid
  }

  /** What a login printed before the first packet, if none has come. */
  get noise(): string {
    return (this.#noise ?? Buffer.alloc(0)).toString("utf8").trim()
  }

  /** No more packets are handed out. */
  stop(): void {
    this.#stopped = true
  }

  push(chunk: Buffer): void {
    if (this.#stopped) return
    if (this.#noise === undefined) return this.#cut(chunk)
    const start = Buffer.concat([this.#noise, chunk])
    const version = startOf(start, Math.max(0, this.#noise.length - 8))
    if (version === -1) {
      this.#noise = start
      if (start.length > maxNoiseBytes) this.#invalid("text in place of SFTP")
      return
    }
    this.#noise = undefined
    this.#cut(start.subarray(version))
  }

  #invalid(detail: string): void {
    this.stop()
    this.#onInvalid(detail)
  }

  #cut(chunk: Buffer): void {
    let offset = 0
    while (offset < chunk.length && !this.#stopped) {
      if (this.#packet !== undefined) {
        const length = Math.min(this.#packet.length - this.#filled, chunk.length - offset)
        chunk.copy(this.#packet, this.#filled, offset, offset + length)
        this.#filled += length
        offset += length
        if (this.#filled < this.#packet.length) return
        const packet = this.#packet
        this.#packet = undefined
        this.#onPacket(packet)
        continue
      }
      const wanted = 4 - this.#header.length
      if (chunk.length - offset < wanted) {
        this.#header = Buffer.concat([this.#header, chunk.subarray(offset)])
        return
      }
      const header =
        wanted === 4
          ? chunk.subarray(offset, offset + 4)
          : Buffer.concat([this.#header, chunk.subarray(offset, offset + wanted)])
      offset += wanted
      this.#header = Buffer.alloc(0)
      const length = header.readUInt32BE(0)
      if (length < 1 || length > maxPacketBytes) return this.#invalid(`an SFTP packet of ${length} bytes`)
      if (chunk.length - offset >= length) {
        // The packet is in one piece: no need to copy it.
        const packet = chunk.subarray(offset, offset + length)
        offset += length
        this.#onPacket(packet)
      } else {
        this.#packet = Buffer.allocUnsafeSlow(length)
        this.#filled = 0
      }
    }
  }
}

/** Where the server's first packet begins: a length below 64 KiB, the type 2, a version below 256; or -1. `from` is where to begin. */
const startOf = (bytes: Buffer, from: number): number => {
  for (let at = from; at + 9 <= bytes.length; at++) {
    if (
      bytes[at] === 0 &&
      bytes[at + 1] === 0 &&
      bytes[at + 4] === 2 &&
      bytes[at + 5] === 0 &&
      bytes[at + 6] === 0 &&
      bytes[at + 7] === 0
    ) {
      return at
    }
  }
  return -1
}
