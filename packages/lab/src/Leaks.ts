/**
 * Finding what a test left running: processes by a marker in their command line.
 *
 * @since 0.1.0
 */
import { Effect } from "effect"
import * as Crypto from "node:crypto"
import * as ProcessTree from "./internal/processTree.ts"
import { withRealClock } from "./internal/realClock.ts"

/**
 * A word that no other command line has, to put into a command as an argument or a comment that nothing reads.
 *
 * @since 0.1.0
 * @category constructors
 */
export const marker = (): string => `lab-${Crypto.randomUUID()}`

/**
 * The command lines, with the pid in front, of the living processes that carry the marker. Zombies don't count. Needs
 * Linux's `/proc`.
 *
 * @since 0.1.0
 * @category accessors
 */
export const processes = (mark: string): Effect.Effect<ReadonlyArray<string>> =>
  Effect.sync(() =>
    ProcessTree.running()
      .map(({ pid }) => `${pid} ${ProcessTree.commandLine(pid)}`)
      .filter((line) => line.includes(mark))
  )

/**
 * Waits, in real time and as long as the test lets it, until exactly `count` living processes carry the marker: 0 for
 * "nothing is left".
 *
 * @since 0.1.0
 * @category accessors
 */
export const awaitProcesses = (mark: string, count: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    while ((yield* processes(mark)).length !== count) yield* Effect.sleep("10 millis")
  }).pipe(withRealClock)
