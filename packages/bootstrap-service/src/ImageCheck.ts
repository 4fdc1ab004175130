/**
 * What a machine's image lacks for agent sessions, by its files alone: an unpacked root file system, or a machine that
 * runs.
 *
 * @since 0.1.0
 */
import { Effect, type FileSystem, type PlatformError } from "effect"
import type { Finding } from "./internal/imageFinding.ts"
import * as findings from "./internal/imageFindings.ts"
import { ImageFiles } from "./internal/imageFiles.ts"

export * from "./internal/imageFinding.ts"

/**
 * Looks at the file system under `root` (default: `/`). Links in it are followed as a machine would that has it as its
 * own, and never lead out of it. Fails where files can't be looked at at all.
 *
 * @since 0.1.0
 * @category constructors
 */
export const check = Effect.fn("ImageCheck.check")(function* (
  root = "/"
): Effect.fn.Return<ReadonlyArray<Finding>, PlatformError.PlatformError, FileSystem.FileSystem> {
  const files = yield* ImageFiles.make(root)
  return yield* findings.all(files)
})

/**
 * Whether a session can be made with what was found.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isReady = (found: ReadonlyArray<Finding>): boolean => found.every(({ state }) => state !== "missing")
