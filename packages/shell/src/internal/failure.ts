/** How a script says what went wrong: by its exit code, which Node's own error codes stand for. */
import { Data, PlatformError } from "effect"
import type { SystemErrorTag } from "effect/PlatformError"

/**
 * One line a code: what the C library writes for it (glibc, musl and the BSDs), and what shells write in their own words.
 * Only the end of a message is compared, so that no file name can pass for one.
 */
const table: ReadonlyArray<readonly [exit: number, code: string, tag: SystemErrorTag, words: ReadonlyArray<string>]> = [
  [
    80,
    "ENOENT",
    "NotFound",
    ["No such file or directory", ": No such file", ": no such file", "Directory nonexistent", "nonexistent directory"]
  ],
  [81, "EEXIST", "AlreadyExists", ["File exists", "annot overwrite existing file"]],
  [82, "EACCES", "PermissionDenied", ["Permission denied"]],
  [83, "EPERM", "PermissionDenied", ["Operation not permitted"]],
  [84, "ENOTDIR", "BadResource", ["Not a directory", "Path has non-directory component"]],
  [85, "EISDIR", "BadResource", ["Is a directory", "is a directory"]],
  [86, "ELOOP", "BadResource", ["Too many levels of symbolic links", "Symbolic link loop"]],
  [87, "EBUSY", "Busy", ["Device or resource busy", "Resource busy"]],
  [88, "ENOTEMPTY", "Unknown", ["Directory not empty"]],
  [89, "ENOSPC", "Unknown", ["No space left on device"]],
  [90, "EDQUOT", "Unknown", ["Disk quota exceeded", "Disc quota exceeded", "Quota exceeded"]],
  [91, "EROFS", "Unknown", ["Read-only file system"]],
  [92, "EXDEV", "Unknown", ["Invalid cross-device link", "Cross-device link"]],
  [93, "ENAMETOOLONG", "Unknown", ["File name too long", "Filename too long"]],
  [94, "EINVAL", "Unknown", ["Invalid argument"]],
  [95, "EFBIG", "Unknown", ["File too large"]],
  [96, "ESTALE", "Unknown", []],
  [97, "EBADMSG", "InvalidData", []],
  [98, "ENOSYS", "Unknown", [": not found", "command not found"]]
]

/** The exit code for an error code of {@link table}. */
export const exitOf = (code: string): number => table.find(([, name]) => name === code)?.[0] ?? 99

/** The arms of a shell's `case` that turn the words in `$e` into the exit code `$x`. */
export const caseArms: string = table
  .filter(([, , , words]) => words.length > 0)
  .map(([exit, , , words]) => `${words.map((text) => `*"${text}"`).join("|")}) x=${exit};;`)
  .join("\n")

const meaning: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EEXIST: "file already exists",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  ENOTDIR: "not a directory",
  EISDIR: "it is a directory",
  ELOOP: "too many symbolic links",
  EBUSY: "resource busy",
  ENOTEMPTY: "directory not empty",
  ENOSPC: "no space left on the device",
  EDQUOT: "disk quota exceeded",
  EROFS: "read-only file system",
  EXDEV: "it would cross file systems",
  ENAMETOOLONG: "name too long",
  EINVAL: "invalid argument",
  EFBIG: "file too large",
  ESTALE: "the file was replaced or removed since it was opened",
  EBADMSG: "the bytes that arrived are not those that were sent; nothing was put in place",
  ENOSYS: "the machine lacks a program that this takes",
  EBADF: "the file is not open for this"
}

/** What the script said: the `cause` of a `SystemError`, with `code` as Node's own errors have it. */
export class ShellFailure extends Data.TaggedError("ShellFailure")<{
  readonly code: string
  /** The script's own words. */
  readonly stderr: string
}> {
  override get message(): string {
    return this.stderr === "" ? this.code : `${this.code}: ${this.stderr}`
  }
}

/** A `PlatformError` for a code, as Node's `FileSystem` has it. */
export const failure = (
  code: string,
  at: { readonly method: string; readonly path: string; readonly stderr?: string }
): PlatformError.PlatformError =>
  PlatformError.systemError({
    _tag: table.find(([, name]) => name === code)?.[2] ?? "Unknown",
    module: "FileSystem",
    method: at.method,
    pathOrDescriptor: at.path,
    description: meaning[code] ?? at.stderr ?? code,
    cause: new ShellFailure({ code, stderr: at.stderr ?? "" })
  })

/** What an exit code other than 0 says. */
export const fromExit = (
  exit: number,
  at: { readonly method: string; readonly path: string; readonly stderr: string }
): PlatformError.PlatformError => {
  const code = table.find(([number]) => number === exit)?.[1]
  if (code !== undefined) return failure(code, at)
  return failure("UNKNOWN", { ...at, stderr: at.stderr === "" ? `the shell exited with ${exit}` : at.stderr })
}

export const badArgument = (method: string, description: string): PlatformError.PlatformError =>
  PlatformError.badArgument({ module: "FileSystem", method, description })

/** What can be said of a process and of a file alike; a shell that is not found is no file that is not found. */
const ofBoth: ReadonlySet<string> = new Set(["Busy", "TimedOut", "UnexpectedEof", "WouldBlock", "WriteZero"])

/** A spawner's failure, about the file instead of the script, with what the spawner knows of the cause. */
export const ofSpawner = (
  error: PlatformError.PlatformError,
  at: { readonly method: string; readonly path: string }
): PlatformError.PlatformError => {
  const { reason } = error
  const cause = reason.cause ?? error
  const words = reason.description ?? (cause instanceof Error ? cause.message : "it could not be run")
  return PlatformError.systemError({
    _tag: reason._tag !== "BadArgument" && ofBoth.has(reason._tag) ? reason._tag : "Unknown",
    module: "FileSystem",
    method: at.method,
    pathOrDescriptor: at.path,
    description: `the machine's shell: ${words}`,
    cause
  })
}
