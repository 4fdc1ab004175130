/** The packets of SFTP version 3 (draft-ietf-secsh-filexfer-02, sections 4, 6 and 7) and of OpenSSH's extensions to it. */
import { Result } from "effect"
import * as Attributes from "./attributes.ts"
import { Reader, Writer } from "./wire.ts"

const types = {
  init: 1,
  version: 2,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  setstat: 9,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  rename: 18,
  readlink: 19,
  symlink: 20,
  status: 101,
  handle: 102,
  data: 103,
  name: 104,
  attrs: 105,
  extended: 200,
  extendedReply: 201
} as const

/** Of SSH_FXP_OPEN. */
export const openFlags = { read: 1, write: 2, append: 4, create: 8, truncate: 16, exclusive: 32 } as const

type Body = (writer: Writer) => Writer

/** A request without its number, which the session gives it. */
export interface Request {
  readonly type: number
  readonly body: Body
  /** Follows the body as it is: the data of a write, which is not copied. */
  readonly data?: Uint8Array
}

const request = (type: number, body: Body, data?: Uint8Array): Request =>
  data === undefined ? { type, body } : { type, body, data }

const onPath = (type: number) => (path: string) => request(type, (to) => to.string(path))
const onHandle = (type: number) => (handle: Uint8Array) => request(type, (to) => to.string(handle))
const extended = (name: string, body: Body) => request(types.extended, (to) => body(to.string(name)))

export const open = (path: string, flags: number, attributes: Attributes.Attributes): Request =>
  request(types.open, (to) => to.string(path).uint32(flags).raw(Attributes.written(attributes)))
export const close = onHandle(types.close)
export const read = (handle: Uint8Array, position: bigint, length: number): Request =>
  request(types.read, (to) => to.string(handle).uint64(position).uint32(length))
export const write = (handle: Uint8Array, position: bigint, data: Uint8Array): Request =>
  request(types.write, (to) => to.string(handle).uint64(position).uint32(data.length), data)
export const lstat = onPath(types.lstat)
export const stat = onPath(types.stat)
export const fstat = onHandle(types.fstat)
export const setstat = (path: string, attributes: Attributes.Attributes): Request =>
  request(types.setstat, (to) => to.string(path).raw(Attributes.written(attributes)))
export const fsetstat = (handle: Uint8Array, attributes: Attributes.Attributes): Request =>
  request(types.fsetstat, (to) => to.string(handle).raw(Attributes.written(attributes)))
export const opendir = onPath(types.opendir)
export const readdir = onHandle(types.readdir)
export const remove = onPath(types.remove)
export const mkdir = (path: string, attributes: Attributes.Attributes): Request =>
  request(types.mkdir, (to) => to.string(path).raw(Attributes.written(attributes)))
export const rmdir = onPath(types.rmdir)
export const realpath = onPath(types.realpath)
export const rename = (from: string, to: string): Request => request(types.rename, (out) => out.string(from).string(to))
export const readlink = onPath(types.readlink)
/** The draft has the two the other way round; OpenSSH sends them so, and who serves its users does as well. */
export const symlink = (target: string, link: string): Request =>
  request(types.symlink, (to) => to.string(target).string(link))

// OpenSSH's PROTOCOL file, section 4.
export const posixRename = (from: string, to: string): Request =>
  extended("posix-rename@openssh.com", (out) => out.string(from).string(to))
export const hardlink = (from: string, to: string): Request =>
  extended("hardlink@openssh.com", (out) => out.string(from).string(to))
export const fsync = (handle: Uint8Array): Request => extended("fsync@openssh.com", (to) => to.string(handle))
export const statvfs = (path: string): Request => extended("statvfs@openssh.com", (to) => to.string(path))
export const fstatvfs = (handle: Uint8Array): Request => extended("fstatvfs@openssh.com", (to) => to.string(handle))
export const lsetstat = (path: string, attributes: Attributes.Attributes): Request =>
  extended("lsetstat@openssh.com", (to) => to.string(path).raw(Attributes.written(attributes)))
export const limits: Request = extended("limits@openssh.com", (to) => to)
/** `length` 0 is all that there is. */
export const copyData = (
  from: { readonly handle: Uint8Array; readonly position: bigint; readonly length: bigint },
  to: { readonly handle: Uint8Array; readonly position: bigint }
): Request =>
  extended("copy-data", (out) =>
    out.string(from.handle).uint64(from.position).uint64(from.length).string(to.handle).uint64(to.position)
  )
const listed = (ids: ReadonlyArray<number>) => ids.reduce((to, id) => to.uint32(id), new Writer()).bytes()
export const usersGroups = (uids: ReadonlyArray<number>, gids: ReadonlyArray<number>): Request => {
  return extended("users-groups-by-id@openssh.com", (to) => to.string(listed(uids)).string(listed(gids)))
}

/** The first packet of all; it alone has no number. */
export const init: Buffer = new Writer().uint32(5).byte(types.init).uint32(3).bytes()

/** The bytes of a request, in pieces to be sent one after the other; the first is at most `firstPiece` long. */
export const encode = (id: number, { body, data, type }: Request, firstPiece: number): ReadonlyArray<Uint8Array> => {
  const head = body(new Writer().byte(type).uint32(id)).bytes()
  const frame = new Writer().uint32(head.length + (data?.length ?? 0)).raw(head)
  if (data === undefined) return [frame.bytes()]
  // Header and data in packets of their own would cost a packet more for each write.
  const joined = Math.max(0, Math.min(data.length, firstPiece - head.length - 4))
  const first = frame.raw(data.subarray(0, joined)).bytes()
  return joined === data.length ? [first] : [first, data.subarray(joined)]
}

export interface Entry {
  readonly name: string
  readonly attributes: Attributes.Attributes
}

export type Reply =
  | { readonly _tag: "Status"; readonly code: number; readonly message: string }
  | { readonly _tag: "Handle"; readonly handle: Uint8Array }
  | { readonly _tag: "Data"; readonly data: Buffer }
  | { readonly _tag: "Names"; readonly entries: ReadonlyArray<Entry> }
  | { readonly _tag: "Attributes"; readonly attributes: Attributes.Attributes }
  | { readonly _tag: "Extended"; readonly reader: Reader }

export interface Numbered {
  readonly id: number
  readonly reply: Reply
}

const maxHandleBytes = 256

const names = (reader: Reader): ReadonlyArray<Entry> => {
  const entries: Array<Entry> = []
  for (let left = reader.uint32(); left > 0 && reader.isWhole; left--) {
    const name = reader.text()
    // For people to read, in no certain form.
    reader.string()
    entries.push({ name, attributes: Attributes.read(reader) })
  }
  return entries
}

const replyOf = (type: number, reader: Reader): Reply | undefined => {
  switch (type) {
    case types.status: {
      const code = reader.uint32()
      // Before version 3 no message followed, and some servers send none now.
      return { _tag: "Status", code, message: reader.remaining >= 4 ? reader.text() : "" }
    }
    case types.handle:
      return { _tag: "Handle", handle: reader.string() }
    case types.data:
      return { _tag: "Data", data: reader.string() }
    case types.name:
      return { _tag: "Names", entries: names(reader) }
    case types.attrs:
      return { _tag: "Attributes", attributes: Attributes.read(reader) }
    case types.extendedReply:
      return { _tag: "Extended", reader }
    default:
      return undefined
  }
}

/** What a packet says, without its length; a failure says in a few words what is wrong with it. */
export const decode = (packet: Buffer): Result.Result<Numbered, string> => {
  const reader = new Reader(packet)
  const type = reader.byte()
  const id = reader.uint32()
  const reply = replyOf(type, reader)
  if (reply === undefined) return Result.fail(`an SFTP packet of type ${type}, which is no reply`)
  if (!reader.isWhole || (reply._tag === "Handle" && reply.handle.length > maxHandleBytes)) {
    return Result.fail(`an SFTP packet of type ${type} that is cut short`)
  }
  return Result.succeed({ id, reply })
}

/** What the server's first packet says: its extensions by name. */
export const decodeVersion = (packet: Buffer): Result.Result<ReadonlyMap<string, string>, string> => {
  const reader = new Reader(packet)
  const type = reader.byte()
  const version = reader.uint32()
  if (type !== types.version || version < 3) return Result.fail("no SFTP of version 3 or later")
  const extensions = new Map<string, string>()
  while (reader.remaining > 0) extensions.set(reader.text(), reader.text())
  return reader.isWhole ? Result.succeed(extensions) : Result.fail("an SFTP version packet that is cut short")
}
