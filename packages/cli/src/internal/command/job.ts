/** `toehold job`: detached work on a machine, from its start to its clearing away. */
import { Effect, FileSystem, Stream } from "effect"
import { type ChildProcess, ChildProcessSpawner } from "effect/process"
import type { JobEvent, StreamName } from "@toehold/jobs/JobOutput"
import * as Jobs from "@toehold/jobs/Jobs"
import type * as JobSpec from "@toehold/jobs/JobSpec"
import { isDone, type JobStatus } from "@toehold/jobs/JobStatus"
import * as SshError from "@toehold/ssh-core/SshError"
import * as ExitCode from "../../ExitCode.ts"
import type { Failure } from "../../FailureDocument.ts"
import { StandardStreams } from "../../StandardStreams.ts"
import { readEnvironment, readWords } from "../commandFlags.ts"
import type { Handler, Invocation, Services } from "../commandSpec.ts"
import { pieceDocument, statusDocument, statusLine } from "../jobDocument.ts"
import { openMachine, readBounded } from "../machine.ts"
import { OutputEvents } from "../outputEvents.ts"
import { note, print, printJson } from "../print.ts"

type Service = Jobs.Jobs["Service"]

/** The jobs of the machine that the first argument names. */
const withJobs = (
  invocation: Invocation,
  use: (jobs: Service) => Effect.Effect<number, Failure, Services>
): Effect.Effect<number, Failure, Services> =>
  Effect.gen(function* () {
    const machine = yield* openMachine(invocation, invocation.argument(0))
    const jobs = yield* Jobs.make().pipe(
      Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, machine.processes)
    )
    return yield* use(jobs)
  }).pipe(Effect.scoped)

const printStatus = (invocation: Invocation, status: JobStatus) =>
  invocation.has("json") ? printJson(statusDocument(status)) : print(`${statusLine(status)}\n`)

/** A job's input is kept on the machine's disk, and in memory on the way. */
const maxInputBytes = 64 * 1024 * 1024

const readInput = Effect.fnUntraced(function* (
  invocation: Invocation
): Effect.fn.Return<Uint8Array | undefined, Failure, FileSystem.FileSystem | StandardStreams> {
  const from = invocation.one("stdin")
  if (from === undefined) return undefined
  if (from !== "-") return yield* readBounded(from, maxInputBytes)
  const { stdin } = yield* StandardStreams
  let size = 0
  const chunks = yield* Stream.runCollect(
    Stream.takeUntil(stdin, (chunk) => {
      size += chunk.length
      return size > maxInputBytes
    })
  )
  if (size <= maxInputBytes) return Buffer.concat(chunks)
  return yield* SshError.make(
    new SshError.InvalidArgument({
      argument: "--stdin -",
      detail: `the input is larger than ${maxInputBytes} bytes`,
      hint: "Put it into a file on the machine first, and let the command read that."
    })
  )
})

const readSpec = Effect.fnUntraced(function* (invocation: Invocation) {
  const { kind, words } = yield* readWords(invocation)
  const spec: JobSpec.JobSpec = {
    kind,
    words,
    id: invocation.one("name"),
    cwd: invocation.one("cwd"),
    env: yield* readEnvironment(invocation),
    timeLimit: yield* invocation.duration("timeout"),
    maxOutput: yield* invocation.size("max-output"),
    stdin: yield* readInput(invocation)
  }
  return spec
})

export const jobStart: Handler = (invocation) =>
  Effect.flatMap(readSpec(invocation), (spec) =>
    withJobs(invocation, (jobs) =>
      Effect.gen(function* () {
        const status = yield* jobs.start(spec)
        yield* invocation.has("json") ? printJson(statusDocument(status)) : print(`${status.id}\n`)
        return ExitCode.done
      })
    )
  )

export const jobList: Handler = (invocation) =>
  withJobs(invocation, (jobs) =>
    Effect.gen(function* () {
      const found = yield* jobs.list
      yield* invocation.has("json")
        ? printJson({ jobs: found.map(statusDocument) })
        : Effect.forEach(found, (status) => print(`${statusLine(status)}\n`), { discard: true })
      return ExitCode.done
    })
  )

export const jobStatus: Handler = (invocation) =>
  withJobs(invocation, (jobs) =>
    Effect.gen(function* () {
      yield* printStatus(invocation, yield* jobs.status(invocation.argument(1)))
      return ExitCode.done
    })
  )

export const jobWait: Handler = (invocation) =>
  Effect.flatMap(invocation.duration("timeout"), (timeout) =>
    withJobs(invocation, (jobs) =>
      Effect.gen(function* () {
        const status = yield* jobs.wait(invocation.argument(1), { timeout })
        yield* printStatus(invocation, status)
        return status.state._tag === "Exited" && status.state.exitCode === 0 ? ExitCode.done : ExitCode.failed
      })
    )
  )

/** The machine says whether it knows the signal. */
const isSignal = (name: string): name is ChildProcess.Signal => /^SIG[A-Z0-9]{1,12}$/.test(name)

const readSignal = Effect.fnUntraced(function* (invocation: Invocation) {
  const given = invocation.one("signal")
  if (given === undefined) return undefined
  const name = `SIG${given.toUpperCase().replace(/^SIG/, "")}`
  return isSignal(name) ? name : yield* invocation.usage(`--signal ${given}: it is no signal, such as INT or USR1.`)
})

export const jobKill: Handler = (invocation) =>
  Effect.flatMap(readSignal(invocation), (killSignal) =>
    withJobs(invocation, (jobs) =>
      Effect.gen(function* () {
        const status = yield* jobs.kill(invocation.argument(1), { killSignal })
        yield* printStatus(invocation, status)
        // A signal that asks for something else may well leave the job running.
        return isDone(status) || killSignal !== undefined ? ExitCode.done : ExitCode.failed
      })
    )
  )

export const jobForget: Handler = (invocation) =>
  withJobs(invocation, (jobs) =>
    Effect.gen(function* () {
      const id = invocation.argument(1)
      yield* jobs.forget(id)
      yield* invocation.has("json") ? printJson({ id }) : print(`forgotten  ${id}\n`)
      return ExitCode.done
    })
  )

export const jobPrune: Handler = (invocation) =>
  Effect.flatMap(invocation.duration("older-than"), (olderThan) =>
    withJobs(invocation, (jobs) =>
      Effect.gen(function* () {
        const removed = yield* jobs.prune({ olderThan })
        yield* invocation.has("json")
          ? printJson({ removed: removed.map(statusDocument) })
          : Effect.forEach(removed, (status) => print(`forgotten  ${statusLine(status)}\n`), { discard: true })
        return ExitCode.done
      })
    )
  )

interface Wanted {
  readonly id: string
  readonly stream: StreamName
  readonly from: number
}

export const jobLogs: Handler = (invocation) =>
  Effect.gen(function* () {
    const from = yield* readOffset(invocation)
    const stream: StreamName = invocation.one("stream") === "stderr" ? "stderr" : "stdout"
    const wanted: Wanted = { id: invocation.argument(1), stream, from }
    const isJson = invocation.has("json")
    return yield* withJobs(invocation, (jobs) =>
      Effect.as(
        invocation.has("follow")
          ? isJson
            ? followDocuments(jobs, wanted)
            : followBytes(jobs, wanted)
          : isJson
            ? printPiece(jobs, wanted)
            : printAll(jobs, wanted),
        ExitCode.done
      )
    )
  })

const readOffset = Effect.fnUntraced(function* (invocation: Invocation) {
  const text = invocation.one("from") ?? "0"
  return /^\d{1,15}$/.test(text) ? Number(text) : yield* invocation.usage(`--from ${text}: it is no offset in bytes.`)
})

const noteGap = (stream: StreamName, { from, to }: { readonly from: number; readonly to: number }) =>
  note(`${to - from} bytes of ${stream} from offset ${from} on were not kept.`)

/** Enough to read, little enough to hand to a model. */
const documentBytes = 256 * 1024

const printPiece = Effect.fnUntraced(function* (jobs: Service, { from, id, stream }: Wanted) {
  const piece = yield* jobs.read(id, { stream, offset: from, maxBytes: documentBytes })
  yield* printJson(pieceDocument(piece))
})

/** Bytes that are asked for at once. */
const pieceBytes = 8 * 1024 * 1024

const printAll = Effect.fnUntraced(function* (jobs: Service, { from, id, stream }: Wanted) {
  const { stdout } = yield* StandardStreams
  let offset = from
  for (;;) {
    const piece = yield* jobs.read(id, { stream, offset, maxBytes: pieceBytes })
    if (piece.gap !== undefined) yield* noteGap(stream, piece.gap)
    yield* stdout(piece.data)
    if (piece.done || piece.nextOffset === offset) return
    offset = piece.nextOffset
  }
})

const eventsOf = (jobs: Service, { from, id, stream }: Wanted) =>
  jobs.follow(id, { streams: [stream], from: { [stream]: from } })

const followBytes = Effect.fnUntraced(function* (jobs: Service, wanted: Wanted) {
  const { stdout } = yield* StandardStreams
  const write = (event: JobEvent) =>
    event._tag === "Output" ? stdout(event.data) : event._tag === "Gap" ? noteGap(event.stream, event) : Effect.void
  yield* Stream.runForEach(eventsOf(jobs, wanted), write)
})

const followDocuments = Effect.fnUntraced(function* (jobs: Service, wanted: Wanted) {
  const output = new OutputEvents(wanted.stream)
  let next = wanted.from
  output.push(new Uint8Array(0), next)
  const emit = Effect.fnUntraced(function* (events: ReturnType<OutputEvents["end"]>) {
    for (const { data, encoding, offset } of events) {
      next = offset + Buffer.byteLength(data, encoding)
      yield* printJson({ data, encoding, offset, nextOffset: next, done: false })
    }
  })
  const last = (fields: object) =>
    Effect.suspend(() =>
      printJson({ data: "", encoding: "utf8", offset: next, nextOffset: next, done: false, ...fields })
    )
  yield* Stream.runForEach(
    eventsOf(jobs, wanted),
    Effect.fnUntraced(function* (event: JobEvent) {
      if (event._tag === "Output") return yield* emit(output.push(event.data, event.offset))
      yield* emit(output.end())
      if (event._tag === "Ended") return yield* last({ done: true })
      next = event.to
      yield* last({ gap: { from: event.from, to: event.to } })
    })
  )
})
