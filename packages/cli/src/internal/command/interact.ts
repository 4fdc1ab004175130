/** `toehold interact`: a command in a terminal, answered by a script. */
import { Effect } from "effect"
import * as CapturedOutput from "@toehold/ssh-core/CapturedOutput"
import * as CommandLimit from "@toehold/ssh-core/CommandLimit"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import * as ExitCode from "../../ExitCode.ts"
import type * as FailureDocument from "../../FailureDocument.ts"
import { StandardStreams } from "../../StandardStreams.ts"
import { readVariables, readWords } from "../commandFlags.ts"
import type { Handler, Invocation, Services } from "../commandSpec.ts"
import { readSteps } from "../interactSteps.ts"
import { loginOptions, readReach } from "../machine.ts"
import { outputFields } from "../outputDocument.ts"
import { printJson } from "../print.ts"

/** As for exec's document. */
const defaultDocumentLimit = 256 * 1024

export const interact: Handler = (invocation) =>
  Effect.gen(function* () {
    const { stdout } = yield* StandardStreams
    const isJson = invocation.has("json")
    return yield* run(invocation, isJson).pipe(
      Effect.tapError((failure) =>
        !isJson && failure._tag === "SshError" && "stdout" in failure.reason
          ? Effect.ignore(stdout(failure.reason.stdout.bytes))
          : Effect.void
      )
    )
  })

const run = Effect.fnUntraced(function* (
  invocation: Invocation,
  isJson: boolean
): Effect.fn.Return<number, FailureDocument.Failure, Services> {
  const machine = invocation.argument(0)
  const { kind, words } = yield* readWords(invocation)
  const place = { cwd: invocation.one("cwd"), env: yield* readVariables(invocation) }
  const command = kind === "shell" ? SshCommand.shell(words[0], place) : SshCommand.argv(words, place)
  const steps = yield* readSteps(invocation)
  const reach = yield* readReach(invocation, machine)
  const login = yield* loginOptions(invocation)
  const maxTranscript = yield* invocation.size("max-output")
  const options = {
    stepTimeout: yield* invocation.duration("step-timeout"),
    timeout: yield* invocation.duration("timeout"),
    promptTimeout:
      invocation.one("prompt-timeout") === "none" ? (false as const) : yield* invocation.duration("prompt-timeout"),
    maxTranscript: maxTranscript ?? (isJson ? defaultDocumentLimit : undefined)
  }
  yield* Effect.fromResult(SshCommand.toScript(command))
  const result = yield* CommandLimit.spanning(command, options.timeout, (inTime) =>
    Effect.scoped(Effect.flatMap(inTime(reach(login)), (ssh) => ssh.interact(command, steps, options)))
  )
  if (!isJson) {
    const { stdout } = yield* StandardStreams
    yield* stdout(result.transcript.bytes)
    return ExitCode.ofStatus(result)
  }
  yield* printJson({
    machine,
    command: SshCommand.display(command),
    exitCode: result.exitCode,
    signal: result.signal,
    ...outputFields(result.transcript, CapturedOutput.empty),
    steps: steps.map(({ expect }, index) => ({
      expect: expect === undefined ? null : String(expect),
      matches: result.matches[index] ?? 0
    })),
    durationMs: Math.round(result.durationMs),
    outcome: "finished"
  })
  return ExitCode.ofStatus(result)
})
