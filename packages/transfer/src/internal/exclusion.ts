/** What is left out of a tree, by patterns as rsync has them. */
import { Glob } from "effect"
import type { Entry, Tree } from "./entry.ts"
import { isOwn } from "./entry.ts"

/** A pattern that begins with `/` is matched from the top, every other at any depth; one that ends with `/` is for folders. */
const compile = (pattern: string): Glob.Glob =>
  Glob.make(pattern.startsWith("/") ? pattern.slice(1) : `**/${pattern}`, { dot: true })

/** The tree without what a pattern names, and without what is in a folder that one names. Partials are never of it. */
export const without = (tree: Tree, patterns: ReadonlyArray<string>): Tree => {
  const globs = patterns.filter((pattern) => pattern !== "" && pattern !== "/").map(compile)
  const kept = new Map<string, Entry>()
  const dropped = new Set<string>()
  // Parents come first.
  for (const [path, entry] of tree) {
    const above = path.slice(0, Math.max(0, path.lastIndexOf("/")))
    const marked = entry.type === "directory" ? `${path}/` : path
    if (dropped.has(above) || isOwn(path) || globs.some((glob) => Glob.match(glob, marked))) dropped.add(path)
    else kept.set(path, entry)
  }
  return kept
}
