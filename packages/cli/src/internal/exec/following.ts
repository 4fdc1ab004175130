/** One command on one machine, followed as it runs. */
import { Clock, Effect, Stream } from "effect"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import type { OutputChunk } from "@toehold/ssh-core/SshExec"
import * as ExitCode from "../../ExitCode.ts"
import * as FailureDocument from "../../FailureDocument.ts"
import { type CommandOutput, outputFields } from "../outputDocument.ts"
import { OutputEvents } from "../outputEvents.ts"
import { OutputLimit } from "../outputLimit.ts"
import { QuestionInFailure } from "../questionInFailure.ts"
import { onMachine, type Request } from "./request.ts"

/** Enough to read, little enough to hand to a model. */
const defaultDocumentLimit = 256 * 1024

/** What exec says of one machine, and the exit code that it means. */
export interface Answer {
  readonly document: object
  readonly exitCode: number
}

/** Where output goes as it comes. */
export interface Receiver<E> {
  readonly piece: (
    stream: OutputChunk["stream"],
    piece: { readonly offset: number; readonly bytes: Uint8Array }
  ) => Effect.Effect<void, E>
  readonly gap: (
    stream: OutputChunk["stream"],
    gap: { readonly offset: number; readonly bytes: number }
  ) => Effect.Effect<void, E>
}

export const follow = <E>(request: Request, name: string, receiver: Receiver<E>) =>
  onMachine(request, name, ({ failed, machine, options }) => {
    const { maxOutput } = request
    const limits = { stdout: new OutputLimit(maxOutput), stderr: new OutputLimit(maxOutput) }
    const question = new QuestionInFailure()
    const running = Effect.gen(function* () {
      const { exit, output } = yield* machine.start(request.command, options)
      yield* Stream.runForEach(output, ({ data, stream }) => {
        question.push(stream, data)
        const piece = limits[stream].push(data)
        return piece === undefined ? Effect.void : receiver.piece(stream, piece)
      })
      const status = yield* exit
      for (const stream of ["stdout", "stderr"] as const) {
        const { gap, tail } = limits[stream].end()
        if (gap !== undefined) yield* receiver.gap(stream, gap)
        if (tail !== undefined) yield* receiver.piece(stream, tail)
      }
      return { ...status, ...question.of(status) }
    })
    return Effect.raceFirst(running, failed)
  })

/** The command as one document. */
export const answer = (request: Request, name: string) =>
  onMachine(
    request,
    name,
    Effect.fnUntraced(function* ({ failed, machine, options }) {
      const maxOutput = request.maxOutput ?? defaultDocumentLimit
      const result = yield* Effect.raceFirst(machine.exec(request.command, { ...options, maxOutput }), failed)
      const { exitCode, signal } = result
      return {
        document: {
          machine: name,
          command: SshCommand.display(request.command),
          exitCode,
          signal,
          ...outputFields(result.stdout, result.stderr),
          ...QuestionInFailure.of(result, result),
          durationMs: Math.round(result.durationMs),
          outcome: "finished"
        },
        exitCode: ExitCode.ofStatus(result)
      }
    })
  )

/** How much has come until now. */
export interface Seen {
  stdout: number
  stderr: number
}

/** The command as events; its end is the last of them, however it ends. Fails only where nobody can be told. */
export const events = Effect.fnUntraced(function* <R>(
  request: Request,
  name: string,
  seen: Seen,
  emit: (event: object) => Effect.Effect<void, FailureDocument.Failure, R>
) {
  const begin = yield* Clock.currentTimeMillis
  const durationMs = Effect.map(Clock.currentTimeMillis, (now) => Math.max(0, now - begin))
  const streams = { stdout: new OutputEvents("stdout"), stderr: new OutputEvents("stderr") }
  const counts = () => ({ stdoutBytes: seen.stdout, stderrBytes: seen.stderr })
  const omitted: Partial<Record<"stdout" | "stderr", CommandOutput["omitted"]>> = {}
  const emitAll = (list: ReadonlyArray<object>) => Effect.forEach(list, emit, { discard: true })
  const services = yield* Effect.context<R>()
  return yield* Effect.gen(function* () {
    const status = yield* follow(request, name, {
      piece: (stream, { bytes, offset }) => {
        seen[stream] = offset + bytes.length
        return Effect.provideContext(emitAll(streams[stream].push(bytes, offset)), services)
      },
      gap: (stream, gap) => Effect.sync(() => void Object.assign(omitted, { [stream]: gap }))
    })
    yield* emitAll([...streams.stdout.end(), ...streams.stderr.end()])
    const truncated = Object.keys(omitted).length > 0
    yield* emit({
      event: "exit",
      machine: name,
      command: SshCommand.display(request.command),
      exitCode: status.exitCode,
      signal: status.signal,
      ...counts(),
      truncated,
      ...(truncated ? { omitted } : {}),
      ...(status.prompt === undefined ? {} : { prompt: status.prompt }),
      durationMs: yield* durationMs,
      outcome: "finished"
    })
    return ExitCode.ofStatus(status)
  }).pipe(
    Effect.catch((failure: FailureDocument.Failure) =>
      Effect.gen(function* () {
        // What came before the failure belongs to the caller, and nothing can be told to one that is gone.
        if (failure._tag === "OutputFailed") return yield* failure
        yield* emitAll([...streams.stdout.end(), ...streams.stderr.end()])
        const { error } = FailureDocument.of(failure)
        yield* emit({ event: "error", error, machine: name, ...counts(), durationMs: yield* durationMs })
        return ExitCode.ofExecFailure(failure)
      })
    )
  )
})
