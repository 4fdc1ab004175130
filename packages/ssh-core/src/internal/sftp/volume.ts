/** The file system that a path is on: the room that is left, and whether it can be written to. */
import { Effect } from "effect"
import * as Packet from "./packet.ts"
import * as Session from "./session.ts"

interface Volume {
  readonly freeBytes: bigint
  readonly files: bigint
  readonly freeFiles: bigint
  readonly readOnly: boolean
}

const readOnlyFlag = 1n

/** Below this a full disk is the likely cause of a failed write: file systems keep some blocks for themselves. */
const almostNothing = 64n * 1024n

/** OpenSSH's PROTOCOL file, section 4.5: eleven numbers of 64 bits, as statvfs(3) has them. */
const ask = (session: Session.Session, path: string): Effect.Effect<Volume | undefined> =>
  session.request(Packet.statvfs(path), Session.extended).pipe(
    Effect.map((reader): Volume | undefined => {
      reader.uint64() // f_bsize
      const unit = reader.uint64()
      reader.uint64() // f_blocks
      reader.uint64() // f_bfree
      const blocks = reader.uint64()
      const files = reader.uint64()
      reader.uint64() // f_ffree
      const freeFiles = reader.uint64()
      reader.uint64() // f_fsid
      const flags = reader.uint64()
      if (!reader.isWhole) return undefined
      return { freeBytes: blocks * unit, files, freeFiles, readOnly: (flags & readOnlyFlag) !== 0n }
    }),
    Effect.orElseSucceed((): Volume | undefined => undefined)
  )

/** What may keep a path from being written. */
export const trouble = (session: Session.Session, path: string): Effect.Effect<"ENOSPC" | "EROFS" | undefined> =>
  Effect.map(ask(session, path), (volume) => {
    if (volume === undefined) return undefined
    if (volume.readOnly) return "EROFS"
    // File systems without a number of files say 0.
    const noFiles = volume.files > 0n && volume.freeFiles === 0n
    return volume.freeBytes < almostNothing || noFiles ? "ENOSPC" : undefined
  })

export const freeBytes = (session: Session.Session, path: string): Effect.Effect<number | undefined> =>
  Effect.map(ask(session, path), (volume) => (volume === undefined ? undefined : Number(volume.freeBytes)))
