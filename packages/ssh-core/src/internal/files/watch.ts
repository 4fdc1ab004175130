/** What `watch` compares: the entries of a folder, or one file. */
import * as PollingWatch from "@toehold/shell/PollingWatch"
import { Effect } from "effect"
import type { Attributes, Sftp } from "../../Sftp.ts"
import * as SshError from "../../SshError.ts"
import { kindOf } from "../sftp/attributes.ts"
import { levels } from "./tree.ts"

/** A folder's own times change with its entries, which are seen themselves. */
const markOf = (attributes: Attributes): string => {
  const { gid, mode, mtime, size, uid } = attributes
  const owner = [mode, uid, gid].join()
  return kindOf(attributes) === "Directory" ? owner : [owner, size, mtime].join()
}

/** An entry that goes while it is looked at has gone. */
const orNone = (effect: Effect.Effect<PollingWatch.Snapshot, SshError.SshError>) =>
  Effect.catchIf(
    effect,
    ({ reason }) => reason._tag === "NotFound",
    () => Effect.succeed<PollingWatch.Snapshot>(new Map())
  )

export const snapshot = (
  sftp: Sftp,
  path: string,
  recursive: boolean
): Effect.Effect<PollingWatch.Snapshot, SshError.SshError> =>
  orNone(
    Effect.gen(function* () {
      const attributes = yield* sftp.stat(path)
      if (kindOf(attributes) !== "Directory")
        return new Map([[path.slice(path.lastIndexOf("/") + 1), markOf(attributes)]])
      const entries = recursive
        ? (yield* levels(sftp, path)).flat()
        : (yield* sftp.readDirectory(path)).map((entry) => ({ ...entry, path: entry.name }))
      return new Map(entries.map((entry) => [entry.path, markOf(entry.attributes)]))
    })
  )
