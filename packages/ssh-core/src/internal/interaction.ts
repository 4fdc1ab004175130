/** Goes through the steps of an interaction with a command in a terminal. */
import { Clock, Deferred, Duration, Effect, Queue, Redacted, type Scope, Stream } from "effect"
import type * as CapturedOutput from "../CapturedOutput.ts"
import * as CapturedOutput_ from "../CapturedOutput.ts"
import * as SshCommand from "../SshCommand.ts"
import * as SshError from "../SshError.ts"
import type { RunningCommand, StartOptions } from "../SshExec.ts"
import type { Options, Result, Step } from "../SshInteract.ts"
import { OutputCapture } from "@toehold/shell/OutputCapture"
import { type Answer, Expectation, windowLength } from "./expectation.ts"
import { SecretMask } from "./secretMask.ts"

type Start = (
  command: SshCommand.SshCommand,
  options: StartOptions
) => Effect.Effect<RunningCommand, SshError.SshError, Scope.Scope>

const defaultTerminal = { rows: 50, cols: 200, term: "dumb" }
const defaultStepTimeout = Duration.seconds(30)
const defaultPromptTimeout = Duration.seconds(2)
const defaultMaxTranscript = 1024 * 1024

/** More than any password or prompt. */
const maxTextLength = windowLength / 2

const maxSteps = 1000

const invalid = (argument: string, detail: string, hint?: string): SshError.SshError =>
  SshError.make(new SshError.InvalidArgument({ argument, detail, ...(hint === undefined ? {} : { hint }) }))

const textOf = (send: Step["send"]): string | undefined => (Redacted.isRedacted(send) ? Redacted.value(send) : send)

const faultOf = (name: string, step: Omit<Step, "timeout">): SshError.SshError | undefined => {
  const { expect } = step
  if (expect === undefined) {
    if (step.send === undefined) return invalid(name, "it neither waits for anything nor types anything")
    if (Redacted.isRedacted(step.send)) {
      return invalid(name, "it types a secret without waiting for a question", "Give it the prompt to wait for.")
    }
    if (step.optional === true || step.repeat === true)
      return invalid(name, "it waits for nothing that could stay away")
  }
  if (expect === "") return invalid(name, "the text that it waits for is empty")
  const waits = typeof expect === "string" ? expect.length : 0
  if (waits > maxTextLength || (Redacted.isRedacted(step.send) && (textOf(step.send) ?? "").length > maxTextLength)) {
    return invalid(name, `a text that is waited for, or a secret, can't be longer than ${maxTextLength} characters`)
  }
  return undefined
}

/** What is wrong with the steps as a whole, before anything runs. */
const check = (steps: ReadonlyArray<Step>, always: ReadonlyArray<Step>): SshError.SshError | undefined => {
  if (steps.length + always.length > maxSteps) return invalid("The steps", `there are more than ${maxSteps}`)
  for (const [index, step] of steps.entries()) {
    const name = `Step ${index + 1}`
    const fault = faultOf(name, step)
    if (fault !== undefined) return fault
    const before = steps[index - 1]
    if (step.expect === undefined && (before?.optional === true || before?.repeat === true)) {
      return invalid(name, "it types at once, so that the step before it could never come", "Give it an expect.")
    }
  }
  for (const [index, answer] of always.entries()) {
    const name = `Answer ${index + 1}`
    if (answer.expect === undefined) return invalid(name, "it waits for nothing")
    const fault = faultOf(name, answer)
    if (fault !== undefined) return fault
  }
  return undefined
}

const shown = (expect: Step["expect"]): string => {
  const text = typeof expect === "string" ? JSON.stringify(expect) : String(expect)
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}

/** The failure of a command, with what its terminal showed. */
const withTranscript = (
  error: SshError.SshError,
  transcript: () => CapturedOutput.CapturedOutput,
  mask: (text: string) => string
): SshError.SshError => {
  const { reason } = error
  switch (reason._tag) {
    case "CommandTimeout":
      return SshError.make(new SshError.CommandTimeout({ ...reason, stdout: transcript() }))
    case "ConnectionLost":
      return SshError.make(new SshError.ConnectionLost({ ...reason, stdout: transcript() }))
    case "PromptDetected":
      return SshError.make(
        new SshError.PromptDetected({ ...reason, prompt: mask(reason.prompt), stdout: transcript() })
      )
    default:
      return error
  }
}

export const run = (
  start: Start,
  command: SshCommand.SshCommand,
  steps: ReadonlyArray<Step>,
  options: Options
): Effect.Effect<Result, SshError.SshError> =>
  Effect.gen(function* () {
    const always = options.always ?? []
    const fault = check(steps, always)
    if (fault !== undefined) return yield* fault
    const begun = yield* Clock.monotonicTimeNanos
    const secrets = [...steps, ...always].flatMap(({ send }) =>
      Redacted.isRedacted(send) ? [Redacted.value(send)] : []
    )
    const mask = new SecretMask(secrets)
    const capture = new OutputCapture(options.maxTranscript ?? defaultMaxTranscript)
    let isCaptured = false
    const transcript = (): CapturedOutput.CapturedOutput => {
      if (!isCaptured) capture.push(mask.end())
      isCaptured = true
      return capture.result()
    }

    const input = yield* Queue.unbounded<Uint8Array>()
    const type = (answers: ReadonlyArray<Answer>): void => {
      for (const { enter = true, send } of answers) {
        const text = `${textOf(send) ?? ""}${send !== undefined && enter ? "\r" : ""}`
        if (text !== "") Queue.offerUnsafe(input, new TextEncoder().encode(text))
      }
    }
    const running = yield* start(command, {
      pty: { ...defaultTerminal, ...options.pty, echo: false },
      stdin: Stream.fromQueue(input),
      timeout: options.timeout,
      killGrace: options.killGrace,
      promptTimeout: options.promptTimeout ?? defaultPromptTimeout
    })
    const clock = yield* Clock.Clock
    const expectation = new Expectation(steps, always)
    let lastMatch = clock.monotonicTimeNanosUnsafe()
    let matched = Deferred.makeUnsafe<void>()
    type(expectation.due())
    const reading = Stream.runForEach(running.output, ({ data }) =>
      Effect.sync(() => {
        capture.push(mask.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength)))
        const answers = expectation.push(data)
        if (answers.length === 0) return
        lastMatch = clock.monotonicTimeNanosUnsafe()
        Deferred.doneUnsafe(matched, Effect.void)
        type(answers)
      })
    )

    const limitOf = (index: number): Duration.Duration =>
      Duration.fromInputUnsafe(steps[index]?.timeout ?? options.stepTimeout ?? defaultStepTimeout)
    const details = (index: number) => ({
      command: SshCommand.display(command),
      stdout: transcript(),
      stderr: CapturedOutput_.empty,
      step: index,
      steps: steps.length,
      expected: shown(steps[index]?.expect)
    })
    /** Ends with the step that did not come within its time. */
    const overdue = Effect.gen(function* () {
      for (;;) {
        matched = Deferred.makeUnsafe()
        const index = expectation.owed
        if (index === undefined) return yield* Effect.never
        const spent = Duration.nanos((yield* Clock.monotonicTimeNanos) - lastMatch)
        const left = Duration.subtract(limitOf(index), spent)
        if (Duration.toMillis(left) <= 0) return index
        yield* Effect.timeoutOption(Deferred.await(matched), left)
      }
    })
    const ended = Effect.andThen(reading, running.exit).pipe(
      Effect.mapError((error) => withTranscript(error, transcript, (text) => SecretMask.apply(secrets, text)))
    )
    const verdict = yield* Effect.raceFirst(ended, overdue)
    if (typeof verdict === "number") {
      const killed = yield* running.kill()
      const timeoutMs = Duration.toMillis(limitOf(verdict))
      return yield* SshError.make(new SshError.ExpectTimeout({ ...details(verdict), timeoutMs, killed }))
    }
    const { owed } = expectation
    if (owed !== undefined) return yield* SshError.make(new SshError.ExpectEnded({ ...details(owed), ...verdict }))
    return {
      ...verdict,
      transcript: transcript(),
      matches: expectation.counts,
      durationMs: Number((yield* Clock.monotonicTimeNanos) - begun) / 1e6
    }
  }).pipe(Effect.scoped)
