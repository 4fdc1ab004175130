/**
 * A machine's files by shell commands: the whole `FileSystem` service on any process spawner, for servers without SFTP,
 * the system's `ssh` and serial consoles. Nothing is installed; a POSIX shell and the programs of POSIX are enough.
 *
 * @since 0.1.0
 */
import { type Duration, Effect, FileSystem, Layer, Stream } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import * as Entries from "./internal/entries.ts"
import * as Failure from "./internal/failure.ts"
import * as Streams from "./internal/fileStreams.ts"
import * as Holder from "./internal/holder.ts"
import * as OpenFile from "./internal/openFile.ts"
import { checksum } from "./internal/checksum.ts"
import * as Reading from "./internal/script/reading.ts"
import * as Tree from "./internal/script/tree.ts"
import * as Writing from "./internal/script/writing.ts"
import { argument, input, make as makeShell } from "./internal/shell.ts"
import * as PollingWatch from "./PollingWatch.ts"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** The shell that runs the scripts. Default: `/bin/sh`. */
  readonly shell?: string | undefined
  /** Time between two looks of `watch`. Default: one second. */
  readonly watchInterval?: Duration.Input | undefined
}

const octal = (mode: number | undefined): string => (mode === undefined ? "" : (mode & 0o7777).toString(8))

const flag = (value: boolean | undefined): string => (value === true ? "1" : "")

/** A name that nobody else has. */
const unique = Effect.sync(() => globalThis.crypto.randomUUID().replaceAll("-", ""))

/** A path without the slashes at its end, which make some programs follow a link. */
const bare = (path: string): string => argument(/^\/+$/.test(path) ? "/" : path.replace(/([^/])\/+$/, "$1"))

/**
 * The service. Errors have the tags of Node's own `FileSystem`, and their `cause` has Node's `code` (`ENOENT`, `ENOSPC`,
 * …) with what the machine said; those of the spawner pass through.
 *
 * `writeFile` compares what arrived with a checksum before it takes the place of what was there, in one step; `sink`
 * compares the length. `stream` and `sink` hold no more than a piece of the file.
 *
 * **Gotchas**
 *
 * While files are open, processes on the machine hold them, and each operation on one is another process: `stream` and
 * `sink` need one for the whole file. Where there is no `/proc`, it is its path, and an operation fails when that leads to another file
 * than before. `watch` looks again at intervals. Times are as fine as the machine's `touch` and `stat` have
 * them: whole seconds on BusyBox, minutes where there is no `stat`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* (
  options: Options = {}
): Effect.fn.Return<FileSystem.FileSystem, never, ChildProcessSpawner.ChildProcessSpawner> {
  const shell = yield* makeShell(options.shell ?? "/bin/sh")
  const { tools } = shell
  const holder = yield* Holder.make(shell)

  /** A script about a path, whose arguments are the path and what follows. */
  const run = (method: string, path: string, script: string, ...args: ReadonlyArray<string>) =>
    Effect.asVoid(shell.run({ method, path, script, args: [argument(path), ...args] }))

  const text = Effect.fnUntraced(function* (
    method: string,
    path: string,
    script: string,
    ...args: ReadonlyArray<string>
  ) {
    return Buffer.from(yield* shell.run({ method, path, script, args })).toString("utf8")
  })

  const info = (method: "stat" | "lstat", path: string) => Entries.info(shell, method, path)

  const open: FileSystem.FileSystem["open"] = Effect.fnUntraced(function* (path, given) {
    const access = Writing.accessOf(given?.flag ?? "r")
    const script = Writing.open(yield* tools, access)
    const args = [argument(path), octal(given?.mode), flag(given?.noFollow)]
    const held = yield* holder.open({ method: "open", path, script, args })
    return yield* OpenFile.make({ shell, path, access, ...held })
  })

  const writeFile: FileSystem.FileSystem["writeFile"] = Effect.fnUntraced(function* (path, data, given) {
    const access = Writing.accessOf(given?.flag ?? "w")
    if (!access.writes) return yield* Failure.failure("EBADF", { method: "writeFile", path })
    const known = yield* tools
    const args = [
      argument(path),
      octal(given?.mode),
      `.toehold-${yield* unique}`,
      checksum(known.checksum, data)
    ] as const
    const script = Writing.writeFile(known, access)
    yield* shell.run({ method: "writeFile", path, script, args, stdin: input(data) })
  })

  const makeTempDirectory = (method: string) =>
    Effect.fnUntraced(function* (given?: TemporaryOptions) {
      const name = `${given?.prefix ?? ""}${(yield* unique).slice(0, 10)}`
      const directory = given?.directory ?? ""
      return yield* text(method, directory === "" ? name : directory, Tree.makeTempDirectory, argument(directory), name)
    })

  const makeTempFile = (method: string) =>
    Effect.fnUntraced(function* (given?: TemporaryOptions) {
      const name = `${given?.prefix ?? ""}${(yield* unique).slice(0, 10)}`
      const file = `${(yield* unique).slice(0, 12)}${given?.suffix ?? ""}`
      const directory = given?.directory ?? ""
      const path = directory === "" ? name : directory
      return yield* text(method, path, Tree.makeTempFile, argument(directory), name, file)
    })

  const remove: FileSystem.FileSystem["remove"] = (path, given) =>
    run("remove", path, Tree.remove, flag(given?.recursive), flag(given?.force))

  /** What a scope made, it removes; on a machine that is gone by then, that is nobody's failure. */
  const removed = <E>(made: Effect.Effect<string, E>, at: (path: string) => string) =>
    Effect.acquireRelease(made, (path) =>
      Effect.ignore(remove(at(path), { recursive: true, force: true }), { log: "Debug" })
    )

  const utimes: FileSystem.FileSystem["utimes"] = Effect.fnUntraced(function* (path, atime, mtime) {
    const times = yield* Entries.touchTimes(atime, mtime)
    yield* run("utimes", path, Tree.utimes, ...times)
  })

  const service = FileSystem.make({
    access: (path, given) => run("access", path, Reading.access, flag(given?.readable), flag(given?.writable)),
    chmod: (path, mode) =>
      Number.isInteger(mode) && mode >= 0
        ? run("chmod", path, Tree.chmod, octal(mode).padStart(5, "0"))
        : Effect.fail(Failure.badArgument("chmod", "the mode is no non-negative integer")),
    chown: (path, uid, gid) =>
      Effect.flatMap(Entries.owner(uid, gid), (owner) => run("chown", path, Tree.chown, owner)),
    copy: (from, to, given) =>
      to === ""
        ? Effect.fail(Failure.failure("ENOENT", { method: "copy", path: to }))
        : shell
            .run({
              method: "copy",
              path: from,
              script: Tree.copy,
              args: [bare(from), bare(to), flag(given?.overwrite), given?.preserveTimestamps === true ? "-p" : ""]
            })
            .pipe(Effect.asVoid),
    copyFile: (from, to) => run("copyFile", from, Tree.copyFile, argument(to)),
    link: (from, to) => run("link", from, Tree.link, argument(to)),
    lstat: (path) => info("lstat", path),
    makeDirectory: (path, given) =>
      run("makeDirectory", path, Tree.makeDirectory, octal(given?.mode), flag(given?.recursive)),
    makeTempDirectory: makeTempDirectory("makeTempDirectory"),
    makeTempDirectoryScoped: (given) => removed(makeTempDirectory("makeTempDirectoryScoped")(given), (path) => path),
    makeTempFile: makeTempFile("makeTempFile"),
    makeTempFileScoped: (given) =>
      removed(makeTempFile("makeTempFileScoped")(given), (path) => path.slice(0, path.lastIndexOf("/"))),
    open,
    readDirectory: (path, given) =>
      Effect.map(Entries.list(shell, "readDirectory", path, given?.recursive === true), (entries) =>
        entries.map(({ name }) => name)
      ),
    readDirectoryEntries: (path) => Entries.list(shell, "readDirectoryEntries", path, false),
    readFile: (path) =>
      Effect.flatMap(tools, (known) =>
        shell.run({
          method: "readFile",
          path,
          script: Reading.read(known),
          args: [argument(path), "", "0", "0", ""]
        })
      ),
    readLink: (path) =>
      Effect.flatMap(tools, (known) => text("readLink", path, Reading.readLink(known), argument(path))),
    realPath: (path) =>
      Effect.flatMap(tools, (known) => text("realPath", path, Reading.realPath(known), argument(path))),
    remove,
    rename: (from, to) => run("rename", from, Tree.rename, argument(to)),
    stat: (path) => info("stat", path),
    symlink: (target, path) =>
      path === "" || target === ""
        ? Effect.fail(Failure.failure("ENOENT", { method: "symlink", path }))
        : Effect.asVoid(shell.run({ method: "symlink", path, script: Tree.symlink, args: [target, argument(path)] })),
    truncate: (path, length = 0) =>
      Number.isSafeInteger(length)
        ? Effect.flatMap(tools, (known) =>
            run("truncate", path, Writing.truncate(known), String(Math.max(0, length)), "")
          )
        : Effect.fail(Failure.badArgument("truncate", "the length is no integer")),
    utimes,
    watch: (path, given) =>
      PollingWatch.make({
        snapshot: Entries.snapshot(shell, path, given?.recursive === true),
        interval: options.watchInterval ?? "1 second",
        onReady: given?.onReady
      }),
    writeFile
  })
  return {
    ...service,
    stream: (path, given) => Stream.suspend(() => Streams.read(shell, path, given)),
    sink: (path, given) => Streams.write(shell, path, given)
  }
})

interface TemporaryOptions {
  readonly directory?: string | undefined
  readonly prefix?: string | undefined
  readonly suffix?: string | undefined
}

/**
 * The files of the machine that the context's `ChildProcessSpawner` runs programs on.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options = {}
): Layer.Layer<FileSystem.FileSystem, never, ChildProcessSpawner.ChildProcessSpawner> =>
  Layer.effect(FileSystem.FileSystem, make(options))
