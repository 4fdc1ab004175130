/**
 * Finds out why a request failed. SFTP's answer is often no more than "Failure", and its "No such file" stands for three
 * different faults, so the paths are looked at before a person is told.
 */
import { Effect } from "effect"
import * as SshError from "../../SshError.ts"
import { lost } from "../channel.ts"
import { type Attributes, kindOf } from "./attributes.ts"
import * as Packet from "./packet.ts"
import * as Session from "./session.ts"
import * as Volume from "./volume.ts"

/** Names of errno(3) for what is neither a missing file nor a missing permission nor a full disk. */
const words = {
  EBADF: "it is not open for that",
  EBUSY: "it is in use",
  EEXIST: "it exists already",
  EINVAL: "that can't be done with it",
  EISDIR: "it is a directory",
  ELOOP: "its symbolic links run in a circle",
  ENAMETOOLONG: "a name in it is too long",
  ENOTDIR: "something on the way to it is not a directory",
  ENOTEMPTY: "the directory is not empty",
  EROFS: "it is on a file system that is read-only",
  EXDEV: "the two paths are on different file systems",
  ENOSYS: "the server does not support it"
} as const

export type Code = keyof typeof words | "ENOENT" | "ENOSPC"

/** Looks for the cause of one kind of request; `undefined` when there is none to be seen. */
export type Look = (session: Session.Session) => Effect.Effect<Code | undefined>

export interface Operation {
  /** As the protocol calls it. */
  readonly name: string
  /** What the user knows it by. */
  readonly path: string
  /** It changes something, which a lost answer leaves in doubt. */
  readonly changes: boolean
  /** Where the answer was "No such file". */
  readonly missing?: Look
  /** Where the answer was "Failure". */
  readonly failure?: Look
}

export const failed = (path: string, code: keyof typeof words, detail?: string): SshError.SshError =>
  SshError.make(new SshError.FileFailed({ path, detail: detail ?? words[code], code }))

/** Codes of SSH_FXP_STATUS; those above 8 are of later versions, which some servers send all the same. */
const codes: ReadonlyMap<number, Code> = new Map([
  [8, "ENOSYS"],
  [11, "EEXIST"],
  [12, "EROFS"],
  [14, "ENOSPC"],
  [15, "ENOSPC"],
  [18, "ENOTEMPTY"],
  [19, "ENOTDIR"],
  [21, "ELOOP"],
  [24, "EISDIR"]
])

const noSuchFile = 2
const permissionDenied = 3
const failure = 4
const badMessage = 5

export const explain = Effect.fnUntraced(function* (
  session: Session.Session,
  operation: Operation,
  answer: Session.Failure
): Effect.fn.Return<SshError.SshError> {
  const { path } = operation
  if (answer._tag === "Ended") {
    return lost(answer.detail, answer.sent && operation.changes ? "may-have-run" : "did-not-run")
  }
  if (answer.code === permissionDenied) {
    return SshError.make(new SshError.PermissionDenied({ path, detail: answer.message || "the server refused it" }))
  }
  const code = yield* codeOf(session, operation, answer.code)
  switch (code) {
    case undefined:
      return SshError.make(
        new SshError.FileFailed({ path, detail: answer.message || `the server answered with status ${answer.code}` })
      )
    case "ENOENT":
      return SshError.make(new SshError.NotFound({ path }))
    case "ENOSPC": {
      const freeBytes = yield* Volume.freeBytes(session, path)
      return SshError.make(new SshError.NoSpace({ path, ...(freeBytes === undefined ? {} : { freeBytes }) }))
    }
    default:
      return failed(path, code)
  }
})

const codeOf = (session: Session.Session, operation: Operation, status: number): Effect.Effect<Code | undefined> => {
  const none: Effect.Effect<Code | undefined> = Effect.undefined
  switch (status) {
    case noSuchFile:
      return Effect.map(operation.missing?.(session) ?? none, (code) => code ?? "ENOENT")
    case badMessage:
      return Effect.succeed(isTooLong(operation.path) ? "ENAMETOOLONG" : "EINVAL")
    case failure:
      return isTooLong(operation.path) ? Effect.succeed("ENAMETOOLONG") : (operation.failure?.(session) ?? none)
    default:
      return Effect.succeed(codes.get(status))
  }
}

const isTooLong = (path: string): boolean => path.split("/").some((name) => Buffer.byteLength(name) > 255)

// The looks. Whatever they can't see is no cause.

const seen = <A>(effect: Effect.Effect<A, Session.Failure>): Effect.Effect<A | undefined> =>
  Effect.orElseSucceed(effect, (): A | undefined => undefined)

export const stat = (session: Session.Session, path: string): Effect.Effect<Attributes | undefined> =>
  seen(session.request(Packet.stat(path), Session.attributes))
export const lstat = (session: Session.Session, path: string): Effect.Effect<Attributes | undefined> =>
  seen(session.request(Packet.lstat(path), Session.attributes))
const readlink = (session: Session.Session, path: string) => seen(session.request(Packet.readlink(path), Session.name))

const isDirectory = (attributes: Attributes | undefined): boolean =>
  attributes !== undefined && kindOf(attributes) === "Directory"

const parentOf = (path: string): string => {
  const end = path.replace(/\/+$/, "").lastIndexOf("/")
  return end === -1 ? "." : path.slice(0, Math.max(end, 1))
}

/** Every path on the way to this one, the shortest first. */
const waysTo = (path: string): ReadonlyArray<string> => {
  const ways: Array<string> = []
  for (let at = path.indexOf("/", 1); at !== -1; at = path.indexOf("/", at + 1)) {
    if (path[at - 1] !== "/" && at < path.length - 1) ways.push(path.slice(0, at))
  }
  return ways
}

const isCircle = Effect.fnUntraced(function* (session: Session.Session, path: string) {
  const visited = new Set<string>()
  for (let at = path; visited.size < 40;) {
    if (visited.has(at)) return true
    visited.add(at)
    const target = yield* readlink(session, at)
    if (target === undefined) return false
    at = target.startsWith("/") ? target : `${parentOf(at)}/${target}`
  }
  return true
})

/** Why a path leads nowhere. */
export const missing =
  (path: string, options: { readonly follow: boolean; readonly asDirectory?: boolean }): Look =>
  (session) =>
    Effect.gen(function* () {
      const ways = waysTo(path)
      const { found, last, on } = yield* Effect.all(
        {
          on: Effect.forEach(ways, (way) => stat(session, way), { concurrency: "unbounded" }),
          found: lstat(session, path),
          last: stat(session, path)
        },
        { concurrency: "unbounded" }
      )
      for (const [index, way] of ways.entries()) {
        const attributes = on[index]
        if (attributes === undefined) return (yield* isCircle(session, way)) ? "ELOOP" : "ENOENT"
        if (!isDirectory(attributes)) return "ENOTDIR"
      }
      if (found === undefined) return "ENOENT"
      if (last === undefined) return options.follow && (yield* isCircle(session, path)) ? "ELOOP" : "ENOENT"
      return options.asDirectory === true && !isDirectory(options.follow ? last : found) ? "ENOTDIR" : undefined
    })

/** The first cause that one of the looks sees. */
export const first =
  (...looks: ReadonlyArray<Look>): Look =>
  (session) =>
    Effect.gen(function* () {
      for (const look of looks) {
        const code = yield* look(session)
        if (code !== undefined) return code
      }
      return undefined
    })

export const exists =
  (path: string): Look =>
  (session) =>
    Effect.map(lstat(session, path), (found) => (found === undefined ? undefined : "EEXIST"))

export const directory =
  (path: string): Look =>
  (session) =>
    Effect.map(stat(session, path), (found) => (isDirectory(found) ? "EISDIR" : undefined))

/** A directory itself, not a link to one. */
export const directoryItself =
  (path: string): Look =>
  (session) =>
    Effect.map(lstat(session, path), (found) => (isDirectory(found) ? "EISDIR" : undefined))

export const openDirectory =
  (handle: Uint8Array): Look =>
  (session) =>
    Effect.map(seen(session.request(Packet.fstat(handle), Session.attributes)), (found) =>
      isDirectory(found) ? "EISDIR" : undefined
    )

export const full =
  (path: string): Look =>
  (session) =>
    Volume.trouble(session, path)

export const parentFull = (path: string): Look => full(parentOf(path))

export const occupied =
  (path: string): Look =>
  (session) =>
    Effect.gen(function* () {
      const handle = yield* seen(session.request(Packet.opendir(path), Session.handle))
      if (handle === undefined) return undefined
      const entries = yield* seen(session.request(Packet.readdir(handle), Session.entries))
      session.tell(Packet.close(handle))
      return entries?.some(({ name }) => name !== "." && name !== "..") === true ? "ENOTEMPTY" : undefined
    })

/** Why one path can't take another's place. */
export const replaced =
  (from: string, to: string): Look =>
  (session) =>
    Effect.gen(function* () {
      const [source, target] = yield* Effect.all([lstat(session, from), lstat(session, to)], {
        concurrency: "unbounded"
      })
      if (target === undefined) return undefined
      if (isDirectory(target)) return isDirectory(source) ? yield* occupied(to)(session) : "EISDIR"
      return isDirectory(source) ? "ENOTDIR" : undefined
    })
