/**
 * The files of the machine at the other end of a serial console, as Effect's own `FileSystem`: by shell commands, with
 * whatever the machine has of `stat`, `head` and checksum programs.
 *
 * @since 0.1.0
 */
import * as ShellFiles from "@toehold/shell/ShellFiles"
import { type Effect, type FileSystem, Layer } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import * as SerialProcess from "./SerialProcess.ts"
import type { SerialShell } from "./SerialShell.ts"

/**
 * The files of the machine whose processes the context starts. Every byte is compared with a checksum on its way, in both
 * directions, and `writeFile` compares the whole file before it takes the place of what was there, in one step. Errors
 * have the tags of Node's own `FileSystem`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options?: ShellFiles.Options
): Effect.Effect<FileSystem.FileSystem, never, ChildProcessSpawner.ChildProcessSpawner> => ShellFiles.make(options)

/**
 * The files of the machine and its processes, as a layer: the two services that everything else works on.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options?: ShellFiles.Options
): Layer.Layer<FileSystem.FileSystem | ChildProcessSpawner.ChildProcessSpawner, never, SerialShell> =>
  Layer.provideMerge(ShellFiles.layer(options), SerialProcess.layer)
