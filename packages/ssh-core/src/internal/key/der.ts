/** As much of DER (X.690) as it takes to find the parameters of an encrypted PKCS#8 key. */
import { Result } from "effect"
import { type Read, unreadable } from "./fault.ts"

const malformed = Result.fail(unreadable("its ASN.1 is damaged"))

const tags = { integer: 0x02, octets: 0x04, oid: 0x06, sequence: 0x30 } as const

export class DerReader {
  readonly #bytes: Uint8Array
  #offset = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** Whether a value of this kind comes next. */
  has(kind: keyof typeof tags): boolean {
    return this.#bytes[this.#offset] === tags[kind]
  }

  #value(kind: keyof typeof tags): Read<Uint8Array> {
    const bytes = this.#bytes
    if (!this.has(kind)) return malformed
    let at = this.#offset + 1
    let length = bytes[at++] ?? 0
    if (length > 0x84 || length === 0x80) return malformed
    if (length > 0x80) {
      const digits = bytes.subarray(at, at + length - 0x80)
      at += digits.length
      length = digits.reduce((sum, digit) => sum * 256 + digit, 0)
    }
    if (length > bytes.length - at) return malformed
    this.#offset = at + length
    return Result.succeed(bytes.subarray(at, at + length))
  }

  sequence(): Read<DerReader> {
    return Result.map(this.#value("sequence"), (bytes) => new DerReader(bytes))
  }

  octets(): Read<Uint8Array> {
    return this.#value("octets")
  }

  /** A non-negative integer below 2^48. */
  integer(): Read<number> {
    return Result.flatMap(this.#value("integer"), (bytes) =>
      bytes.length === 0 || bytes.length > 6 || (bytes[0] ?? 0) >= 0x80
        ? malformed
        : Result.succeed(Buffer.from(bytes).readUIntBE(0, bytes.length))
    )
  }

  /** An object identifier in hexadecimal, as it is encoded. */
  oid(): Read<string> {
    return Result.map(this.#value("oid"), (bytes) => Buffer.from(bytes).toString("hex"))
  }
}
