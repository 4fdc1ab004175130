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

const octal = (value: number, length: number): string =>
  `${Math.floor(value)
    .toString(8)
    .padStart(length - 1, "0")}\0`

const block = (fields: {
  readonly name: Uint8Array
  readonly mode: number
  readonly size: number
  readonly mtime: number
  readonly type: string
  readonly target: Uint8Array
}): Uint8Array => {
  const bytes = new Uint8Array(blockSize)
  const put = (text: string, at: number) => void encoder.encodeInto(text, bytes.subarray(at))
  bytes.set(fields.name.subarray(0, 100), 0)
  put(octal(fields.mode, 8), 100)
  put(octal(0, 8), 108)
  put(octal(0, 8), 116)
  put(octal(fields.size, 12), 124)
  put(octal(fields.mtime, 12), 136)
  put("        ", 148)
  put(fields.type, 156)
  bytes.set(fields.target.subarray(0, 100), 157)
  put("ustar  \0", 257)
  const sum = bytes.reduce((total, byte) => total + byte, 0)
  put(`${octal(sum, 7)} `, 148)
  return bytes
}

/** Zeros up to the next block. */
export const padding = (size: number): Uint8Array => new Uint8Array((blockSize - (size % blockSize)) % blockSize)

const none = new Uint8Array(0)

/** GNU's member that holds a name which is too long for its field. */
const long = (type: "L" | "K", text: Uint8Array): ReadonlyArray<Uint8Array> => {
  const size = text.length + 1
  const name = encoder.encode("././@LongLink")
  return [block({ name, mode: 0o644, size, mtime: 0, type, target: none }), text, new Uint8Array(1), padding(size)]
}

const typeFlags = { file: "0", directory: "5", link: "2", other: "0" } as const

/** The blocks of a member; its data and the padding follow. */
export const headerOf = (entry: Entry, mode: number): Uint8Array => {
  // A name that looks like an option or a device is none below a folder.
  const name = encoder.encode(`./${entry.path}${entry.type === "directory" ? "/" : ""}`)
  const target = encoder.encode(entry.target ?? "")
  return Buffer.concat([
    ...(target.length > 100 ? long("K", target) : []),
    ...(name.length > 100 ? long("L", name) : []),
    block({
      name,
      mode,
      size: entry.type === "file" ? entry.size : 0,
      mtime: entry.mtime,
      type: typeFlags[entry.type],
      target
    })
  ])
}

/** What ends an archive of so many bytes. */
export const trailerOf = (length: number): Uint8Array => {
  const end = length + 2 * blockSize
  return new Uint8Array(2 * blockSize + ((recordSize - (end % recordSize)) % recordSize))
}
