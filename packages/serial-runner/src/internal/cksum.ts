/** The checksums that small systems have. */
import * as Crypto from "node:crypto"
import * as Zlib from "node:zlib"

/** Every byte with its bits in the other order. */
const reversed = Uint8Array.from({ length: 256 }, (_, byte) => {
  let bits = 0
  for (let bit = 0; bit < 8; bit++) if (byte & (1 << bit)) bits |= 0x80 >> bit
  return bits
})

const reversedBits = (bytes: ArrayLike<number>): Uint8Array => {
  const out = new Uint8Array(bytes.length)
  // Both are as long; a table of bytes has an entry for each.
  for (let at = 0; at < out.length; at++) out[at] = reversed[bytes[at] ?? 0] ?? 0
  return out
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
    crc = Zlib.crc32(reversedBits(chunk), crc)
  }
  const count: Array<number> = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) count.push(rest & 0xff)
  crc = Zlib.crc32(reversedBits(count), crc)
  const bytes = reversedBits([crc & 0xff, (crc >>> 8) & 0xff, (crc >>> 16) & 0xff, crc >>> 24])
  return Buffer.from(bytes).readUInt32BE(0)
}

/** Whether the first word that `cksum` or `md5sum` prints is that of the bytes. */
export const isSumOf = (sum: string, chunks: ReadonlyArray<Uint8Array>): boolean => {
  if (sum.length !== 32) return sum === String(cksum(chunks))
  const hash = Crypto.createHash("md5")
  for (const chunk of chunks) hash.update(chunk)
  return sum === hash.digest("hex")
}
