/** The program as a whole: the command tree over the services of this process. */
import * as NodeChildProcessSpawner from "@effect/platform-node/NodeChildProcessSpawner"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import { Effect, Exit, Fiber, Layer } from "effect"
import * as Cli from "@toehold/cli/Cli"
import * as ExitCode from "@toehold/cli/ExitCode"
import * as StandardStreams from "@toehold/cli/StandardStreams"
import * as ClientPlatform from "@toehold/ssh-core/ClientPlatform"

const machine = Layer.provideMerge(NodeChildProcessSpawner.layer, Layer.mergeAll(NodeFileSystem.layer, NodePath.layer))
const services = Layer.mergeAll(machine, ClientPlatform.layer, StandardStreams.layer)

/** Runs the command line; the promise is the exit code. The first signal interrupts the work, the second ends it. */
export const main = async (words: ReadonlyArray<string>, version: string): Promise<number> => {
  const fiber = Effect.runFork(Cli.run(words, { version }).pipe(Effect.provide(services)))
  let isInterrupted = false
  const onSignal = (): void => {
    if (isInterrupted) process.exit(ExitCode.interrupted)
    isInterrupted = true
    fiber.interruptUnsafe()
  }
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal)
  const exit = await Effect.runPromise(Fiber.await(fiber))
  await new Promise((done) => process.stderr.write("", done))
  if (isInterrupted) return ExitCode.interrupted
  if (Exit.isSuccess(exit)) return exit.value
  process.stderr.write(`toehold: an error in the program itself, please report it:\n${String(exit.cause)}\n`)
  return ExitCode.failed
}
