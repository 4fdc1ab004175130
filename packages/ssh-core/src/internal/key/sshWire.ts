/**
 * The data types of RFC 4251 section 5 that key files are made of. Reading never throws: what is cut short or malformed
 * is a failure that says so in a few words.
 */
import { Result } from "effect"
import { type Read, unreadable } from "./fault.ts"

const truncated = Result.fail(unreadable("it ends too early"))

export class WireReader {
  readonly bytes: Uint8Array
  #offset = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  get remaining(): number {
    return this.bytes.length - this.#offset
  }

  take(length: number): Read<Uint8Array> {
    if (length > this.remaining) return truncated
    this.#offset += length
    return Result.succeed(this.bytes.subarray(this.#offset - length, this.#offset))
  }

  uint32(): Read<number> {
    return Result.map(this.take(4), (b) => new DataView(b.buffer, b.byteOffset, 4).getUint32(0))
  }

  string(): Read<Uint8Array> {
    return Result.flatMap(this.uint32(), (length) => this.take(length))
  }

  text(): Read<string> {
    return Result.map(this.string(), (bytes) => Buffer.from(bytes).toString("utf8"))
  }

  /** A number that can't be negative, big-endian and without leading zeros. */
  mpint(): Read<Uint8Array> {
    return Result.flatMap(this.string(), (bytes) =>
      (bytes[0] ?? 0) >= 0x80
        ? Result.fail(unreadable("a number in it is negative"))
        : Result.succeed(withoutLeadingZeros(bytes))
    )
  }

  end(): Read<void> {
    return this.remaining === 0 ? Result.succeed(undefined) : Result.fail(unreadable("it goes on after its end"))
  }
}

export const withoutLeadingZeros = (bytes: Uint8Array): Uint8Array => {
  const start = bytes.findIndex((byte) => byte !== 0)
  return start === -1 ? new Uint8Array(0) : bytes.subarray(start)
}

export const uint32 = (value: number): Uint8Array => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export const string = (value: Uint8Array | string): Uint8Array => {
  const bytes = typeof value === "string" ? Buffer.from(value, "utf8") : value
  return Buffer.concat([uint32(bytes.length), bytes])
}

export const mpint = (value: Uint8Array): Uint8Array => {
  const bytes = withoutLeadingZeros(value)
  return string((bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes)
}
