import { Deferred, Effect } from "effect"
import type * as SshError from "../SshError.ts"
import type { RemoteProcess } from "./remoteProcess.ts"
import type { Sessions } from "./sessions.ts"

/** Runs a script of our own, where a session is free, and gives back the end of what it printed. */
export const runForOutput = (
  sessions: Sessions,
  script: string,
  keptBytes: number
): Effect.Effect<string, SshError.SshError> =>
  Effect.gen(function* () {
    const process = yield* sessions.start({ script, secret: false, pty: undefined, atOnce: true, late: giveUp })
    let output = ""
    process.connect({
      stdout: (chunk) => void (output = (output + chunk.toString("latin1")).slice(-keptBytes)),
      stderr: () => undefined
    })
    process.endInput()
    yield* Deferred.await(process.ended)
    return output.trim()
  })

const giveUp = (process: RemoteProcess): Effect.Effect<void> => Effect.sync(() => process.abandon())
