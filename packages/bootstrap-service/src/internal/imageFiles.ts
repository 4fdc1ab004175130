/** The files of an image, whose links mean what they would on a machine that has it as its root. */
import { Effect, FileSystem, Option, type PlatformError, Stream } from "effect"

type Failure = PlatformError.PlatformError

/** No file that says how a system is set up is longer. */
const maxBytes = 256 * 1024

const maxLinks = 40

/** What a look came to where it found nothing: it isn't there, or may not be looked at. */
export type Absent = "none" | "unreadable"

const absentOr = (error: Failure): Effect.Effect<Absent, Failure> => {
  switch (error.reason._tag) {
    case "NotFound":
    case "BadResource":
      return Effect.succeed("none")
    case "PermissionDenied":
      return Effect.succeed("unreadable")
    default:
      return Effect.fail(error)
  }
}

export class ImageFiles {
  private readonly fs: FileSystem.FileSystem
  private readonly root: string

  private constructor(fs: FileSystem.FileSystem, root: string) {
    this.fs = fs
    this.root = root
  }

  static make(root: string): Effect.Effect<ImageFiles, Failure, FileSystem.FileSystem> {
    return Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const bare = root.replace(/[\\/]+$/, "")
      yield* fs.readDirectory(bare === "" ? "/" : bare)
      return new ImageFiles(fs, bare)
    })
  }

  /** The path on this side of a path in the image; none where links lead round and round. The machine's own root needs no help with its links. */
  private resolve(path: string): Effect.Effect<string | undefined> {
    if (this.root === "") return Effect.succeed(path)
    const { fs, root } = this
    return Effect.gen(function* () {
      const rest = path.split("/").filter((part) => part !== "")
      let done: ReadonlyArray<string> = []
      for (let links = 0; ;) {
        const part = rest.shift()
        if (part === undefined) return [root, ...done].join("/")
        if (part === ".") continue
        if (part === "..") {
          done = done.slice(0, -1)
          continue
        }
        const here = [root, ...done, part].join("/")
        // What is no link can't be read as one.
        const target = yield* Effect.orElseSucceed(fs.readLink(here), () => undefined)
        if (target === undefined) {
          done = [...done, part]
          continue
        }
        if (++links > maxLinks) return undefined
        if (target.startsWith("/")) done = []
        rest.unshift(...target.split("/").filter((name) => name !== ""))
      }
    })
  }

  private at<A>(path: string, use: (path: string) => Effect.Effect<A, Failure>): Effect.Effect<A | Absent, Failure> {
    return Effect.gen({ self: this }, function* () {
      const found = yield* this.resolve(path)
      if (found === undefined) return "none" as const
      return yield* use(found).pipe(Effect.catch(absentOr))
    })
  }

  /** The text of a file, as much as a file of settings has. */
  text(path: string): Effect.Effect<{ readonly text: string } | Absent, Failure> {
    return this.at(path, (found) =>
      Stream.runFold(
        Stream.decodeText(this.fs.stream(found, { bytesToRead: maxBytes })),
        () => "",
        (whole, part) => whole + part
      ).pipe(Effect.map((text) => ({ text })))
    )
  }

  /** The names in a folder. */
  names(path: string): Effect.Effect<ReadonlyArray<string> | Absent, Failure> {
    return this.at(path, (found) => this.fs.readDirectory(found))
  }

  /** What is at a path: `program` for a file that may be run. */
  kind(path: string): Effect.Effect<"folder" | "program" | "file" | Absent, Failure> {
    return this.at(path, (found) =>
      Effect.map(this.fs.stat(found), ({ mode, type }) =>
        type === "Directory" ? "folder" : type === "File" && (mode & 0o111) !== 0 ? "program" : "file"
      )
    )
  }

  /** The first of the folders in which there is a program of this name, with the name. */
  program(name: string, folders: ReadonlyArray<string>): Effect.Effect<Option.Option<string>, Failure> {
    return Effect.gen({ self: this }, function* () {
      for (const folder of folders) {
        if ((yield* this.kind(`${folder}/${name}`)) === "program") return Option.some(`${folder}/${name}`)
      }
      return Option.none()
    })
  }
}
