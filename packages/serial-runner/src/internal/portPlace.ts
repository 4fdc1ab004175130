/** Where the files that stand for a port's owner are. */
import { Effect, FileSystem, Path } from "effect"
import * as Crypto from "node:crypto"
import * as Os from "node:os"
import { format, type SerialTarget } from "../SerialTarget.ts"

/** The file whose place names the port, for those that have one of their own. */
const pathOf = (target: SerialTarget): string | undefined => {
  switch (target._tag) {
    case "Fifo":
      return target.output
    case "Bonfire":
      return `${target.directory}/${target.vmId}.stdin`
    case "Unix":
      return target.path
    case "Tcp":
    case "Tty":
      return undefined
  }
}

/**
 * `beside` the port, where processes with temporary folders of their own meet as well, and in the `temporary` folder; both
 * without an ending.
 */
export const placesOf = Effect.fnUntraced(function* (target: SerialTarget) {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const path = pathOf(target)
  const beside = path === undefined ? undefined : yield* Effect.orElseSucceed(fs.realPath(path), () => path)
  const hash = Crypto.createHash("sha256")
    .update(beside ?? format(target))
    .digest("hex")
    .slice(0, 32)
  return { beside, hash, temporary: join(Os.tmpdir(), `toehold-serial-${hash}`) }
})
