/** This package's errors as the `FileSystem` service has them, with the tags of Node's own. */
import { Effect, PlatformError } from "effect"
import * as SshError from "../../SshError.ts"

const tags: Readonly<Record<string, PlatformError.SystemErrorTag>> = {
  ENOENT: "NotFound",
  EACCES: "PermissionDenied",
  EEXIST: "AlreadyExists",
  EISDIR: "BadResource",
  ENOTDIR: "BadResource",
  ELOOP: "BadResource",
  EBUSY: "Busy"
}

/** The typed error stays within as the `cause`. */
export const platformError =
  (method: string, path: string) =>
  (error: SshError.SshError): PlatformError.PlatformError =>
    error.reason._tag === "InvalidArgument"
      ? PlatformError.badArgument({ module: "FileSystem", method, description: error.message, cause: error })
      : PlatformError.systemError({
          _tag: tags[error.code ?? ""] ?? "Unknown",
          module: "FileSystem",
          method,
          pathOrDescriptor: path,
          description: error.message,
          cause: error
        })

/** Gives an effect's errors the name of the method that they come from. */
export const within =
  (method: string, path: string) =>
  <A, R>(effect: Effect.Effect<A, SshError.SshError, R>): Effect.Effect<A, PlatformError.PlatformError, R> =>
    Effect.mapError(effect, platformError(method, path))

export const invalid = (argument: string, detail: string): SshError.SshError =>
  SshError.make(new SshError.InvalidArgument({ argument, detail }))

/** A failure that has no name in errno(3), or not the one that Node would give it. */
export const unable = (path: string, detail: string): SshError.SshError =>
  SshError.make(new SshError.FileFailed({ path, detail }))
