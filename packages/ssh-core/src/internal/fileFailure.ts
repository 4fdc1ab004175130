import type { PlatformError } from "effect"
import { Predicate } from "effect"
import * as SshError from "../SshError.ts"

/** What went wrong with a local file, in this package's own terms; `path` is the one that the user knows. */
export const fileFailure =
  (path: string) =>
  (error: PlatformError.PlatformError): SshError.SshError => {
    const code =
      Predicate.hasProperty(error.reason.cause, "code") && typeof error.reason.cause.code === "string"
        ? error.reason.cause.code
        : error.reason.message
    switch (error.reason._tag) {
      case "NotFound":
        return SshError.make(new SshError.NotFound({ path }))
      case "PermissionDenied":
        return SshError.make(new SshError.PermissionDenied({ path, detail: code }))
      default:
        return code === "EROFS"
          ? SshError.make(new SshError.PermissionDenied({ path, detail: code }))
          : SshError.make(new SshError.FileFailed({ path, detail: code }))
    }
  }
