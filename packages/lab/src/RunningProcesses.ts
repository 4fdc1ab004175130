/**
 * The processes of this computer, on Linux: what their command lines show, and those that a test has left behind.
 *
 * @since 0.1.0
 */
import { Effect } from "effect"
import * as ProcessTree from "./internal/processTree.ts"

/**
 * The command line of every process, its words with blanks between them.
 *
 * @since 0.1.0
 * @category accessors
 */
export const commandLines = (): ReadonlyArray<string> =>
  ProcessTree.running().map(({ pid }) => ProcessTree.commandLine(pid))

/**
 * Kills the processes that have the variable in their environment, and waits until they are gone.
 *
 * @since 0.1.0
 * @category running
 */
export const endWithVariable = (name: string, value: string): Effect.Effect<void> =>
  Effect.suspend(() => ProcessTree.end(ProcessTree.withVariable(name, value)))
