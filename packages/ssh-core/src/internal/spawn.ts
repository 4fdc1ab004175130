/** One process over a session of its own, with its streams apart and its end known before they are read. */
import { Cause, Deferred, Duration, Effect, Exit, Queue, type Scope, Stream } from "effect"
import { randomBytes } from "node:crypto"
import { goneScript, killScript } from "@toehold/shell/ProcessGroup"
import * as ProcessScript from "@toehold/shell/ProcessScript"
import * as CapturedOutput from "../CapturedOutput.ts"
import * as SshCommand from "../SshCommand.ts"
import * as SshError from "../SshError.ts"
import type { ExitStatus, KillOptions, SpawnedProcess, SpawnOptions } from "../SshExec.ts"
import * as CommandScript from "./commandScript.ts"
import { conclude, type Machine, runOnMachine } from "./execution.ts"
import { Greeting } from "./greeting.ts"
import type { Ending, Greeted, OutputSink, RemoteProcess } from "./remoteProcess.ts"

/** Output of one stream that waits for its reader; past this the stream is held back. */
const highWater = 1024 * 1024

/** A command gets this long to come to what is to be done with its group. */
const reach = Duration.seconds(5)

/** What is left of a group when its leader has ended gets this long to end as well. */
const settleMs = 1000

const gently: KillOptions = { signal: "TERM" }

type Name = "stdout" | "stderr"

interface Output {
  readonly push: (chunk: Buffer, hold: () => void) => void
  readonly over: (isWhole: boolean) => void
  readonly stream: (resume: () => void) => Stream.Stream<Uint8Array, SshError.SshError>
}

const makeOutput = (lost: () => SshError.SshError) =>
  Effect.gen(function* () {
    const queue = yield* Queue.unbounded<Uint8Array, SshError.SshError | Cause.Done>()
    let waiting = 0
    const output: Output = {
      push: (chunk, hold) => {
        waiting += chunk.length
        Queue.offerUnsafe(queue, chunk)
        if (waiting > highWater) hold()
      },
      over: (isWhole) => {
        if (isWhole) Queue.endUnsafe(queue)
        else Queue.failCauseUnsafe(queue, Cause.fail(lost()))
      },
      stream: (resume) =>
        Stream.fromQueue(queue).pipe(
          Stream.mapArray((chunks) => {
            for (const chunk of chunks) waiting -= chunk.length
            if (waiting <= highWater) resume()
            return chunks
          })
        )
    }
    return output
  })

/** Why the process was not started, in the terms of what it was asked to start. */
const notStarted = (command: SshCommand.SshCommand, options: SpawnOptions, verdict: string): SshError.SshError => {
  const [what = "", code = ""] = verdict.split(" ")
  const path = {
    cwd: command.cwd ?? "",
    program: command.kind === "shell" ? "/bin/sh" : ProcessScript.unwrap(command.words[0] ?? ""),
    fifo: options.fifos?.[0]?.path ?? ""
  }[what]
  if (path === undefined) {
    return SshError.make(new SshError.ChannelRefused({ request: "shell", detail: verdict, busy: false }))
  }
  if (code === "ENOENT") return SshError.make(new SshError.NotFound({ path }))
  if (code === "EACCES") return SshError.make(new SshError.PermissionDenied({ path, detail: code }))
  const detail = code === "ENOTDIR" ? "it is not a folder" : "named pipes can't be made there"
  return SshError.make(new SshError.FileFailed({ path, detail }))
}

/** A process waits this long for another one to end that holds the session it could have. */
const patience = Duration.seconds(1)

/**
 * Starts the script over a session of the connection, or over a connection of its own: where it may not wait for a session,
 * and where none comes free soon, for who holds one may wait for this very process.
 */
const open = (
  machine: Machine,
  script: string,
  atOnce: boolean
): Effect.Effect<RemoteProcess, SshError.SshError, Scope.Scope> => {
  const request = {
    script,
    secret: true,
    pty: undefined,
    late: (process: RemoteProcess) => Effect.sync(() => process.abandon())
  }
  const elsewhere = Effect.flatMap(machine.fresh, (sessions) => sessions.start(request))
  return Effect.suspend(() => {
    if (machine.sessions.isDelicate()) return elsewhere
    let hasSession = false
    const onOpen = () => {
      hasSession = true
    }
    const impatience = Effect.andThen(
      Effect.sleep(patience),
      Effect.suspend(() => (hasSession ? Effect.never : Effect.fail(noSession)))
    )
    return Effect.raceFirst(machine.sessions.start({ ...request, atOnce, onOpen }), impatience).pipe(
      Effect.catchIf(
        (error) => error === noSession || (atOnce && error.reason._tag === "ChannelRefused" && error.reason.busy),
        () => elsewhere
      )
    )
  })
}

const noSession = SshError.make(
  new SshError.ChannelRefused({ request: "session", detail: "every session is in use", busy: true })
)

export const spawn = Effect.fnUntraced(function* (
  machine: Machine,
  command: SshCommand.SshCommand,
  options: SpawnOptions
): Effect.fn.Return<SpawnedProcess, SshError.SshError, Scope.Scope> {
  const mark = `toehold-${randomBytes(12).toString("hex")}`
  const script = yield* Effect.fromResult(
    CommandScript.make(command, { ...options, say: (word) => `echo "${mark} ${word}" >&2` })
  )
  const name = SshCommand.display(command)
  const none = { command: name, stdout: CapturedOutput.empty, stderr: CapturedOutput.empty }
  const lost = (status: ExitStatus | undefined) =>
    SshError.make(
      new SshError.ConnectionLost({
        ...none,
        detail: machine.whyClosed() ?? "it ended",
        outcome: status === undefined ? "may-have-run" : "finished"
      })
    )
  let process: RemoteProcess | undefined
  const outputs = {
    stdout: yield* makeOutput(() => lost(process?.status)),
    stderr: yield* makeOutput(() => lost(process?.status))
  }
  const verdict = Deferred.makeUnsafe<string>()
  const control = (process: RemoteProcess): Control => ({ machine, process, name, alone: options.leader ?? false })
  let isReferenced = true

  process = yield* Effect.acquireRelease(
    Effect.tap(open(machine, script, options.atOnce ?? false), (process) =>
      Effect.sync(() => {
        if (options.leader !== true) process.leftovers = (options.kill ?? gently).signal
        process.connect(sinkOf(process, outputs, new Greeting(mark), verdict))
      })
    ),
    (process) => Effect.suspend(() => close(control(process), options.kill ?? gently, isReferenced)),
    { interruptible: true }
  )
  const running = process
  const greeted = yield* Effect.raceFirst(
    Effect.andThen(Deferred.await(verdict), Deferred.await(running.greeted)),
    Effect.flatMap(Deferred.await(running.ended), (ending) =>
      // An end that comes with the verdict comes after it.
      Deferred.isDoneUnsafe(verdict)
        ? Deferred.await(running.greeted)
        : Effect.andThen(
            conclude(machine, running, ending, name, () => none),
            neverBegan
          )
    )
  )
  const word = yield* Deferred.await(verdict)
  if (word !== "ok") return yield* notStarted(command, options, word)

  const exited = Deferred.await(running.exited)
  const closed = Effect.andThen(
    exited,
    Effect.suspend(() => inputClosed(name))
  )
  return {
    pid: greeted.pid,
    stdout: outputs.stdout.stream(() => running.resume("stdout")),
    stderr: outputs.stderr.stream(() => running.resume("stderr")),
    write: (chunk) => running.write(chunk, closed),
    endInput: Effect.sync(() => running.endInput()),
    status: Effect.flatMap(exited, (ending) => statusOf(ending, () => lost(undefined), none)),
    isRunning: Effect.sync(() => !Deferred.isDoneUnsafe(running.exited)),
    kill: (how) => kill(control(running), how),
    unref: Effect.sync(() => {
      isReferenced = false
      return Effect.sync(() => {
        isReferenced = true
      })
    })
  }
})

const neverBegan = Effect.fail(
  SshError.make(
    new SshError.ChannelRefused({ request: "shell", detail: "it ended before the program began", busy: false })
  )
)

const inputClosed = (command: string) => Effect.fail(SshError.make(new SshError.InputClosed({ command })))

const statusOf = (
  ending: Ending,
  lost: () => SshError.SshError,
  none: Pick<SshError.ConnectionLost, "command" | "stdout" | "stderr">
): Effect.Effect<ExitStatus, SshError.SshError> => {
  if (ending.status !== undefined) return Effect.succeed(ending.status)
  if (ending._tag === "Unknown" && !ending.connected) return Effect.fail(lost())
  const detail = "the server closed the channel and gave no exit status"
  return Effect.fail(SshError.make(new SshError.ConnectionLost({ ...none, detail, outcome: "may-have-run" })))
}

/** Takes the line off stderr that says whether the program was started, and passes on what follows it. */
const sinkOf = (
  process: RemoteProcess,
  outputs: Readonly<Record<Name, Output>>,
  greeting: Greeting,
  verdict: Deferred.Deferred<string>
): OutputSink => {
  const pass = (stream: Name, chunk: Buffer): void => {
    if (chunk.length > 0) outputs[stream].push(chunk, () => process.pause(stream))
  }
  return {
    stdout: (chunk) => pass("stdout", chunk),
    stderr: (chunk) => {
      if (greeting.line !== undefined) return pass("stderr", chunk)
      const rest = greeting.push(chunk)
      if (rest === undefined) return
      Deferred.doneUnsafe(verdict, Exit.succeed(greeting.line ?? ""))
      pass("stderr", rest)
    },
    over: (stream, isWhole) => outputs[stream].over(isWhole)
  }
}

interface Control {
  readonly machine: Machine
  readonly process: RemoteProcess
  readonly name: string
  /** Only the process itself is signalled, not its group. */
  readonly alone: boolean
}

const groupOf = ({ alone }: Control, { ownGroup, pid }: Greeted): Greeted => ({
  pid,
  ownGroup: ownGroup && !alone
})

const kill = Effect.fnUntraced(function* (
  control: Control,
  { forceAfter, signal }: KillOptions
): Effect.fn.Return<void, SshError.SshError> {
  const { machine, name, process } = control
  const group = groupOf(control, yield* Deferred.await(process.greeted))
  const target = group.ownGroup ? `-${group.pid}` : String(group.pid)
  const failed = (detail: string) =>
    Effect.fail(SshError.make(new SshError.SignalFailed({ command: name, signal, detail })))
  const lost = failed("the connection was lost")
  if (!/^[A-Z0-9+-]+$/.test(signal)) return yield* failed("no signal has that name")
  const once = `kill -${signal} ${target} 2>/dev/null`
  // The keeper sees to a process whose connection is gone.
  const whenLost = Effect.flatMap(Deferred.await(process.exited), ({ _tag }) =>
    _tag === "Unknown" ? lost : Effect.never
  )
  const ask = (script: string, within: Duration.Duration) =>
    Effect.raceFirst(runOnMachine(machine, script, within), whenLost)
  if (forceAfter === undefined) {
    const word = yield* ask(`if ${once}; then echo sent; else echo none; fi`, reach)
    if (word === "none") return yield* failed("there is no such process any more, or no such signal there")
    if (word === "") return yield* failed("the machine gave no answer")
    yield* Deferred.await(process.exited)
    if (group.ownGroup && !process.isEnded) yield* ask(goneScript({ ...group, withinMs: settleMs }), reach)
    return
  }
  const graceMs = Duration.toMillis(Duration.fromInputUnsafe(forceAfter))
  const script = `if kill -0 ${target} 2>/dev/null; then ${killScript({ ...group, signal, graceMs })}; else echo none; fi`
  const word = yield* ask(script, Duration.sum(Duration.millis(graceMs), reach))
  if (word === "none") return yield* failed("there is no such process any more")
  if (word === "") return yield* failed("the machine gave no answer")
  yield* Deferred.await(process.exited)
})

/** Ends what is left when the scope does. A process that ended by itself costs no round trip. */
const close = Effect.fnUntraced(function* (
  control: Control,
  how: KillOptions,
  isReferenced: boolean
): Effect.fn.Return<void> {
  const { machine, process } = control
  const { keeper } = machine.sessions
  const drain = { stdout: () => undefined, stderr: () => undefined }
  if (!process.isGreeted) return process.abandon()
  const greeted = yield* Deferred.await(process.greeted)
  if (!isReferenced && process.status?.exitCode !== null) {
    process.leftovers = undefined
    keeper.release(greeted)
    return process.connect(drain)
  }
  if (process.isEnded) {
    if (process.leftovers !== undefined) keeper.sweep(greeted, process.leftovers)
    return
  }
  process.connect(drain)
  if (!control.alone || process.status === undefined) yield* Effect.ignore(kill(control, how))
  process.leftovers = undefined
  process.abandon()
})
