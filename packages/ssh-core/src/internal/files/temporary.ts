/** Folders and files with names that nobody else has. */
import { Effect } from "effect"
import { randomBytes } from "node:crypto"
import type { Sftp } from "../../Sftp.ts"
import type * as SshError from "../../SshError.ts"
import { join } from "./tree.ts"

export interface Options {
  readonly directory?: string | undefined
  readonly prefix?: string | undefined
  readonly suffix?: string | undefined
}

const folder = "/tmp"

/** As long as those of mkdtemp(3). */
const randomName = Effect.sync(() => randomBytes(6).toString("base64url").replace(/[-_]/g, "0").slice(0, 6))

const tries = 16

export const makeDirectory = Effect.fnUntraced(function* (
  sftp: Sftp,
  { directory, prefix = "" }: Options
): Effect.fn.Return<string, SshError.SshError> {
  const within = (parent: string) =>
    Effect.gen(function* () {
      const path = join(parent, `${prefix}${yield* randomName}`)
      yield* sftp.makeDirectory(path, 0o700)
      return path
    }).pipe(Effect.retry({ while: ({ code }) => code === "EEXIST", times: tries }))
  if (directory !== undefined) return yield* within(directory)
  // In a changed root there may be none.
  return yield* within(folder).pipe(Effect.catch(() => Effect.flatMap(sftp.realPath("."), within)))
})

export const makeFile = Effect.fnUntraced(function* (
  sftp: Sftp,
  options: Options
): Effect.fn.Return<string, SshError.SshError> {
  const path = join(yield* makeDirectory(sftp, options), `${yield* randomName}${options.suffix ?? ""}`)
  sftp.release(yield* sftp.open(path, { write: true, create: true, exclusive: true }))
  return path
})

export const folderOf = (path: string): string => path.slice(0, path.lastIndexOf("/"))
