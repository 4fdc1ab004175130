/** What every group of the file suite works with. */
import { assert, type Vitest } from "@effect/vitest"
import { Effect, FileSystem, PlatformError } from "effect"
import type { Scope } from "effect"

/** What a transport may do less well than the machine's own file system. */
export interface Capabilities {
  /** An existing folder to work in. Default: the machine's folder for temporary files. */
  readonly folder?: string
  /**
   * The account is an ordinary one, which can be refused things. Root is refused nothing, so its suite has no tests of
   * permissions. Default: `false`.
   */
  readonly unprivileged?: boolean
  /** Times of files are kept in whole seconds, not in milliseconds. Default: `false`. */
  readonly wholeSeconds?: boolean
  /** Times are told at least to the second. Default: `true`. */
  readonly times?: boolean
  /** `stat` tells inode, device, number of links and blocks as well. Default: `true`. */
  readonly inodes?: boolean
  /** A process list in `/proc`, as Linux has it, is in reach. Default: `true`. */
  readonly proc?: boolean
  /** A named pipe can be made by `mkfifo`, which the effect does. Default: none is tried. */
  readonly makeFifo?: (path: string) => Effect.Effect<unknown>
  /** Size of the big file. Default: 24 MiB. */
  readonly bigFileBytes?: number
  /** Odd names that are tried. Default: all there are. */
  readonly names?: number
  /** Files that are written and read at once. Default: 24. */
  readonly concurrency?: number
  /** The groups of tests that are declared, for a machine that is too slow for all of them. Default: all. */
  readonly only?: ReadonlyArray<string>
}

export type Tester = Vitest.MethodsNonLive<FileSystem.FileSystem>

export type Group = (it: Tester, capabilities: Capabilities) => void

/** A test in a folder of its own, which goes with all that is in it. */
export const inFolder = <A, E, R>(
  capabilities: Capabilities,
  body: (fs: FileSystem.FileSystem, folder: string) => Effect.Effect<A, E, R>
): Effect.Effect<void, E | PlatformError.PlatformError, R | FileSystem.FileSystem | Scope.Scope> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const folder = yield* fs.makeTempDirectoryScoped({ directory: capabilities.folder, prefix: "file suite-" })
    yield* body(fs, folder)
  })

export type Tag = PlatformError.SystemErrorTag | "BadArgument"

/** An effect fails in exactly one of these ways, with a message of one line. */
export const fails = <R>(
  effect: Effect.Effect<unknown, PlatformError.PlatformError, R>,
  ...tags: ReadonlyArray<Tag>
): Effect.Effect<PlatformError.PlatformError, never, R> =>
  Effect.matchEffect(effect, {
    onSuccess: (value) => Effect.sync(() => assert.fail(`succeeded with ${String(value)}, not ${tags.join(" or ")}`)),
    onFailure: (error) =>
      Effect.sync(() => {
        assert.instanceOf(error, PlatformError.PlatformError)
        assert.include(tags, error.reason._tag, error.message)
        assert.strictEqual(error.reason.module, "FileSystem")
        return error
      })
  })

/** `length` bytes without a pattern that could hide a piece in the wrong place. */
export const bytes = (length: number, seed = 1): Uint8Array => {
  const out = new Uint8Array(length)
  const words = new Uint32Array(out.buffer, 0, length >> 2)
  let state = seed >>> 0 || 1
  const next = () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
  for (let i = 0; i < words.length; i++) words[i] = next()
  for (let i = words.length << 2; i < length; i++) out[i] = next()
  return out
}

/** Equal byte for byte, without printing megabytes when they are not. */
export const sameBytes = (actual: Uint8Array, expected: Uint8Array, what = ""): void => {
  assert.strictEqual(actual.length, expected.length, `${what} length`)
  if (Buffer.compare(actual, expected) === 0) return
  const at = expected.findIndex((byte, index) => byte !== actual[index])
  assert.fail(`${what} differs from byte ${at} on`)
}

export const text = (value: string): Uint8Array => new TextEncoder().encode(value)

export const permissions = (mode: number): string => (mode & 0o7777).toString(8)
