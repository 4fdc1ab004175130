/** `toehold exec`: one command on one machine, its output as it comes or as documents. */
import { Clock, Deferred, Effect, FileSystem, Stream } from "effect"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import type { OutputChunk, StartOptions } from "@toehold/ssh-core/SshExec"
import * as SshLogin from "@toehold/ssh-core/SshLogin"
import * as ExitCode from "../../ExitCode.ts"
import * as FailureDocument from "../../FailureDocument.ts"
import { StandardStreams } from "../../StandardStreams.ts"
import type { UsageError } from "../../UsageError.ts"
import type { Handler, Invocation, Services } from "../commandSpec.ts"
import { HeartbeatInterval } from "../heartbeat.ts"
import { secretFromEnvironment } from "../invocation.ts"
import { fileFailure, loginOptions, readTarget } from "../machine.ts"
import { type CommandOutput, outputFields } from "../outputDocument.ts"
import { OutputEvents } from "../outputEvents.ts"
import { OutputLimit } from "../outputLimit.ts"
import { note, plain, printJson } from "../print.ts"
import { readCommand } from "../remoteCommand.ts"
import { QuestionInFailure } from "../questionInFailure.ts"

/** Enough to read, little enough to hand to a model. */
const defaultDocumentLimit = 256 * 1024

export const exec: Handler = (invocation) =>
  Effect.gen(function* () {
    const machine = invocation.argument(0)
    if (invocation.has("parallel")) {
      return yield* invocation.usage(
        "--parallel is not supported by this version: exec runs on one machine at a time.",
        "Run the command once for each machine."
      )
    }
    if (invocation.has("json") && invocation.has("ndjson")) {
      return yield* invocation.usage("--json and --ndjson are two ways to print the same: give one.")
    }
    return yield* invocation.has("ndjson") ? runWithEvents(invocation, machine) : run(invocation, machine)
  })

/** What the flags ask for, read before anything is connected. */
const prepare = Effect.fnUntraced(function* (invocation: Invocation, machine: string) {
  const command = yield* readCommand(invocation)
  const target = yield* readTarget(invocation, machine)
  const login = yield* loginOptions(invocation)
  const maxOutput = yield* invocation.size("max-output")
  const { terminal } = yield* StandardStreams
  // The -t of a pasted command line; what the configuration says is for ssh's interactive use.
  const requestTty = target.options.find(({ keyword }) => keyword === "requesttty")?.value ?? "no"
  const isTerminalAsked = invocation.has("pty") || /^(yes|force)$/i.test(requestTty)
  const limits = {
    timeout: yield* invocation.duration("timeout"),
    idleTimeout: yield* invocation.duration("idle-timeout"),
    promptTimeout: yield* readPromptTimeout(invocation),
    sudo: yield* readSudo(invocation),
    pty: isTerminalAsked && (terminal === undefined || { cols: terminal.columns, rows: terminal.rows })
  }
  const input = yield* readInput(invocation)
  // What no script could be made of must fail before the machine is asked for anything.
  yield* Effect.fromResult(SshCommand.toScript(command))
  if (target.forwards.length > 0) {
    yield* note(
      "the forwardings in the machine's name (-L, -R, -D) are not opened by exec; toehold forward opens them."
    )
  }
  if (target.noCommand) yield* note("the -N in the machine's name is ignored: exec runs a command.")
  return { command, target, login, maxOutput, input, options: { ...limits, stdin: input.stdin } satisfies StartOptions }
})

/** Longer than it takes a slow program to go on giving, shorter than anybody wants to wait for nobody. */
const openInputPromptTimeout = 20_000

/** Whether and when a question counts as unanswered; a person at the keyboard has all the time there is. */
const readPromptTimeout = Effect.fnUntraced(function* (
  invocation: Invocation
): Effect.fn.Return<number | false | undefined, UsageError, StandardStreams> {
  if (invocation.one("prompt-timeout") === "none") return false
  const { keyboard } = yield* StandardStreams
  const given = yield* invocation.duration("prompt-timeout")
  if (given !== undefined || invocation.one("stdin") !== "-") return given
  return keyboard === undefined ? openInputPromptTimeout : false
})

const readSudo = Effect.fnUntraced(function* (invocation: Invocation) {
  const name = invocation.one("sudo-password-env")
  if (name !== undefined) return { password: yield* secretFromEnvironment("sudo-password-env", name) }
  return invocation.has("sudo")
})

type Prepared = Effect.Success<ReturnType<typeof prepare>>

/** What the command reads. Its failure comes by a way of its own, as an input that merely ends would be a lie. */
interface Input {
  readonly stdin: Stream.Stream<Uint8Array> | undefined
  readonly failed: Effect.Effect<never, FailureDocument.Failure>
}

const readInput = Effect.fnUntraced(function* (
  invocation: Invocation
): Effect.fn.Return<Input, FailureDocument.Failure, FileSystem.FileSystem | StandardStreams> {
  const from = invocation.one("stdin")
  if (from === undefined) return { stdin: undefined, failed: Effect.never }
  const failure = yield* Deferred.make<never, FailureDocument.Failure>()
  const guarded = (source: Stream.Stream<Uint8Array, FailureDocument.Failure>): Input => ({
    stdin: source.pipe(
      Stream.catch((error) => Stream.fromEffectDrain(Effect.andThen(Deferred.fail(failure, error), Effect.never)))
    ),
    failed: Deferred.await(failure)
  })
  if (from === "-") return guarded((yield* StandardStreams).stdin)
  const fs = yield* FileSystem.FileSystem
  // Opening shows now what would otherwise only show when the machine has been reached.
  yield* Effect.scoped(fs.open(from)).pipe(Effect.mapError((error) => fileFailure(from, error)))
  return guarded(Stream.mapError(fs.stream(from), (error) => fileFailure(from, error)))
})

const run = Effect.fnUntraced(function* (
  invocation: Invocation,
  machine: string
): Effect.fn.Return<number, FailureDocument.Failure, Services> {
  const prepared = yield* prepare(invocation, machine)
  if (invocation.has("json")) return yield* printDocument(prepared, machine)
  const { stderr, stdout } = yield* StandardStreams
  const gaps: Array<string> = []
  const status = yield* stream(prepared, {
    piece: (stream, { bytes }) => (stream === "stdout" ? stdout(bytes) : stderr(bytes)),
    gap: (stream, { bytes, offset }) =>
      Effect.sync(() => void gaps.push(`${bytes} bytes of ${stream} from offset ${offset} on were left out.`))
  })
  yield* Effect.forEach(gaps, note)
  const { prompt } = status
  if (prompt !== undefined)
    yield* note(`the command failed for want of an answer: ${plain(prompt.text)}\n${prompt.fix}`)
  return ExitCode.ofStatus(status)
})

const printDocument = Effect.fnUntraced(function* (
  { command, input, login, maxOutput, options, target }: Prepared,
  machine: string
): Effect.fn.Return<number, FailureDocument.Failure, Services> {
  const result = yield* Effect.gen(function* () {
    const client = yield* SshLogin.connect(target, login)
    return yield* client.exec(command, { ...options, maxOutput: maxOutput ?? defaultDocumentLimit })
  }).pipe(Effect.scoped, Effect.raceFirst(input.failed))
  yield* printJson({
    machine,
    command: SshCommand.display(command),
    exitCode: result.exitCode,
    signal: result.signal,
    ...outputFields(result.stdout, result.stderr),
    ...QuestionInFailure.of(result, result),
    durationMs: Math.round(result.durationMs),
    outcome: "finished"
  })
  return ExitCode.ofStatus(result)
})

/** Where output goes as it comes. */
interface Receiver<E> {
  readonly piece: (
    stream: OutputChunk["stream"],
    piece: { readonly offset: number; readonly bytes: Uint8Array }
  ) => Effect.Effect<void, E>
  readonly gap: (
    stream: OutputChunk["stream"],
    gap: { readonly offset: number; readonly bytes: number }
  ) => Effect.Effect<void, E>
}

const stream = <E>({ command, input, login, maxOutput, options, target }: Prepared, receiver: Receiver<E>) =>
  Effect.gen(function* () {
    const limits = { stdout: new OutputLimit(maxOutput), stderr: new OutputLimit(maxOutput) }
    const question = new QuestionInFailure()
    const client = yield* SshLogin.connect(target, login)
    const running = yield* client.start(command, options)
    yield* Stream.runForEach(running.output, ({ data, stream }) => {
      question.push(stream, data)
      const piece = limits[stream].push(data)
      return piece === undefined ? Effect.void : receiver.piece(stream, piece)
    })
    const status = yield* running.exit
    for (const name of ["stdout", "stderr"] as const) {
      const { gap, tail } = limits[name].end()
      if (gap !== undefined) yield* receiver.gap(name, gap)
      if (tail !== undefined) yield* receiver.piece(name, tail)
    }
    return { ...status, ...question.of(status) }
  }).pipe(Effect.scoped, Effect.raceFirst(input.failed))

/** One event a line, with a sign of life while nothing else happens. */
const runWithEvents = Effect.fnUntraced(function* (
  invocation: Invocation,
  machine: string
): Effect.fn.Return<number, FailureDocument.Failure, Services> {
  const begin = yield* Clock.currentTimeMillis
  const elapsed = Effect.map(Clock.currentTimeMillis, (now) => Math.max(0, now - begin))
  const events = { stdout: new OutputEvents("stdout"), stderr: new OutputEvents("stderr") }
  const seen = { stdout: 0, stderr: 0 }
  const counts = () => ({ stdoutBytes: seen.stdout, stderrBytes: seen.stderr })
  const omitted: Partial<Record<"stdout" | "stderr", CommandOutput["omitted"]>> = {}
  const services = yield* Effect.context<StandardStreams>()
  const emit = (event: object) => printJson(event).pipe(Effect.provideContext(services))
  const emitAll = (list: ReadonlyArray<object>) => Effect.forEach(list, emit, { discard: true })

  const heartbeat = Effect.gen(function* () {
    for (;;) {
      yield* Effect.sleep(yield* HeartbeatInterval)
      yield* emit({ event: "heartbeat", elapsedMs: yield* elapsed, ...counts() })
    }
  })

  const work = Effect.gen(function* () {
    const prepared = yield* prepare(invocation, machine)
    const status = yield* stream(prepared, {
      piece: (name, { bytes, offset }) => {
        seen[name] = offset + bytes.length
        return emitAll(events[name].push(bytes, offset))
      },
      gap: (name, gap) => Effect.sync(() => void Object.assign(omitted, { [name]: gap }))
    })
    yield* emitAll([...events.stdout.end(), ...events.stderr.end()])
    const truncated = Object.keys(omitted).length > 0
    yield* emit({
      event: "exit",
      machine,
      command: SshCommand.display(prepared.command),
      exitCode: status.exitCode,
      signal: status.signal,
      ...counts(),
      truncated,
      ...(truncated ? { omitted } : {}),
      ...(status.prompt === undefined ? {} : { prompt: status.prompt }),
      durationMs: yield* elapsed,
      outcome: "finished"
    })
    return ExitCode.ofStatus(status)
  }).pipe(
    Effect.catch((failure: FailureDocument.Failure) =>
      Effect.gen(function* () {
        // What came before the failure belongs to the caller, and nothing can be told to one that is gone.
        if (failure._tag === "OutputFailed") return yield* failure
        yield* emitAll([...events.stdout.end(), ...events.stderr.end()])
        const { error } = FailureDocument.of(failure)
        yield* emit({ event: "error", error, machine, ...counts(), durationMs: yield* elapsed })
        return ExitCode.ofExecFailure(failure)
      })
    )
  )
  return yield* Effect.raceFirst(work, heartbeat)
})
