import { Effect, FileSystem, Path } from "effect"
import { matchSteps, type Step } from "./pattern.ts"

const inRanges = (class_: string, character: string): boolean => {
  for (let at = 0; at < class_.length; at++) {
    if (class_[at + 1] === "-" && at + 2 < class_.length) {
      if (class_.charAt(at) <= character && character <= class_.charAt(at + 2)) return true
      at += 2
    } else if (class_[at] === character) return true
  }
  return false
}

/** One segment of a path as glob(7) reads it: `*`, `?`, `[a-z]`, `[!a-z]`, and (not on Windows) a backslash escape. */
const segmentSteps = (segment: string, escapes: boolean): { readonly steps: ReadonlyArray<Step>; literal: string } => {
  const steps: Array<Step> = []
  let literal = ""
  for (let at = 0; at < segment.length; at++) {
    const character = segment.charAt(at)
    // The first place inside the brackets may hold a closing one.
    const open = at + (segment[at + 1] === "!" ? 2 : 1)
    const close = character === "[" ? segment.indexOf("]", open + 1) : -1
    if (character === "*") steps.push("*")
    else if (character === "?") steps.push(() => true)
    else if (close !== -1) {
      const class_ = segment.slice(open, close)
      const negated = segment[at + 1] === "!"
      steps.push((candidate) => inRanges(class_, candidate) !== negated)
      at = close
    } else {
      if (character === "\\" && escapes && at + 1 < segment.length) at++
      const wanted = segment.charAt(at)
      literal += wanted
      steps.push((candidate) => candidate === wanted)
    }
  }
  return { steps, literal }
}

const hasWildcard = (segment: string): boolean => /[*?[]/.test(segment)

// PATH_MAX of Linux.
const maxPattern = 4096

/**
 * The files that an absolute pattern of `Include` names, sorted; empty where there are none. A name that begins with a
 * dot needs a pattern that does too. Fails with what is wrong where it is too long, or names more than `limit` files or
 * folders.
 */
export const expandGlob = Effect.fnUntraced(function* (
  pattern: string,
  os: string,
  limit: number
): Effect.fn.Return<ReadonlyArray<string>, string, FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  if (pattern.length > maxPattern) return yield* Effect.fail("the path is too long")
  const isWindows = os === "win32"
  const root = path.parse(pattern).root
  const segments = pattern
    .slice(root.length)
    .split(isWindows ? /[/\\]+/ : /\/+/)
    .filter((segment) => segment !== "")
  let found: ReadonlyArray<string> = [root]
  for (const segment of segments) {
    const { literal, steps } = segmentSteps(segment, !isWindows)
    if (!hasWildcard(segment)) {
      found = found.map((folder) => path.join(folder, literal))
      continue
    }
    const next: Array<string> = []
    for (const folder of found) {
      const names = yield* fs.readDirectory(folder).pipe(Effect.orElseSucceed((): Array<string> => []))
      for (const name of names) {
        if (name.startsWith(".") && !segment.startsWith(".")) continue
        if (matchSteps(name, steps)) next.push(path.join(folder, name))
      }
      if (next.length > limit) return yield* Effect.fail(`the pattern fits more than ${limit} names`)
    }
    found = next
  }
  const existing: Array<string> = []
  for (const file of found) {
    if (yield* fs.exists(file).pipe(Effect.orElseSucceed(() => false))) existing.push(file)
  }
  // By code unit, as glob(3) sorts in the C locale.
  return existing.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
})
