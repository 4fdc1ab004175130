/** `toehold doctor serial:…`: the way to a machine over its console, stage by stage. */
import { Clock, Effect } from "effect"
import * as SerialConsole from "@toehold/serial-runner/SerialConsole"
import type { SerialError } from "@toehold/serial-runner/SerialError"
import * as SerialHub from "@toehold/serial-runner/SerialHub"
import * as SerialShell from "@toehold/serial-runner/SerialShell"
import * as SerialTarget from "@toehold/serial-runner/SerialTarget"
import * as ExitCode from "../../ExitCode.ts"
import * as FailureDocument from "../../FailureDocument.ts"
import type { Handler } from "../commandSpec.ts"
import { plain, print, printJson } from "../print.ts"

interface StageResult {
  readonly name: "port" | "shell" | "command"
  readonly ok: boolean
  readonly durationMs: number
  readonly detail: string
}

/** Says what the account runs, on one line each. */
const probe = 'id -un 2>/dev/null || echo "$LOGNAME"; uname -sm 2>/dev/null || echo unknown'

export const serialDoctor: Handler = (invocation) =>
  Effect.gen(function* () {
    const isJson = invocation.has("json")
    const stages: Array<StageResult> = []

    const stage = <A, R>(
      name: StageResult["name"],
      effect: Effect.Effect<A, SerialError, R>,
      tell: (value: A) => string
    ) =>
      Effect.gen(function* () {
        const begun = yield* Clock.monotonicTimeNanos
        const result = yield* Effect.result(effect)
        const durationMs = Math.round(Number((yield* Clock.monotonicTimeNanos) - begun) / 1e5) / 10
        const ok = result._tag === "Success"
        const detail = ok ? tell(result.success) : result.failure.message
        stages.push({ name, ok, durationMs, detail })
        const line = `${ok ? "ok  " : "FAIL"}  ${name.padEnd(12)}  ${durationMs.toFixed(1).padStart(8)} ms  ${plain(detail)}\n`
        if (!isJson) yield* print(line)
        return ok ? result.success : yield* result.failure
      })

    const check = Effect.gen(function* () {
      const hub = yield* SerialHub.make()
      const opened = Effect.flatMap(Effect.fromResult(SerialTarget.parse(invocation.argument(0))), hub.console)
      const console = yield* stage("port", opened, () => "it is open, and nobody else's")
      const shell = yield* Effect.provideService(SerialShell.make(), SerialConsole.SerialConsole, console)
      yield* stage("shell", shell.identity, ({ uid }) => `a shell of user ${uid}`)
      yield* stage("command", shell.run(probe, { timeout: "30 seconds", maxOutput: 1024 }), ({ stdout }) =>
        stdout.text.trim().split("\n").join(" on ")
      )
    })

    const result = yield* Effect.result(Effect.scoped(check))
    const failure = result._tag === "Failure" ? result.failure : undefined
    const verdict = failure?.message ?? "Ready: commands run and files can be transferred."
    const fix = failure?.fix ?? ""
    if (isJson) {
      const error = failure === undefined ? {} : { error: FailureDocument.of(failure).error }
      yield* printJson({ stages, verdict, fix, ...error })
    } else {
      yield* print(`\n${plain(verdict)}\n${fix === "" ? "" : `${plain(fix)}\n`}`)
    }
    return failure === undefined ? ExitCode.done : ExitCode.ofFailure(failure)
  })
