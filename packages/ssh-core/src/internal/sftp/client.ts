/** The requests of a session as {@link Sftp} has them: paths checked before, causes found out after. */
import { Clock, Deferred, Effect } from "effect"
import type { Handle, Limits, OpenOptions, Sftp } from "../../Sftp.ts"
import * as SshError from "../../SshError.ts"
import { kindOf } from "./attributes.ts"
import * as Cause from "./cause.ts"
import * as Packet from "./packet.ts"
import * as Session from "./session.ts"
import * as Volume from "./volume.ts"
import { Reader } from "./wire.ts"

/** Every server must take this much (draft-ietf-secsh-filexfer-02, section 3). */
const everyServer: Limits = { readBytes: 32_768, writeBytes: 32_768 }

/** More than this in one request gains nothing, and each holds the others up. */
const mostUseful = 255 * 1024

/** Requests for parts of a directory that are under way at once: the first few end most directories. */
const firstListings = 2
const mostListings = 32

const invalidPath = (path: string): SshError.SshError | undefined =>
  path.includes("\0")
    ? SshError.make(
        new SshError.InvalidArgument({ argument: "The path", detail: "no path of a POSIX system can hold a NUL byte" })
      )
    : undefined

const flagsOf = ({ append, create, exclusive, read, truncate, write }: OpenOptions): number => {
  const { openFlags } = Packet
  return (
    (read === true ? openFlags.read : 0) |
    (write === true ? openFlags.write : 0) |
    (append === true ? openFlags.append : 0) |
    (create === true ? openFlags.create : 0) |
    (truncate === true ? openFlags.truncate : 0) |
    (exclusive === true ? openFlags.exclusive : 0)
  )
}

const reads = (name: string, path: string, looks: Pick<Cause.Operation, "missing" | "failure"> = {}) => ({
  name,
  path,
  changes: false,
  ...looks
})
const changes = (name: string, path: string, looks: Pick<Cause.Operation, "missing" | "failure"> = {}) => ({
  name,
  path,
  changes: true,
  ...looks
})
const unsupported = (path: string) => Effect.fail(Cause.failed(path, "ENOSYS"))
/** A handle that the server no longer has. */
const closedHandle = { missing: () => Effect.succeed("EBADF" as const) }

export const make = Effect.fnUntraced(function* (
  session: Session.Session,
  extensions: ReadonlyMap<string, string>,
  wanted: Effect.Effect<void>
): Effect.fn.Return<Sftp> {
  /** One request, its failure explained. */
  const ask = <A>(
    operation: Cause.Operation,
    request: Packet.Request,
    accept: Session.Accept<A>,
    late?: (value: A) => void
  ): Effect.Effect<A, SshError.SshError> =>
    Effect.suspend(() => {
      const invalid = invalidPath(operation.path)
      return invalid === undefined
        ? session
            .request(request, accept, late)
            .pipe(Effect.catch((answer) => Effect.flatMap(Cause.explain(session, operation, answer), Effect.fail)))
        : Effect.fail(invalid)
    })

  const asked = yield* Clock.monotonicTimeNanos
  const limits = yield* extensions.has("limits@openssh.com")
    ? session.request(Packet.limits, Session.extended).pipe(
        Effect.map((reader): Limits => {
          reader.uint64() // the longest packet
          const readBytes = Number(reader.uint64())
          const writeBytes = Number(reader.uint64())
          return reader.isWhole && readBytes >= 1024 && writeBytes >= 1024
            ? { readBytes: Math.min(readBytes, mostUseful), writeBytes: Math.min(writeBytes, mostUseful) }
            : everyServer
        }),
        Effect.orElseSucceed(() => everyServer)
      )
    : Effect.as(Effect.exit(session.request(Packet.realpath("."), Session.name)), everyServer)
  const roundTripMs = Number((yield* Clock.monotonicTimeNanos) - asked) / 1e6

  const open = (path: string, options: OpenOptions): Effect.Effect<Handle, SshError.SshError> => {
    const writes = options.write === true
    const looks: ReadonlyArray<Cause.Look> = [
      ...(options.exclusive === true ? [Cause.exists(path)] : []),
      ...(writes ? [Cause.directory(path), Cause.full(path), Cause.parentFull(path)] : [])
    ]
    const operation: Cause.Operation = {
      name: "open",
      path,
      changes: options.create === true || options.truncate === true,
      missing: Cause.missing(path, { follow: true }),
      failure: Cause.first(...looks)
    }
    const request = Packet.open(path, flagsOf(options), options.mode === undefined ? {} : { mode: options.mode })
    return Effect.map(
      ask(operation, request, Session.handle, (bytes) => session.tell(Packet.close(bytes))),
      (bytes) => ({ path, bytes })
    )
  }

  const listing = Effect.fnUntraced(function* (handle: Handle) {
    const all: Array<Packet.Entry> = []
    const part = ask(reads("readdir", handle.path), Packet.readdir(handle.bytes), Session.entries)
    for (let count = firstListings; ; count = Math.min(count * 2, mostListings)) {
      const parts = yield* Effect.forEach(Array.from({ length: count }), () => part, { concurrency: "unbounded" })
      for (const entries of parts) if (entries !== undefined) all.push(...entries)
      if (parts.includes(undefined)) return all
    }
  })

  const opendir = (path: string) =>
    Effect.map(
      ask(
        reads("opendir", path, { missing: Cause.missing(path, { follow: true, asDirectory: true }) }),
        Packet.opendir(path),
        Session.handle,
        (bytes) => session.tell(Packet.close(bytes))
      ),
      (bytes): Handle => ({ path, bytes })
    )

  const sftp: Sftp = {
    extensions,
    limits,
    roundTripMs,
    isOpen: () => session.isOpen,
    closed: Deferred.await(session.ended),
    wanted,

    open,
    close: ({ bytes, path }) => ask(changes("close", path, closedHandle), Packet.close(bytes), Session.done),
    release: ({ bytes }) => session.tell(Packet.close(bytes)),
    read: ({ bytes, path }, position, length) =>
      ask(
        reads("read", path, { ...closedHandle, failure: Cause.openDirectory(bytes) }),
        Packet.read(bytes, position, length),
        Session.data
      ),
    write: ({ bytes, path }, position, data) =>
      ask(
        changes("write", path, { ...closedHandle, failure: Cause.full(path) }),
        Packet.write(bytes, position, data),
        Session.done
      ),
    fstat: ({ bytes, path }) => ask(reads("fstat", path, closedHandle), Packet.fstat(bytes), Session.attributes),
    fsetstat: ({ bytes, path }, attributes) =>
      ask(
        changes("fsetstat", path, { ...closedHandle, failure: Cause.full(path) }),
        Packet.fsetstat(bytes, attributes),
        Session.done
      ),
    sync: ({ bytes, path }) =>
      extensions.has("fsync@openssh.com")
        ? ask(changes("fsync", path, { ...closedHandle, failure: Cause.full(path) }), Packet.fsync(bytes), Session.done)
        : unsupported(path),
    copyData: (from, to) =>
      extensions.has("copy-data")
        ? ask(
            changes("copy-data", to.handle.path, { ...closedHandle, failure: Cause.full(to.handle.path) }),
            Packet.copyData({ ...from, handle: from.handle.bytes }, { ...to, handle: to.handle.bytes }),
            Session.done
          )
        : unsupported(to.handle.path),

    stat: (path) =>
      ask(
        reads("stat", path, { missing: Cause.missing(path, { follow: true }) }),
        Packet.stat(path),
        Session.attributes
      ),
    lstat: (path) =>
      ask(
        reads("lstat", path, { missing: Cause.missing(path, { follow: false }) }),
        Packet.lstat(path),
        Session.attributes
      ),
    setstat: (path, attributes) =>
      ask(
        changes("setstat", path, {
          missing: Cause.missing(path, { follow: true }),
          failure: Cause.first(...(attributes.size === undefined ? [] : [Cause.directory(path)]), Cause.full(path))
        }),
        Packet.setstat(path, attributes),
        Session.done
      ),
    lsetstat: (path, attributes) =>
      extensions.has("lsetstat@openssh.com")
        ? ask(
            changes("lsetstat", path, { missing: Cause.missing(path, { follow: false }) }),
            Packet.lsetstat(path, attributes),
            Session.done
          )
        : unsupported(path),
    readDirectory: (path) =>
      Effect.flatMap(
        Effect.acquireUseRelease(opendir(path), listing, ({ bytes }) =>
          Effect.sync(() => session.tell(Packet.close(bytes)))
        ),
        (entries) => {
          const named = entries.filter(({ name }) => name !== "." && name !== "..")
          // Joined to a path such a name would lead out of the folder.
          return named.some(({ name }) => name === "" || /[/\0]/.test(name))
            ? Effect.fail(Cause.failed(path, "EINVAL", "the server lists a name in it that can be none"))
            : Effect.succeed(named.map((entry) => ({ ...entry, type: kindOf(entry.attributes) })))
        }
      ),
    makeDirectory: (path, mode) =>
      ask(
        changes("mkdir", path, {
          missing: Cause.missing(path, { follow: false }),
          failure: Cause.first(Cause.exists(path), Cause.parentFull(path))
        }),
        Packet.mkdir(path, mode === undefined ? {} : { mode }),
        Session.done
      ),
    removeDirectory: (path) =>
      ask(
        changes("rmdir", path, {
          missing: Cause.missing(path, { follow: false, asDirectory: true }),
          failure: Cause.first(Cause.occupied(path), Cause.parentFull(path))
        }),
        Packet.rmdir(path),
        Session.done
      ),
    remove: (path) =>
      ask(
        changes("remove", path, {
          missing: Cause.missing(path, { follow: false }),
          failure: Cause.first(Cause.directoryItself(path), Cause.parentFull(path))
        }),
        Packet.remove(path),
        Session.done
      ),
    rename: (from, to) =>
      ask(
        changes("rename", from, {
          missing: Cause.first(
            (session) =>
              Effect.flatMap(Cause.lstat(session, from), (found) =>
                found === undefined
                  ? Cause.missing(from, { follow: false })(session)
                  : Cause.replaced(from, to)(session)
              ),
            Cause.missing(to, { follow: false })
          ),
          failure: Cause.first(
            Cause.replaced(from, to),
            ...(extensions.has("posix-rename@openssh.com") ? [] : [Cause.exists(to)]),
            Cause.parentFull(to)
          )
        }),
        extensions.has("posix-rename@openssh.com") ? Packet.posixRename(from, to) : Packet.rename(from, to),
        Session.done
      ),
    link: (from, to) =>
      extensions.has("hardlink@openssh.com")
        ? ask(
            changes("link", from, {
              missing: Cause.first(Cause.missing(from, { follow: false }), Cause.missing(to, { follow: false })),
              failure: Cause.first(Cause.exists(to), Cause.parentFull(to))
            }),
            Packet.hardlink(from, to),
            Session.done
          )
        : unsupported(from),
    symlink: (target, link) =>
      ask(
        changes("symlink", link, {
          missing: Cause.missing(link, { follow: false }),
          failure: Cause.first(Cause.exists(link), Cause.parentFull(link))
        }),
        Packet.symlink(target, link),
        Session.done
      ),
    readLink: (path) =>
      ask(
        reads("readlink", path, { missing: Cause.missing(path, { follow: false }) }),
        Packet.readlink(path),
        Session.name
      ),
    realPath: (path) => {
      const operation = reads("realpath", path, { missing: Cause.missing(path, { follow: true }) })
      // OpenSSH also resolves a path whose last name does not exist.
      return Effect.map(
        Effect.all(
          [ask(operation, Packet.realpath(path), Session.name), ask(operation, Packet.stat(path), Session.attributes)],
          { concurrency: "unbounded" }
        ),
        ([real]) => real
      )
    },
    names: (uids, gids) =>
      extensions.has("users-groups-by-id@openssh.com")
        ? Effect.map(
            ask(reads("users-groups-by-id", "/etc/passwd"), Packet.usersGroups(uids, gids), Session.extended),
            (reader) => ({ users: namesOf(uids, reader.string()), groups: namesOf(gids, reader.string()) })
          )
        : unsupported("/etc/passwd"),
    freeBytes: (path) =>
      Volume.freeBytes(session, path).pipe(
        Effect.filterOrElse(
          (bytes) => bytes !== undefined,
          () => unsupported(path)
        )
      )
  }
  return sftp
})

/** Names in the order of the ids; an empty one is unknown. */
const namesOf = (ids: ReadonlyArray<number>, list: Buffer): ReadonlyMap<number, string> => {
  const reader = new Reader(list)
  return new Map(ids.map((id) => [id, reader.text()] as const).filter(([, name]) => name !== ""))
}
