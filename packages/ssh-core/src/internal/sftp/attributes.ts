/** What SFTP version 3 knows of a file (draft-ietf-secsh-filexfer-02, section 5). */
import type { FileSystem } from "effect"
import { type Reader, Writer } from "./wire.ts"

/** A server may leave out any of them, and what is left out of a change stays as it is. */
export interface Attributes {
  readonly size?: bigint
  readonly uid?: number
  readonly gid?: number
  /** Kind and permissions as in stat(2). */
  readonly mode?: number
  /** Seconds since 1970. */
  readonly atime?: number
  /** Seconds since 1970. */
  readonly mtime?: number
}

const flags = { size: 0x1, owner: 0x2, mode: 0x4, times: 0x8, extended: 0x80000000 } as const

export const read = (reader: Reader): Attributes => {
  const present = reader.uint32()
  const attributes: { -readonly [Key in keyof Attributes]: Attributes[Key] } = {}
  if ((present & flags.size) !== 0) attributes.size = reader.uint64()
  if ((present & flags.owner) !== 0) {
    attributes.uid = reader.uint32()
    attributes.gid = reader.uint32()
  }
  if ((present & flags.mode) !== 0) attributes.mode = reader.uint32()
  if ((present & flags.times) !== 0) {
    attributes.atime = reader.uint32()
    attributes.mtime = reader.uint32()
  }
  if ((present & flags.extended) !== 0) {
    for (let left = reader.uint32(); left > 0 && reader.remaining > 0; left--) {
      reader.string()
      reader.string()
    }
  }
  return attributes
}

export const written = ({ atime, gid, mode, mtime, size, uid }: Attributes): Buffer => {
  const owner = uid !== undefined && gid !== undefined
  const times = atime !== undefined && mtime !== undefined
  const writer = new Writer().uint32(
    (size === undefined ? 0 : flags.size) |
      (owner ? flags.owner : 0) |
      (mode === undefined ? 0 : flags.mode) |
      (times ? flags.times : 0)
  )
  if (size !== undefined) writer.uint64(size)
  if (owner) writer.uint32(uid).uint32(gid)
  if (mode !== undefined) writer.uint32(mode)
  if (times) writer.uint32(atime).uint32(mtime)
  return writer.bytes()
}

const kinds: ReadonlyMap<number, FileSystem.File.Type> = new Map([
  [0o140000, "Socket"],
  [0o120000, "SymbolicLink"],
  [0o100000, "File"],
  [0o060000, "BlockDevice"],
  [0o040000, "Directory"],
  [0o020000, "CharacterDevice"],
  [0o010000, "FIFO"]
])

export const kindOf = ({ mode }: Attributes): FileSystem.File.Type =>
  (mode === undefined ? undefined : kinds.get(mode & 0o170000)) ?? "Unknown"
