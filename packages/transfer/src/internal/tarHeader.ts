/**
 * The blocks that stand before each member of a tar archive, in the form that GNU tar, BusyBox and libarchive all read:
 * ustar fields with GNU's long names. Source: tar(5) of libarchive, POSIX.1-2017 pax.
 */
import type { Entry } from "./entry.ts"

export const blockSize = 512

/** Archives end with zeros up to a full record, as tar writes and some programs expect. */
export const recordSize = 20 * blockSize

/** Above it the size needs another notation, which not all programs know. */
export const maxSize = 8 ** 11 - 1

/** What one header can tell: times before 1970 and after 2242 it can't. */
export const fits = ({ mtime, size }: Entry): boolean => size <= maxSize && mtime >= 0 && Math.floor(mtime) <= maxSize

const encoder = new TextEncoder()

/** Writes the digits, right-aligned with zeros, before the zero byte that ends the field. */
const putOctal = (bytes: Uint8Array, at: number, length: number, value: number): void => {
  let left = Math.floor(value)
  for (let index = at + length - 2; index >= at; index--) {
    bytes[index] = 48 + (left % 8)
    left = Math.floor(left / 8)
  }
}

const putText = (bytes: Uint8Array, at: number, text: string): void => {
  for (let index = 0; index < text.length; index++) bytes[at + index] = text.charCodeAt(index)
}

const block = (fields: {
  readonly name: Uint8Array
  readonly mode: number
  readonly size: number
  readonly mtime: number
  readonly type: string
}): Uint8Array => {
  const bytes = new Uint8Array(blockSize)
  bytes.set(fields.name.subarray(0, 100), 0)
  putOctal(bytes, 100, 8, fields.mode)
  putOctal(bytes, 108, 8, 0)
  putOctal(bytes, 116, 8, 0)
  putOctal(bytes, 124, 12, fields.size)
  putOctal(bytes, 136, 12, fields.mtime)
  // The checksum is counted with blanks in its own field.
  putText(bytes, 148, "        ")
  putText(bytes, 156, fields.type)
  putText(bytes, 257, "ustar  ")
  let sum = 0
  // Nothing stands behind the mark.
  for (let index = 0; index < 264; index++) sum += bytes[index] ?? 0
  putOctal(bytes, 148, 7, sum)
  bytes[154] = 0
  return bytes
}

/** Zeros up to the next block. */
export const padding = (size: number): Uint8Array => new Uint8Array((blockSize - (size % blockSize)) % blockSize)

/** GNU's member that holds a name which is too long for its field. */
const long = (text: Uint8Array): ReadonlyArray<Uint8Array> => {
  const size = text.length + 1
  const own = block({ name: encoder.encode("././@LongLink"), mode: 0o644, size, mtime: 0, type: "L" })
  return [own, text, new Uint8Array(1), padding(size)]
}

/** The blocks of a member; its data and the padding follow. */
export const headerOf = (entry: Entry, mode: number): Uint8Array => {
  // A name that looks like an option or a device is none below a folder.
  const name = encoder.encode(`./${entry.path}${entry.type === "directory" ? "/" : ""}`)
  const size = entry.type === "file" ? entry.size : 0
  const own = block({ name, mode, size, mtime: entry.mtime, type: entry.type === "directory" ? "5" : "0" })
  return name.length > 100 ? Buffer.concat([...long(name), own]) : own
}

/** What ends an archive of so many bytes. */
export const trailerOf = (length: number): Uint8Array => {
  const end = length + 2 * blockSize
  return new Uint8Array(2 * blockSize + ((recordSize - (end % recordSize)) % recordSize))
}
