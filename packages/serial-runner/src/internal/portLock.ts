/** A lock file for a port, so that two processes never read and write the same console. */
import { Effect, FileSystem, type Path, type PlatformError, type Scope } from "effect"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as SerialError from "../SerialError.ts"
import { format, type SerialTarget } from "../SerialTarget.ts"
import { placesOf } from "./portPlace.ts"

/** When a process was started, where the system tells: the number alone may be another process's by now. */
const startOf = (pid: number): string => {
  try {
    const stat = Fs.readFileSync(`/proc/${pid}/stat`, "latin1")
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? ""
  } catch {
    return ""
  }
}

const isAlive = (pid: number, start: string): boolean => {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // A process of another user is alive, too.
    if (!(error instanceof Error && "code" in error && error.code === "EPERM")) return false
  }
  const now = startOf(pid)
  return start === "" || now === "" || now === start
}

const content = (): string => `${process.pid} ${startOf(process.pid)}\n`

const lockPaths = Effect.fnUntraced(function* (target: SerialTarget) {
  const { beside, temporary } = yield* placesOf(target)
  return [...(beside === undefined ? [] : [`${beside}.toehold-lock`]), `${temporary}.lock`]
})

const busy = (target: SerialTarget, owner: string) =>
  SerialError.make(new SerialError.PortBusy({ port: format(target), owner }))

/** A lock that its owner left behind is taken out of the way; a living owner keeps it. */
const removeStale = Effect.fnUntraced(function* (target: SerialTarget, lock: string) {
  const fs = yield* FileSystem.FileSystem
  const text = yield* Effect.orElseSucceed(fs.readFileString(lock), () => "")
  const [pid = "", start = ""] = text.trim().split(" ")
  // Empty while its owner still writes it.
  if (text === "" || isAlive(Number(pid), start))
    return yield* busy(target, text === "" ? "another process" : `process ${pid}`)
  const aside = `${lock}.${Crypto.randomUUID()}`
  const moved = yield* Effect.isSuccess(fs.rename(lock, aside))
  if (!moved) return
  // Somebody may have replaced the stale lock between the look and the move: a living one is given back.
  const taken = yield* Effect.orElseSucceed(fs.readFileString(aside), () => text)
  if (taken !== text) yield* Effect.ignore(fs.link(aside, lock))
  yield* Effect.ignore(fs.remove(aside, { force: true }))
})

const isThere = (error: PlatformError.PlatformError): boolean => error.reason._tag === "AlreadyExists"

/** Holds the lock for as long as the scope; fails with `PortBusy` where another process has it. */
export const make = Effect.fnUntraced(function* (
  target: SerialTarget
): Effect.fn.Return<void, SerialError.SerialError, Scope.Scope | FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const create = (lock: string) => fs.writeFileString(lock, content(), { flag: "wx", mode: 0o644 })
  const paths = yield* lockPaths(target)
  const held = yield* Effect.acquireRelease(
    Effect.gen(function* () {
      for (const lock of paths) {
        const made = yield* create(lock).pipe(
          Effect.catchIf(isThere, () => Effect.andThen(removeStale(target, lock), create(lock))),
          Effect.as(true),
          Effect.catchIf(
            (error) => error._tag === "PlatformError" && !isThere(error),
            () => Effect.succeed(false)
          ),
          Effect.catchTag("PlatformError", () => busy(target, "another process"))
        )
        if (made) return lock
      }
      return undefined
    }),
    (lock) =>
      lock === undefined
        ? Effect.void
        : fs.readFileString(lock).pipe(
            Effect.flatMap((text) => (text === content() ? fs.remove(lock) : Effect.void)),
            Effect.ignore
          )
  )
  if (held === undefined) yield* Effect.logDebug("no place for a lock file", { paths })
})
