/** What has to be done so that one tree becomes as another, from their listings alone. */
import { Result } from "effect"
import * as TransferError from "../TransferError.ts"
import { type Entry, isOwn, keptMode, leadsOut, nameFault, sameFile, sameTime, type Tree } from "./entry.ts"
import { relativeParent } from "./location.ts"

export interface Policy {
  /**
   * `time`: a file of the same size and time is the same. `sum`: one of the same size and SHA-256. `time-and-sum`: all
   * three.
   */
  readonly compare: "time" | "sum" | "time-and-sum"
  /** What stands in the way of a folder is replaced, rather than being a fault. */
  readonly replace: boolean
  /** What the source doesn't have goes, and a folder that stands in the way of a file. */
  readonly delete: boolean
  /** Links that lead out of the tree are left out. */
  readonly safeLinks: boolean
  readonly isWindows: boolean
}

export interface Plan {
  /** In the way, and to go first; a folder with what is in it. */
  readonly clear: ReadonlyArray<string>
  readonly folders: ReadonlyArray<Entry>
  readonly files: ReadonlyArray<Entry>
  readonly links: ReadonlyArray<Entry>
  /** Further names of files that have one in the tree already. */
  readonly names: ReadonlyArray<{ readonly entry: Entry; readonly first: string }>
  /** The same data, with another mode or time. */
  readonly touched: ReadonlyArray<Entry>
  /** Paths that the source doesn't have, to go last. */
  readonly surplus: ReadonlyArray<string>
  /** Files that are there already. */
  readonly same: number
  /** Devices, pipes, sockets, and links that lead out where those are not wanted. */
  readonly leftOut: ReadonlyArray<string>
}

/** Files whose sums decide whether they are the same. */
export const candidates = (source: Tree, target: Tree, policy: Policy): ReadonlyArray<string> =>
  policy.compare === "time"
    ? []
    : [...source.values()].flatMap((entry) => {
        const there = target.get(entry.path)
        if (entry.type !== "file" || there?.type !== "file" || there.size !== entry.size) return []
        return policy.compare === "sum" || sameTime(entry, there) ? [entry.path] : []
      })

export interface Fault {
  readonly path: string
  readonly end: "source" | "target"
  readonly reason: (at: { readonly machine: string; readonly path: string }) => TransferError.Reason
}

/** What the listing of a source may not hold, because it would lead out of the target or can't exist there. */
const check = (source: Tree, { isWindows }: Policy): Fault | undefined => {
  const seen = new Map<string, string>()
  for (const { path } of source.values()) {
    const detail = path
      .split("/")
      .map((name) => nameFault(name, { isWindows }))
      .find((fault) => fault !== undefined)
    const folder = relativeParent(path)
    const unsafe = (detail: string): Fault => ({
      path,
      end: "source",
      reason: (at) => new TransferError.UnsafeName({ ...at, detail })
    })
    if (detail !== undefined) return unsafe(detail)
    if (folder !== "" && source.get(folder)?.type !== "directory") {
      return unsafe("it is said to be in something that is no folder")
    }
    if (!isWindows) continue
    const folded = path.toLowerCase()
    const other = seen.get(folded)
    if (other !== undefined) return unsafe(`Windows can't tell it from ${other}`)
    seen.set(folded, path)
  }
  return undefined
}

const kindOf = ({ type }: Entry): string => (type === "other" ? "device, pipe or socket" : type)

/** Windows knows one bit of it. */
const hasMode = (entry: Entry, there: Entry, { isWindows }: Policy): boolean =>
  isWindows || keptMode(entry) === keptMode(there)

/** Folders at the target whose mode or time is to be set once all else is done. */
export const unlikeFolders = (source: Tree, target: Tree, policy: Policy): ReadonlyArray<Entry> =>
  [...source.values()].filter((entry) => {
    if (entry.type !== "directory") return false
    const there = target.get(entry.path)
    return there === undefined || !sameTime(entry, there) || !hasMode(entry, there, policy)
  })

export const plan = (
  source: Tree,
  target: Tree,
  /** The paths among the candidates whose sums are the same. */
  equal: ReadonlySet<string>,
  policy: Policy,
  /** All that stands at the target, what is excluded too. */
  everything: Tree = target
): Result.Result<Plan, Fault> => {
  const fault = check(source, policy)
  if (fault !== undefined) return Result.fail(fault)
  const clear: Array<string> = []
  const folders: Array<Entry> = []
  const files: Array<Entry> = []
  const links: Array<Entry> = []
  const names: Array<{ entry: Entry; first: string }> = []
  const touched: Array<Entry> = []
  const leftOut: Array<string> = []
  const firsts = new Map<string, string>()
  let same = 0
  for (const entry of source.values()) {
    const there = everything.get(entry.path)
    if (entry.type === "other" || (entry.type === "link" && policy.safeLinks && leadsOut(entry))) {
      leftOut.push(entry.path)
      continue
    }
    if (entry.type === "directory") {
      if (there?.type === "directory") continue
      if (there !== undefined) {
        if (!policy.replace) {
          return Result.fail({
            path: entry.path,
            end: "target",
            reason: (at) => new TransferError.NotADirectory({ ...at, kind: kindOf(there) })
          })
        }
        clear.push(entry.path)
      }
      folders.push(entry)
      continue
    }
    if (there?.type === "directory") {
      if (!policy.delete || !isAllSurplus(entry.path, target, everything)) {
        return Result.fail({ path: entry.path, end: "target", reason: (at) => new TransferError.IsADirectory(at) })
      }
      clear.push(entry.path)
    }
    if (there?.type === "other") {
      return Result.fail({
        path: entry.path,
        end: "target",
        reason: (at) => new TransferError.NotAFile({ ...at, kind: kindOf(there) })
      })
    }
    if (entry.type === "link") {
      if (there?.type === "link" && there.target === entry.target) same += 1
      else links.push(entry)
      continue
    }
    const isSame = there !== undefined && (policy.compare === "time" ? sameFile(entry, there) : equal.has(entry.path))
    if (isSame) {
      same += 1
      if (!sameTime(entry, there) || !hasMode(entry, there, policy)) touched.push(entry)
    }
    const first = entry.inode === undefined ? undefined : firsts.get(entry.inode)
    if (entry.inode !== undefined && first === undefined) firsts.set(entry.inode, entry.path)
    if (isSame) continue
    if (first === undefined) files.push(entry)
    else names.push({ entry, first })
  }
  const surplus = policy.delete ? surplusOf(source, target, everything, clear) : []
  return Result.succeed({ clear, folders, files, links, names, touched, surplus, same, leftOut })
}

/** Whether nothing below the folder is to stay: neither what is excluded nor partials of others. */
const isAllSurplus = (folder: string, target: Tree, everything: Tree): boolean => {
  const below = `${folder}/`
  for (const path of everything.keys()) if (path.startsWith(below) && !target.has(path)) return false
  return true
}

/** The topmost of what goes as a whole: what holds something that stays is emptied around it. */
const surplusOf = (
  source: Tree,
  target: Tree,
  everything: Tree,
  clear: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const staying = new Set<string>()
  for (const path of everything.keys()) {
    if (target.has(path) && !source.has(path)) continue
    for (let folder = path; folder !== ""; folder = relativeParent(folder)) staying.add(folder)
  }
  const gone = new Set<string>(clear)
  const surplus: Array<string> = []
  for (const path of target.keys()) {
    if (source.has(path) || staying.has(path) || isOwn(path)) continue
    if (gone.has(relativeParent(path))) gone.add(path)
    else {
      gone.add(path)
      surplus.push(path)
    }
  }
  return surplus
}
