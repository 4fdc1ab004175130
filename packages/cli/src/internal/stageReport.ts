/** The way to a machine as `toehold doctor` tells it: stage by stage as they end, and a verdict. */
import { Clock, Effect, Result } from "effect"
import * as ExitCode from "../ExitCode.ts"
import * as FailureDocument from "../FailureDocument.ts"
import type { OutputFailed, StandardStreams } from "../StandardStreams.ts"
import { plain, print, printJson } from "./print.ts"

export interface StageResult<Name extends string> {
  readonly name: Name
  readonly ok: boolean
  readonly durationMs: number
  readonly detail: string
}

/** Something that is wrong. */
export interface Finding {
  /** Who is at fault, in a word. */
  readonly cause: string
  readonly failure: FailureDocument.Failure
}

export interface Verdict {
  /** What keeps the machine from being of use; of several findings the one to begin with. */
  readonly failure: FailureDocument.Failure | undefined
  /** Who is at fault, in a word. */
  readonly cause?: string | undefined
  /** What else is wrong. */
  readonly others?: ReadonlyArray<Finding>
  /** Where nothing failed: what to say, and what there is to mend. */
  readonly good: { readonly verdict: string; readonly fix: string }
}

export const ready = { verdict: "Ready: commands run and files can be transferred.", fix: "" }

/** Says what the account runs, on one line each. */
export const shellProbe = 'id -un 2>/dev/null || echo "$LOGNAME"; uname -sm 2>/dev/null || echo unknown'

/** What {@link shellProbe} printed. */
export const shellFound = ({ stdout }: { readonly stdout: { readonly text: string } }): string =>
  stdout.text.trim().split("\n").join(" on ")

const round = (durationMs: number): number => Math.round(durationMs * 10) / 10

/** Milliseconds from when it runs until what it answers runs. */
export const sinceWhen = Effect.map(Clock.monotonicTimeNanos, (begin) =>
  Effect.map(Clock.monotonicTimeNanos, (now) => Number(now - begin) / 1e6)
)

export interface Options<Name extends string> {
  readonly isJson: boolean
  readonly labelOf?: (name: Name) => string
  /** A stage that others can do without. */
  readonly isOptional?: (name: Name) => boolean
}

export const make = <Name extends string>({
  isJson,
  isOptional = () => false,
  labelOf = (name) => name
}: Options<Name>) => {
  const stages: Array<StageResult<Name>> = []

  const add = (stage: StageResult<Name>): Effect.Effect<void, OutputFailed, StandardStreams> => {
    const durationMs = round(stage.durationMs)
    const { detail, name, ok } = stage
    stages.push({ name, ok, durationMs, detail })
    const mark = ok ? "ok  " : isOptional(name) ? "warn" : "FAIL"
    return isJson
      ? Effect.void
      : print(`${mark}  ${labelOf(name).padEnd(12)}  ${durationMs.toFixed(1).padStart(8)} ms  ${plain(detail)}\n`)
  }

  /** Runs a stage, and adds it whichever way it ends. */
  const run = <A, E extends FailureDocument.Failure, R>(
    name: Name,
    effect: Effect.Effect<A, E, R>,
    tell: (value: A) => string
  ): Effect.Effect<Result.Result<A, E>, OutputFailed, R | StandardStreams> =>
    Effect.gen(function* () {
      const elapsed = yield* sinceWhen
      const result = yield* Effect.result(effect)
      const durationMs = yield* elapsed
      const ok = Result.isSuccess(result)
      yield* add({ name, ok, durationMs, detail: ok ? tell(result.success) : result.failure.message })
      return result
    })

  /** Prints what it comes to, and answers the exit code. */
  const finish = Effect.fnUntraced(function* ({ cause, failure, good, others = [] }: Verdict) {
    const verdict = failure?.message ?? good.verdict
    const fix = failure?.fix ?? good.fix
    if (isJson) {
      yield* printJson({
        stages,
        verdict,
        ...(cause === undefined ? {} : { cause }),
        fix,
        ...(others.length === 0
          ? {}
          : { others: others.map(({ cause, failure: { fix, message } }) => ({ cause, verdict: message, fix })) }),
        ...(failure === undefined ? {} : { error: FailureDocument.of(failure).error })
      })
    } else {
      yield* print(
        `\n${cause === undefined ? "" : `At fault: ${cause}. `}${plain(verdict)}\n${fix === "" ? "" : `${plain(fix)}\n`}`
      )
      for (const other of others) {
        yield* print(`\nAnd: ${other.cause}. ${plain(other.failure.message)}\n${plain(other.failure.fix)}\n`)
      }
    }
    return failure === undefined ? ExitCode.done : ExitCode.ofFailure(failure)
  })

  return { stages, add, run, finish }
}
