/** The steps of an interaction, from pairs of flags or from a JSON file. */
import { Effect, Result, Schema, Stream } from "effect"
import * as SshError from "@toehold/ssh-core/SshError"
import type { Step } from "@toehold/ssh-core/SshInteract"
import { StandardStreams } from "../StandardStreams.ts"
import type { Invocation } from "./commandSpec.ts"
import { parseDuration } from "./duration.ts"
import { secretFromEnvironment } from "./invocation.ts"
import { readBounded } from "./machine.ts"

const maxScriptBytes = 1024 * 1024

const ScriptStep = Schema.Struct({
  expect: Schema.optionalKey(Schema.String),
  pattern: Schema.optionalKey(Schema.String),
  send: Schema.optionalKey(Schema.String),
  sendEnv: Schema.optionalKey(Schema.String),
  enter: Schema.optionalKey(Schema.Boolean),
  timeout: Schema.optionalKey(Schema.String),
  optional: Schema.optionalKey(Schema.Boolean),
  repeat: Schema.optionalKey(Schema.Boolean)
})
type ScriptStep = typeof ScriptStep.Type

const decodeScript = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Array(ScriptStep)), {
  onExcessProperty: "error"
})

const invalid = (argument: string, detail: string): SshError.SshError =>
  SshError.make(new SshError.InvalidArgument({ argument, detail, hint: "See: toehold interact --help" }))

const compile = (name: string, pattern: string): Result.Result<RegExp, SshError.SshError> =>
  Result.try({
    try: () => new RegExp(pattern, "m"),
    catch: (error) => invalid(name, error instanceof Error ? error.message : "it is no regular expression")
  })

const toStep = Effect.fnUntraced(function* (
  name: string,
  { enter, expect, optional, pattern, repeat, send, sendEnv, timeout }: ScriptStep
) {
  if (expect !== undefined && pattern !== undefined) return yield* invalid(name, "it has both expect and pattern")
  if (send !== undefined && sendEnv !== undefined) return yield* invalid(name, "it has both send and sendEnv")
  const limit =
    timeout === undefined
      ? undefined
      : Result.mapError(parseDuration(timeout), (fault) => invalid(`${name}, timeout`, fault))
  const step: Step = {
    expect: pattern === undefined ? expect : yield* Effect.fromResult(compile(`${name}, pattern`, pattern)),
    send: sendEnv === undefined ? send : yield* secretFromEnvironment("send-env", sendEnv),
    timeout: limit === undefined ? undefined : yield* Effect.fromResult(limit),
    enter,
    optional,
    repeat
  }
  return step
})

/** Each expect begins a step, and the send that follows it is its answer. */
const fromFlags = (given: Invocation["given"]): ReadonlyArray<ScriptStep> => {
  const steps: Array<{ -readonly [Key in keyof ScriptStep]: ScriptStep[Key] }> = []
  let open: (typeof steps)[number] | undefined
  for (const [flag, value] of given) {
    if (flag === "expect" || flag === "expect-pattern") {
      open = flag === "expect" ? { expect: value } : { pattern: value }
      steps.push(open)
    } else if (flag === "send" || flag === "send-env") {
      const step = open ?? {}
      if (open === undefined) steps.push(step)
      if (flag === "send") step.send = value
      else step.sendEnv = value
      open = undefined
    }
  }
  return steps
}

const readScript = Effect.fnUntraced(function* (path: string) {
  const { stdin } = yield* StandardStreams
  const bytes =
    path === "-"
      ? Buffer.concat(yield* Stream.runCollect(limited(stdin)))
      : Buffer.from(yield* readBounded(path, maxScriptBytes))
  if (bytes.length > maxScriptBytes) return yield* invalid("--script", `it is larger than ${maxScriptBytes} bytes`)
  return yield* Effect.fromResult(
    Result.mapError(decodeScript(bytes.toString("utf8")), (error) =>
      invalid(`--script ${path}`, error.message.replace(/\s+/g, " ").slice(0, 300))
    )
  )
})

/** Stops at the first chunk past the limit. */
const limited = <E>(stream: Stream.Stream<Uint8Array, E>): Stream.Stream<Uint8Array, E> => {
  let total = 0
  return Stream.takeUntil(stream, (chunk) => (total += chunk.length) > maxScriptBytes)
}

export const readSteps = Effect.fnUntraced(function* (invocation: Invocation) {
  const script = invocation.one("script")
  const flags = fromFlags(invocation.given)
  if (script !== undefined && flags.length > 0) {
    return yield* invocation.usage("The steps are given twice: by --script and by --expect and --send.")
  }
  const steps = script === undefined ? flags : yield* readScript(script)
  if (steps.length === 0) {
    return yield* invocation.usage(
      "There is no step: give --expect and --send, or a --script.",
      "A command that asks nothing is run by: toehold exec MACHINE -- CMD"
    )
  }
  return yield* Effect.forEach(steps, (step, index) => toStep(`Step ${index + 1}`, step))
})
