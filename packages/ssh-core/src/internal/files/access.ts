/** Who may do what. SFTP has no request for it, so what can be tried without a trace is tried. */
import { Effect, type FileSystem } from "effect"
import { ChildProcess, type ChildProcessSpawner } from "effect/process"
import type { Attributes, Sftp } from "../../Sftp.ts"
import * as SshError from "../../SshError.ts"
import { kindOf } from "../sftp/attributes.ts"

type Spawner = ChildProcessSpawner.ChildProcessSpawner["Service"]

interface Wish {
  readonly readable: boolean
  readonly writable: boolean
}

const denied = (path: string, wish: Wish) =>
  SshError.make(
    new SshError.PermissionDenied({ path, detail: wish.writable ? "it is not writable" : "it is not readable" })
  )

/** By a shell where there is one. Where a fixed command stands in its place that says neither word. */
const byShell = (spawner: Spawner, path: string, wish: Wish): Effect.Effect<boolean | undefined> => {
  const tests = [...(wish.readable ? ['test -r "$1"'] : []), ...(wish.writable ? ['test -w "$1"'] : [])]
  const script = `if ${tests.join(" && ")}; then echo may; else echo "may not"; fi`
  return spawner.string(ChildProcess.make("/bin/sh", ["-c", script, "sh", path])).pipe(
    Effect.map((answer) => ({ "may\n": true, "may not\n": false })[answer]),
    Effect.orElseSucceed((): boolean | undefined => undefined)
  )
}

/** By the permissions alone; whose folder the home is, that is who we are. */
const byMode = (own: Attributes, { gid, mode = 0, uid }: Attributes, { readable, writable }: Wish): boolean => {
  if (own.uid === 0) return true
  const shift = uid === own.uid ? 6 : gid === own.gid ? 3 : 0
  const wanted = (readable ? 4 : 0) | (writable ? 2 : 0)
  return ((mode >> shift) & wanted) === wanted
}

export const access = Effect.fnUntraced(function* (
  sftp: Sftp,
  spawner: Spawner,
  path: string,
  options: Parameters<FileSystem.FileSystem["access"]>[1]
): Effect.fn.Return<void, SshError.SshError> {
  const attributes = yield* sftp.stat(path)
  const wish = { readable: options?.readable === true, writable: options?.writable === true }
  if (!wish.readable && !wish.writable) return
  if (kindOf(attributes) === "File") {
    return sftp.release(yield* sftp.open(path, { read: wish.readable, write: wish.writable }))
  }
  // To open a pipe would be to wait for its other end, and a device may act on it.
  const may = (yield* byShell(spawner, path, wish)) ?? byMode(yield* sftp.stat("."), attributes, wish)
  if (!may) return yield* denied(path, wish)
})
