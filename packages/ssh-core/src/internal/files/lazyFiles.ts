/** A file system that is chosen when it is first used. */
import { Effect, FileSystem, Sink, Stream } from "effect"
import type * as SshError from "../../SshError.ts"
import { platformError } from "./failure.ts"

/** A choice that fails is made anew by the next call. */
export const make = (choose: Effect.Effect<FileSystem.FileSystem, SshError.SshError>): FileSystem.FileSystem => {
  let chosen: FileSystem.FileSystem | undefined
  const files = Effect.suspend(() =>
    chosen === undefined ? Effect.tap(choose, (made) => Effect.sync(() => (chosen = made))) : Effect.succeed(chosen)
  )
  const on = (method: string, path: string) => Effect.mapError(files, platformError(method, path))
  const temporary = (method: string, options: { readonly directory?: string | undefined } | undefined) =>
    on(method, options?.directory ?? "")

  const impl = FileSystem.make({
    access: (path, options) => Effect.flatMap(on("access", path), (fs) => fs.access(path, options)),
    chmod: (path, mode) => Effect.flatMap(on("chmod", path), (fs) => fs.chmod(path, mode)),
    chown: (path, uid, gid) => Effect.flatMap(on("chown", path), (fs) => fs.chown(path, uid, gid)),
    copy: (from, to, options) => Effect.flatMap(on("copy", from), (fs) => fs.copy(from, to, options)),
    copyFile: (from, to) => Effect.flatMap(on("copyFile", from), (fs) => fs.copyFile(from, to)),
    link: (from, to) => Effect.flatMap(on("link", from), (fs) => fs.link(from, to)),
    lstat: (path) => Effect.flatMap(on("lstat", path), (fs) => fs.lstat(path)),
    makeDirectory: (path, options) =>
      Effect.flatMap(on("makeDirectory", path), (fs) => fs.makeDirectory(path, options)),
    makeTempDirectory: (options) =>
      Effect.flatMap(temporary("makeTempDirectory", options), (fs) => fs.makeTempDirectory(options)),
    makeTempDirectoryScoped: (options) =>
      Effect.flatMap(temporary("makeTempDirectoryScoped", options), (fs) => fs.makeTempDirectoryScoped(options)),
    makeTempFile: (options) => Effect.flatMap(temporary("makeTempFile", options), (fs) => fs.makeTempFile(options)),
    makeTempFileScoped: (options) =>
      Effect.flatMap(temporary("makeTempFileScoped", options), (fs) => fs.makeTempFileScoped(options)),
    open: (path, options) => Effect.flatMap(on("open", path), (fs) => fs.open(path, options)),
    readDirectory: (path, options) =>
      Effect.flatMap(on("readDirectory", path), (fs) => fs.readDirectory(path, options)),
    readDirectoryEntries: (path) =>
      Effect.flatMap(on("readDirectoryEntries", path), (fs) => fs.readDirectoryEntries(path)),
    readFile: (path) => Effect.flatMap(on("readFile", path), (fs) => fs.readFile(path)),
    readLink: (path) => Effect.flatMap(on("readLink", path), (fs) => fs.readLink(path)),
    realPath: (path) => Effect.flatMap(on("realPath", path), (fs) => fs.realPath(path)),
    remove: (path, options) => Effect.flatMap(on("remove", path), (fs) => fs.remove(path, options)),
    rename: (from, to) => Effect.flatMap(on("rename", from), (fs) => fs.rename(from, to)),
    stat: (path) => Effect.flatMap(on("stat", path), (fs) => fs.stat(path)),
    symlink: (target, path) => Effect.flatMap(on("symlink", target), (fs) => fs.symlink(target, path)),
    truncate: (path, length) => Effect.flatMap(on("truncate", path), (fs) => fs.truncate(path, length)),
    utimes: (path, atime, mtime) => Effect.flatMap(on("utimes", path), (fs) => fs.utimes(path, atime, mtime)),
    watch: (path, options) => Stream.unwrap(Effect.map(on("watch", path), (fs) => fs.watch(path, options))),
    writeFile: (path, data, options) => Effect.flatMap(on("writeFile", path), (fs) => fs.writeFile(path, data, options))
  })
  return {
    ...impl,
    stream: (path, options) => Stream.unwrap(Effect.map(on("stream", path), (fs) => fs.stream(path, options))),
    sink: (path, options) => Sink.unwrap(Effect.map(on("sink", path), (fs) => fs.sink(path, options)))
  }
}
