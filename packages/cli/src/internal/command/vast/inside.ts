/** `toehold vast logs` and `execute`: what the service itself knows of the inside of an instance. */
import { Effect } from "effect"
import * as ExitCode from "../../../ExitCode.ts"
import type { Handler } from "../../commandSpec.ts"
import { print, printJson } from "../../print.ts"
import { readCount, readInstance, vast } from "../../vast/read.ts"

const wholeLines = (text: string): string => (text === "" || text.endsWith("\n") ? text : `${text}\n`)

export const vastLogs: Handler = (invocation) =>
  Effect.gen(function* () {
    const id = yield* readInstance(invocation)
    const tail = yield* readCount(invocation, "tail")
    const timeout = yield* invocation.duration("timeout")
    const filter = invocation.one("filter")
    const { instances } = yield* vast
    const log = yield* instances.logs(id, {
      ...(tail === undefined ? {} : { tail }),
      ...(timeout === undefined ? {} : { timeout }),
      ...(filter === undefined ? {} : { filter }),
      daemon: invocation.has("daemon")
    })
    yield* invocation.has("json") ? printJson({ instance: id, log }) : print(wholeLines(log))
    return ExitCode.done
  })

export const vastExecute: Handler = (invocation) =>
  Effect.gen(function* () {
    const id = yield* readInstance(invocation)
    const command = invocation.argument(1)
    if (!/^\s*(?:ls|rm|du)(?:\s|$)/.test(command)) {
      return yield* invocation.usage(
        `"${command}" is not for the service, which runs ls, rm and du alone.`,
        `To run anything else: toehold exec vast:${id} -- CMD`
      )
    }
    const { instances } = yield* vast
    const output = yield* instances.execute(id, command)
    yield* invocation.has("json") ? printJson({ instance: id, command, output }) : print(wholeLines(output))
    return ExitCode.done
  })
