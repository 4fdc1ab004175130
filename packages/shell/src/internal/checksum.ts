/** The checksum of bytes as the machine's own program prints it. */
import * as Crypto from "node:crypto"
import type { ShellTools } from "../ShellTools.ts"

const polynomial = 0x04c11db7

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24
  for (let bit = 0; bit < 8; bit++) value = (value << 1) ^ (value < 0 ? polynomial : 0)
  return value
})

/** POSIX `cksum`: a CRC-32 of the bytes and of their number, and the number. */
export const posixCksum = (bytes: Uint8Array): string => {
  let crc = 0
  const take = (byte: number): void => {
    crc = (crc << 8) ^ (crcTable[((crc >>> 24) ^ byte) & 0xff] ?? 0)
  }
  for (const byte of bytes) take(byte)
  for (let length = bytes.length; length > 0; length = Math.floor(length / 256)) take(length & 0xff)
  return `${~crc >>> 0} ${bytes.length}`
}

export const checksum = (tool: ShellTools["checksum"], bytes: Uint8Array): string => {
  switch (tool) {
    case "none":
      return ""
    case "cksum":
      return posixCksum(bytes)
    default:
      return Crypto.createHash("sha256").update(bytes).digest("hex")
  }
}

/** `sum`: a shell function that prints the checksum of its standard input, the same as {@link checksum}. */
export const sumFunction = (tool: ShellTools["checksum"]): string => {
  switch (tool) {
    case "none":
      return "sum() { :; }\n"
    case "cksum":
      return 'sum() { set -- $(cksum); echo "$1 $2"; }\n'
    case "openssl":
      return 'sum() { set -- "$(openssl dgst -sha256)"; echo "${1##* }"; }\n'
    case "shasum":
      return 'sum() { set -- $(shasum -a 256); echo "$1"; }\n'
    case "sha256sum":
      return 'sum() { set -- $(sha256sum); echo "$1"; }\n'
  }
}
