/** The checksums that small systems have. */
import * as Crypto from "node:crypto"
import * as Zlib from "node:zlib"

/** What is turned at a time, and stays in the processor's cache meanwhile. */
const turned = new Uint8Array(32_768)
const words = new Uint32Array(turned.buffer)

/** zlib's CRC-32 of the bytes with the bits of each in the other order, which are turned four bytes at a time. */
const crcOfTurned = (bytes: Uint8Array, begun: number): number => {
  let crc = begun
  for (let at = 0; at < bytes.length; at += turned.length) {
    const part = bytes.subarray(at, at + turned.length)
    turned.set(part)
    const count = (part.length + 3) >> 2
    for (let index = 0; index < count; index++) {
      let word = words[index] ?? 0
      word = ((word >>> 1) & 0x5555_5555) | ((word & 0x5555_5555) << 1)
      word = ((word >>> 2) & 0x3333_3333) | ((word & 0x3333_3333) << 2)
      words[index] = ((word >>> 4) & 0x0f0f_0f0f) | ((word & 0x0f0f_0f0f) << 4)
    }
    crc = Zlib.crc32(turned.subarray(0, part.length), crc)
  }
  return crc
}

const turnedWord = (word: number): number => {
  let result = 0
  for (let bit = 0; bit < 32; bit++) if (word & (1 << bit)) result |= 1 << (31 - bit)
  return result >>> 0
}

/**
 * The checksum of POSIX `cksum`: a CRC-32 with the polynomial 0x04C11DB7, high bit first, over the bytes and their count. It
 * is zlib's, which takes the low bit first, of the bytes with their bits in the other order.
 */
export const cksum = (chunks: ReadonlyArray<Uint8Array>): number => {
  // zlib begins with the complement of this.
  let crc = 0xffff_ffff
  let length = 0
  for (const chunk of chunks) {
    length += chunk.length
    crc = crcOfTurned(chunk, crc)
  }
  const count: Array<number> = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) count.push(rest & 0xff)
  return turnedWord(crcOfTurned(Uint8Array.from(count), crc))
}

/** Whether the first word that `cksum` or `md5sum` prints is that of the bytes. */
export const isSumOf = (sum: string, chunks: ReadonlyArray<Uint8Array>): boolean => {
  if (sum.length !== 32) return sum === String(cksum(chunks))
  const hash = Crypto.createHash("md5")
  for (const chunk of chunks) hash.update(chunk)
  return sum === hash.digest("hex")
}
