/** Opening files by path and flag, as open(2) has them. */
import { Effect, type FileSystem, type Scope } from "effect"
import type { Handle, OpenOptions } from "../../Sftp.ts"
import type * as SshError from "../../SshError.ts"
import { kindOf } from "../sftp/attributes.ts"
import { failed } from "../sftp/cause.ts"
import type { Open } from "./readAhead.ts"
import type { Session } from "./sessionRef.ts"

const byFlag: Readonly<Record<FileSystem.OpenFlag, OpenOptions>> = {
  r: { read: true },
  "r+": { read: true, write: true },
  w: { write: true, create: true, truncate: true },
  "w+": { read: true, write: true, create: true, truncate: true },
  wx: { write: true, create: true, exclusive: true },
  "wx+": { read: true, write: true, create: true, exclusive: true },
  a: { write: true, create: true, append: true },
  "a+": { read: true, write: true, create: true, append: true },
  ax: { write: true, create: true, append: true, exclusive: true },
  "ax+": { read: true, write: true, create: true, append: true, exclusive: true }
}

export interface Request {
  readonly flag?: FileSystem.OpenFlag | undefined
  readonly mode?: number | undefined
  readonly noFollow?: boolean | undefined
}

export const allowed = (flag: FileSystem.OpenFlag = "r"): OpenOptions => byFlag[flag]

export const open = (
  { sftp }: Session,
  path: string,
  { flag, mode, noFollow }: Request
): Effect.Effect<Handle, SshError.SshError> => {
  const options = byFlag[flag ?? "r"]
  const opened = sftp.open(path, { ...options, mode })
  // A new file takes the place of no link.
  return noFollow !== true || options.exclusive === true
    ? opened
    : Effect.gen(function* () {
        const noLink = Effect.flatMap(Effect.result(sftp.lstat(path)), (found) =>
          found._tag === "Success" && kindOf(found.success) === "SymbolicLink"
            ? Effect.fail(failed(path, "ELOOP", "it is a symbolic link"))
            : Effect.void
        )
        yield* noLink
        const handle = yield* opened
        yield* noLink.pipe(Effect.onError(() => Effect.sync(() => sftp.release(handle))))
        return handle
      })
}

/** A file that is only read: nobody need wait until it is closed. */
export const forReading = (session: Session, path: string): Effect.Effect<Open, SshError.SshError, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(open(session, path, {}), (handle) => Effect.sync(() => session.sftp.release(handle)), {
      interruptible: true
    }),
    (handle) => ({ session, handle })
  )
