/**
 * Reads a tar archive as it comes, in pieces of any length. Every archive of a machine is data from outside: what is no
 * archive is a fault in words, names of any length beyond a limit too, and nothing is kept but one header at a time.
 */
import { Result } from "effect"
import { blockSize } from "./tarHeader.ts"

export interface Member {
  readonly type: "file" | "directory" | "link" | "hardlink" | "other"
  /** As the archive has it. */
  readonly name: string
  /** Bytes of data that follow. */
  readonly size: number
  /** Seconds since 1970. */
  readonly mtime: number
}

export type TarEvent =
  | { readonly _tag: "Member"; readonly member: Member }
  | { readonly _tag: "Data"; readonly bytes: Uint8Array }

/** A name that is longer can exist on no system. */
const maxMeta = 256 * 1024

const types: Readonly<Record<string, Member["type"]>> = {
  "\0": "file",
  "0": "file",
  "7": "file",
  "1": "hardlink",
  "2": "link",
  "5": "directory"
}

interface Meta {
  name?: string
  size?: number
  mtime?: number
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

const text = (block: Uint8Array, from: number, length: number): string => {
  const field = block.subarray(from, from + length)
  const end = field.indexOf(0)
  return decoder.decode(end === -1 ? field : field.subarray(0, end))
}

/** Octal digits between blanks and zero bytes, or GNU's binary form for what is too large for them. */
const number = (block: Uint8Array, from: number, length: number): number => {
  const first = block[from] ?? 0
  if ((first & 0x80) === 0) return octal(block, from, length)
  if ((first & 0x40) !== 0) return -1
  let value = first & 0x3f
  for (const byte of block.subarray(from + 1, from + length)) value = value * 256 + byte
  return value
}

const octal = (block: Uint8Array, from: number, length: number): number => {
  const end = from + length
  let at = from
  while (at < end && block[at] === 32) at++
  let value = 0
  for (; at < end; at++) {
    const byte = block[at] ?? 0
    if (byte < 48 || byte > 55) break
    value = value * 8 + byte - 48
  }
  // What stands behind the digits may only be what ends them.
  while (at < end && block[at] === 32) at++
  return at === end || block[at] === 0 ? value : Number.NaN
}

/** The sum is taken with blanks in its own field. */
const hasSum = (block: Uint8Array): boolean => {
  let sum = 8 * 32
  for (let at = 0; at < 148; at++) sum += block[at] ?? 0
  for (let at = 156; at < blockSize; at++) sum += block[at] ?? 0
  return number(block, 148, 8) === sum
}

const isZero = (block: Uint8Array): boolean => {
  for (let at = 0; at < blockSize; at++) if (block[at] !== 0) return false
  return true
}

/** `LENGTH KEY=VALUE\n` again and again, as pax has it. */
const readPax = (bytes: Uint8Array): Meta | undefined => {
  const meta: Meta = {}
  let at = 0
  while (at < bytes.length) {
    const space = bytes.indexOf(32, at)
    if (space === -1 || space - at > 9) return undefined
    const digits = decoder.decode(bytes.subarray(at, space))
    const length = /^[0-9]+$/.test(digits) ? Number(digits) : 0
    const record = bytes.subarray(space + 1, at + length - 1)
    if (length < space - at + 3 || at + length > bytes.length) return undefined
    const equals = record.indexOf(61)
    if (equals === -1) return undefined
    const value = decoder.decode(record.subarray(equals + 1))
    switch (decoder.decode(record.subarray(0, equals))) {
      case "path":
        meta.name = value
        break
      case "size":
        meta.size = /^[0-9]+$/.test(value) ? Number(value) : Number.NaN
        break
      case "mtime":
        meta.mtime = Number(value)
        break
    }
    at += length
  }
  return meta
}

export class TarDecoder {
  /** What is not a whole block yet. */
  private rest: Uint8Array = new Uint8Array(0)
  /** Bytes of data and of padding that the member at hand still has. */
  private data = 0
  private skip = 0
  /** A member that tells of the next one, and what it holds so far. */
  private meta: { readonly type: string; readonly parts: Array<Uint8Array> } | undefined
  private next: Meta = {}
  private fault: string | undefined

  /** Whether everything that began has ended. */
  get isWhole(): boolean {
    return this.fault === undefined && this.rest.length === 0 && this.data === 0 && this.skip === 0
  }

  /** Takes a piece, and answers what it brought. After a fault there is nothing but that fault. */
  push(piece: Uint8Array): Result.Result<ReadonlyArray<TarEvent>, string> {
    if (this.fault !== undefined) return Result.fail(this.fault)
    const events: Array<TarEvent> = []
    let bytes = this.rest.length === 0 ? piece : Buffer.concat([this.rest, piece])
    this.rest = new Uint8Array(0)
    while (bytes.length > 0) {
      if (this.data > 0) {
        const part = bytes.subarray(0, this.data)
        this.data -= part.length
        bytes = bytes.subarray(part.length)
        if (this.meta === undefined) events.push({ _tag: "Data", bytes: part })
        else this.meta.parts.push(Uint8Array.from(part))
        if (this.data === 0 && !this.endMeta()) return this.fail("a header of names is damaged")
      } else if (this.skip > 0) {
        const length = Math.min(this.skip, bytes.length)
        this.skip -= length
        bytes = bytes.subarray(length)
      } else if (bytes.length < blockSize) {
        this.rest = Uint8Array.from(bytes)
        break
      } else {
        const member = this.header(bytes.subarray(0, blockSize))
        if (typeof member === "string") return this.fail(member)
        if (member !== undefined) events.push({ _tag: "Member", member })
        bytes = bytes.subarray(blockSize)
      }
    }
    return Result.succeed(events)
  }

  private fail(fault: string): Result.Result<never, string> {
    this.fault = fault
    return Result.fail(fault)
  }

  /** The member that a header begins, nothing where it only tells of the next one, or a fault. */
  private header(block: Uint8Array): Member | string | undefined {
    // Zeros end an archive; another may follow.
    if (isZero(block)) return undefined
    if (!hasSum(block)) return "a header's checksum is wrong"
    const flag = String.fromCharCode(block[156] ?? 0)
    const isMeta = flag === "x" || flag === "g" || flag === "L" || flag === "K"
    const own = isMeta ? {} : this.next
    const size = own.size ?? number(block, 124, 12)
    const mtime = own.mtime ?? number(block, 136, 12)
    if (!Number.isSafeInteger(size) || size < 0 || !Number.isFinite(mtime)) return "a header's numbers are damaged"
    if (isMeta) {
      if (size > maxMeta) return "a name is too long"
      this.begin(size)
      // Links come from the listing, and what holds for all members is of no interest.
      if (size > 0) this.meta = { type: flag, parts: [] }
      return undefined
    }
    this.next = {}
    const type = types[flag] ?? "other"
    // Links and folders have no data, whatever their size says.
    const length = type === "file" || (type === "other" && !/[346]/.test(flag)) ? size : 0
    this.begin(length)
    return { type, name: own.name ?? this.nameIn(block), size: length, mtime }
  }

  private begin(size: number): void {
    this.data = size
    this.skip = (blockSize - (size % blockSize)) % blockSize
  }

  private nameIn(block: Uint8Array): string {
    const name = text(block, 0, 100)
    // Only the POSIX form has a prefix; GNU's has times in its place.
    const prefix = text(block, 257, 6) === "ustar" && block[263] === 48 ? text(block, 345, 155) : ""
    return prefix === "" ? name : `${prefix}/${name}`
  }

  private endMeta(): boolean {
    const { meta } = this
    if (meta === undefined) return true
    this.meta = undefined
    const bytes = Buffer.concat(meta.parts)
    if (meta.type === "L") {
      this.next.name = text(bytes, 0, bytes.length)
    } else if (meta.type === "x") {
      const read = readPax(bytes)
      if (read === undefined) return false
      this.next = { ...this.next, ...read }
    }
    return true
  }
}
