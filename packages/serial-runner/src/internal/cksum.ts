/** The checksums that small systems have. */
import * as Crypto from "node:crypto"

const table = new Uint32Array(256)
for (let byte = 0; byte < 256; byte++) {
  let crc = byte << 24
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000_0000 ? (crc << 1) ^ 0x04c1_1db7 : crc << 1
  table[byte] = crc >>> 0
}

/** One more byte; the table has an entry for each. */
const step = (crc: number, byte: number): number => ((crc << 8) ^ (table[((crc >>> 24) ^ byte) & 0xff] ?? 0)) >>> 0

/**
 * The checksum of POSIX `cksum`: a CRC-32 with the polynomial 0x04C11DB7, high bit first, over the bytes and their count.
 */
export const cksum = (chunks: ReadonlyArray<Uint8Array>): number => {
  let crc = 0
  let length = 0
  for (const chunk of chunks) {
    length += chunk.length
    for (const byte of chunk) crc = step(crc, byte)
  }
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) crc = step(crc, rest & 0xff)
  return ~crc >>> 0
}

/** Whether the first word that `cksum` or `md5sum` prints is that of the bytes. */
export const isSumOf = (sum: string, chunks: ReadonlyArray<Uint8Array>): boolean => {
  if (sum.length !== 32) return sum === String(cksum(chunks))
  const hash = Crypto.createHash("md5")
  for (const chunk of chunks) hash.update(chunk)
  return sum === hash.digest("hex")
}
