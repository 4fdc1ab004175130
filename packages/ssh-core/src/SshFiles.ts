/**
 * The files of a machine: the `FileSystem` service of Effect over SFTP, or by shell commands where the server has no SFTP.
 *
 * @since 0.1.0
 */
import * as PollingWatch from "@toehold/shell/PollingWatch"
import * as ShellFiles from "@toehold/shell/ShellFiles"
import {
  ByteSize,
  type Duration,
  Effect,
  FileSystem,
  Layer,
  type PlatformError,
  type Scope,
  Sink,
  Stream
} from "effect"
import { ChildProcessSpawner } from "effect/process"
import * as Access from "./internal/files/access.ts"
import * as Copy from "./internal/files/copy.ts"
import { invalid, platformError, within } from "./internal/files/failure.ts"
import { infoOf } from "./internal/files/info.ts"
import * as LazyFiles from "./internal/files/lazyFiles.ts"
import * as OpenFile from "./internal/files/openFile.ts"
import * as SessionRef from "./internal/files/sessionRef.ts"
import * as Temporary from "./internal/files/temporary.ts"
import * as Tree from "./internal/files/tree.ts"
import * as Watch from "./internal/files/watch.ts"
import * as Whole from "./internal/files/whole.ts"
import type { Sftp } from "./Sftp.ts"
import { SshClient } from "./SshClient.ts"
import * as SshError from "./SshError.ts"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Time between two looks of `watch`. Default: one second. */
  readonly watchInterval?: Duration.Input | undefined
}

/** Seconds as the protocol has them: whole ones, from 1970 to 2106. */
const seconds = (time: Date | number): Effect.Effect<number, SshError.SshError> => {
  const whole = Math.floor(typeof time === "number" ? time : time.getTime() / 1000)
  return whole >= 0 && whole <= 0xff_ff_ff_ff
    ? Effect.succeed(whole)
    : Effect.fail(invalid("The time", "SFTP has times from 1970 to 2106 only"))
}

const isLost = ({ reason: { cause } }: PlatformError.PlatformError): boolean =>
  cause instanceof SshError.SshError && cause.reason._tag === "ConnectionLost"

/** The service over the sessions of one connection. */
const overSftp = (
  sessions: SessionRef.SessionRef,
  spawner: ChildProcessSpawner.ChildProcessSpawner["Service"],
  watchInterval: Duration.Input
): FileSystem.FileSystem => {
  const use = <A>(
    method: string,
    path: string,
    call: (sftp: Sftp, session: SessionRef.Session) => Effect.Effect<A, SshError.SshError>
  ): Effect.Effect<A, PlatformError.PlatformError> =>
    Effect.scoped(Effect.flatMap(sessions.lease, (session) => call(session.sftp, session))).pipe(within(method, path))

  const temporary =
    (method: string, make: (sftp: Sftp, options: Temporary.Options) => Effect.Effect<string, SshError.SshError>) =>
    (options: Temporary.Options = {}) =>
      use(method, options.directory ?? "", (sftp) => make(sftp, options))

  const lent = (
    made: Effect.Effect<string, PlatformError.PlatformError>,
    folder: (path: string) => string
  ): Effect.Effect<string, PlatformError.PlatformError, Scope.Scope> =>
    Effect.acquireRelease(made, (path) =>
      use("remove", path, (sftp) => Tree.remove(sftp, folder(path), { recursive: true, force: true })).pipe(
        // Over a connection that is gone nothing can be removed; what ended it has its own report.
        Effect.catchIf(isLost, () => Effect.void),
        Effect.orDie
      )
    )

  const files = FileSystem.make({
    access: (path, options) => use("access", path, (sftp) => Access.access(sftp, spawner, path, options)),
    chmod: (path, mode) => use("chmod", path, (sftp) => sftp.setstat(path, { mode: mode & 0o7777 })),
    chown: (path, uid, gid) => use("chown", path, (sftp) => sftp.setstat(path, { uid, gid })),
    copy: (from, to, options) => use("copy", from, (_, session) => Copy.copy(session, from, to, options)),
    copyFile: (from, to) => use("copyFile", from, (_, session) => Copy.copyFile(session, from, to)),
    link: (from, to) => use("link", from, (sftp) => sftp.link(from, to)),
    lstat: (path) => use("lstat", path, (sftp) => Effect.map(sftp.lstat(path), infoOf)),
    makeDirectory: (path, options) => use("makeDirectory", path, (sftp) => Tree.makeDirectory(sftp, path, options)),
    makeTempDirectory: temporary("makeTempDirectory", Temporary.makeDirectory),
    makeTempDirectoryScoped: (options) =>
      lent(temporary("makeTempDirectoryScoped", Temporary.makeDirectory)(options), (path) => path),
    makeTempFile: temporary("makeTempFile", Temporary.makeFile),
    makeTempFileScoped: (options) =>
      lent(temporary("makeTempFileScoped", Temporary.makeFile)(options), Temporary.folderOf),
    open: (path, options = {}) =>
      Effect.flatMap(sessions.lease, (session) => OpenFile.open(session, path, options)).pipe(within("open", path)),
    readDirectory: (path, options) =>
      use("readDirectory", path, (sftp) =>
        options?.recursive === true
          ? Effect.map(Tree.levels(sftp, path), (levels) => levels.flat().map((found) => found.path))
          : Effect.map(sftp.readDirectory(path), (entries) => entries.map(({ name }) => name))
      ),
    readDirectoryEntries: (path) =>
      use("readDirectoryEntries", path, (sftp) =>
        Effect.map(sftp.readDirectory(path), (entries) => entries.map(Tree.entryOf))
      ),
    readFile: (path) => Whole.read(sessions, path).pipe(within("readFile", path)),
    readLink: (path) => use("readLink", path, (sftp) => sftp.readLink(path)),
    realPath: (path) => use("realPath", path, (sftp) => sftp.realPath(path)),
    remove: (path, options) => use("remove", path, (sftp) => Tree.remove(sftp, path, options)),
    rename: (from, to) => use("rename", from, (sftp) => sftp.rename(from, to)),
    stat: (path) => use("stat", path, (sftp) => Effect.map(sftp.stat(path), infoOf)),
    symlink: (target, path) => use("symlink", target, (sftp) => sftp.symlink(target, path)),
    truncate: (path, length = 0) =>
      use("truncate", path, (sftp) => sftp.setstat(path, { size: BigInt(Math.max(0, length)) })),
    utimes: (path, atime, mtime) =>
      use("utimes", path, (sftp) =>
        Effect.flatMap(Effect.all({ atime: seconds(atime), mtime: seconds(mtime) }), (times) =>
          sftp.setstat(path, times)
        )
      ),
    watch: (path, options = {}) => {
      const look = use("watch", path, (sftp) => Watch.snapshot(sftp, path, options.recursive === true))
      const there = use("watch", path, (sftp) => sftp.stat(path))
      const changes = PollingWatch.make({ snapshot: look, interval: watchInterval, onReady: options.onReady })
      return Stream.unwrap(Effect.as(there, changes))
    },
    writeFile: (path, data, options) =>
      Effect.scoped(
        Effect.gen(function* () {
          const writer = yield* Whole.writer(sessions, path, { flag: "w", ...options })
          yield* writer.push(data)
          yield* writer.finish
        })
      ).pipe(within("writeFile", path))
  })
  return {
    ...files,
    stream: (path, options) =>
      Effect.sync(() => {
        const from = options?.offset === undefined ? 0n : ByteSize.fromInputUnsafe(options.offset)
        const length = options?.bytesToRead === undefined ? undefined : ByteSize.fromInputUnsafe(options.bytesToRead)
        return Whole.stream(sessions, path, {
          from,
          to: length === undefined ? undefined : from + length,
          pieceBytes: options?.chunkSize ?? 64 * 1024
        })
      }).pipe(Stream.unwrap, Stream.mapError(platformError("stream", path))),
    sink: (path, options) =>
      Effect.map(Whole.writer(sessions, path, { ...options, flag: options?.flag ?? "w" }), (writer) =>
        Sink.forEachArray((pieces: ReadonlyArray<Uint8Array>) =>
          Effect.forEach(pieces, writer.push, { discard: true })
        ).pipe(Sink.mapEffect(() => writer.finish))
      ).pipe(Sink.unwrap, Sink.mapError(platformError("sink", path)))
  }
}

/**
 * The files of the connected machine. Nothing is opened before the first call; the SFTP session is then kept, given up when
 * a command needs the server's last session, and opened again when it has ended. Errors have the tags of Node's own
 * `FileSystem`, and an `SshError` as their `cause`: `NoSpace` where the disk is full, `ConnectionLost` with what is known of
 * the outcome where the connection ended.
 *
 * `stream` and `sink` keep many requests under way; where the round trip is long, `sink` and `writeFile` use several
 * sessions for one file. Where the server refuses SFTP, everything is done by `ShellFiles`.
 *
 * **Gotchas**
 *
 * Relative paths begin in the account's home folder. Times are whole seconds from 1970 to 2106, `stat` knows no inode, device
 * or number of links, and `watch` looks again at intervals and can't see a change within the second that leaves the size
 * as it was. `open` with `noFollow` looks for a link before and after it opens, which does not keep out somebody who
 * changes the path in between. `access` asks a shell about folders and devices, and where there is none goes by the mode.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* (
  options: Options = {}
): Effect.fn.Return<FileSystem.FileSystem, never, SshClient | ChildProcessSpawner.ChildProcessSpawner | Scope.Scope> {
  const { sftp } = yield* SshClient
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const watchInterval = options.watchInterval ?? "1 second"
  const sessions = yield* SessionRef.make(sftp)
  const byShell = ShellFiles.make({ watchInterval }).pipe(
    Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, spawner)
  )
  return LazyFiles.make(
    Effect.scoped(Effect.as(sessions.lease, overSftp(sessions, spawner, watchInterval))).pipe(
      Effect.catchIf(
        ({ reason }) => reason._tag === "ChannelRefused" && reason.request === "sftp" && !reason.busy,
        () => byShell
      )
    )
  )
})

/**
 * The files of the connected machine as a layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options?: Options
): Layer.Layer<FileSystem.FileSystem, never, SshClient | ChildProcessSpawner.ChildProcessSpawner> =>
  Layer.effect(FileSystem.FileSystem, make(options))
