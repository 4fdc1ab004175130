/** What there is at a path: what it is like, what is in it. */
import { Effect, type FileSystem, type PlatformError } from "effect"
import type { Snapshot } from "../PollingWatch.ts"
import * as Failure from "./failure.ts"
import * as FileInfo from "./fileInfo.ts"
import * as Reading from "./script/reading.ts"
import { argument, type Shell } from "./shell.ts"

const decoder = new TextDecoder()

/** `at` is where the file is found, `path` what errors call it. */
export const info = Effect.fnUntraced(function* (
  shell: Shell,
  method: "stat" | "lstat",
  at: string,
  path: string = at
) {
  const tools = yield* shell.tools
  const script = Reading.stat(tools, method === "stat")
  const text = decoder.decode(yield* shell.run({ method, path, script, args: [argument(at)] }))
  const found = tools.stat === "ls" ? FileInfo.fromLs(text) : FileInfo.fromStat(text)
  return found ?? (yield* unreadable(method, path, text))
})

const unreadable = (method: string, path: string, text: string) =>
  Effect.fail(Failure.failure("EBADMSG", { method, path, stderr: `it printed ${JSON.stringify(text.slice(0, 200))}` }))

const types: Readonly<Record<string, FileSystem.File.Type>> = {
  "-": "File",
  d: "Directory",
  l: "SymbolicLink",
  p: "FIFO",
  s: "Socket",
  b: "BlockDevice",
  c: "CharacterDevice"
}

export const list = Effect.fnUntraced(function* (
  shell: Shell,
  method: string,
  path: string,
  recursive: boolean
): Effect.fn.Return<Array<FileSystem.DirectoryEntry>, PlatformError.PlatformError> {
  const args = [argument(path), recursive ? "1" : ""]
  const text = decoder.decode(yield* shell.run({ method, path, script: Reading.list, args }))
  return text
    .split("\0")
    .slice(0, -1)
    .map((entry) => ({ name: entry.slice(1), type: types[entry[0] ?? ""] ?? "Unknown" }))
})

/** What is there, for `watch`; the folder itself must be there. */
export const snapshot = Effect.fnUntraced(function* (shell: Shell, path: string, recursive: boolean) {
  const script = Reading.snapshot(yield* shell.tools)
  const args = [argument(path), recursive ? "1" : ""]
  const fields = decoder.decode(yield* shell.run({ method: "watch", path, script, args })).split("\0")
  const base = path.slice(path.lastIndexOf("/") + 1)
  const found = new Map<string, string>()
  for (let at = 0; at < fields.length - 1;) {
    const end = fields.indexOf("", at)
    if (end === -1) break
    const marks = (fields[end + 1] ?? "").split("\n")
    fields.slice(at, end).forEach((name, index) => found.set(name === "." ? base : name, marks[index] ?? ""))
    at = end + 2
  }
  return found as Snapshot
})

/** Two times as `touch -d` reads them, and as `touch -t` does. */
export const touchTimes = (...times: readonly [Date | number, Date | number]) =>
  Effect.suspend(() => {
    const dates = times.map((time) => (typeof time === "number" ? new Date(Math.round(time * 1000)) : time))
    const iso = dates.map((date) => (Number.isNaN(date.getTime()) ? "" : date.toISOString()))
    return iso.every((text) => /^\d{4}-/.test(text))
      ? Effect.succeed([...iso, ...iso.map((text) => text.replace(/[-T:]|\.\d+Z$/g, "").replace(/(\d\d)$/, ".$1"))])
      : Effect.fail(Failure.badArgument("utimes", "the time is no date between the years 0 and 9999"))
  })

/** An owner as `chown` takes it; -1 leaves one as it is. */
export const owner = (uid: number, gid: number) =>
  [uid, gid].every((id) => Number.isInteger(id) && id >= -1)
    ? Effect.succeed(`${uid === -1 ? "" : uid}${gid === -1 ? "" : `:${gid}`}`)
    : Effect.fail(Failure.badArgument("chown", "an id is no integer from -1 on"))
