/** Runs one command over the sessions of a connection: input, output, limits, and the kill that makes limits real. */
import { type Cause, Clock, Deferred, Duration, Effect, Exit, Fiber, Option, Queue, type Scope, Stream } from "effect"
import * as CapturedOutput from "../CapturedOutput.ts"
import { RequestedAt } from "../CommandLimit.ts"
import * as SshCommand from "../SshCommand.ts"
import * as SshError from "../SshError.ts"
import type { ExecOptions, ExecResult, ExitStatus, OutputChunk, RunningCommand, StartOptions } from "../SshExec.ts"
import { OutputCapture } from "@toehold/shell/OutputCapture"
import type { Pty } from "./channel.ts"
import { type Asked, firstLimit, limitsOf, type Over, outOfLimit, over } from "./commandLimits.ts"
import { killScript } from "@toehold/shell/ProcessGroup"
import { runForOutput } from "./ownScript.ts"
import { inputWait, PromptWatch, questionAfter, watched } from "./promptWatch.ts"
import type { Ending, OutputSink, RemoteProcess } from "./remoteProcess.ts"
import type { Sessions } from "./sessions.ts"
import { SudoTalk } from "./sudo.ts"

export interface Machine {
  readonly account: { readonly host: string; readonly user: string }
  readonly sessions: Sessions
  /** Why the connection ended, in words, once it did. */
  readonly whyClosed: () => string | undefined
  /** Sessions of a connection of their own, for a kill where the first one has none left. */
  readonly fresh: Effect.Effect<Sessions, SshError.SshError, Scope.Scope>
}

const defaultMaxOutput = 16 * 1024 * 1024

/** Output that waits for a slow reader; past this the flow is held back. */
const highWater = 1024 * 1024

const ptyOf = (option: StartOptions["pty"]): Pty | undefined => {
  if (option === undefined || option === false) return undefined
  const size = option === true ? { rows: 24, cols: 80 } : { rows: option.rows, cols: option.cols }
  const { echo = true, term = "xterm-256color" } = option === true ? {} : option
  return { ...size, term, echo }
}

/** The options that are about the process itself. */
interface LaunchOptions extends Omit<StartOptions, "stdin" | "promptTimeout"> {
  /** Silence after which a question counts as unanswered, where there is anything to be answered. */
  readonly questionAfter: Duration.Duration | undefined
  /** It ends another command, and is not ended by one of its own kind. */
  readonly isKill: boolean
}

const launchOptions = <E, R>({ promptTimeout, stdin, ...rest }: StartOptions<E, R>, isKill = false): LaunchOptions => ({
  ...rest,
  isKill,
  questionAfter: questionAfter(promptTimeout, {
    hasTerminal: ptyOf(rest.pty) !== undefined,
    isOpen: isStream<E, R>(stdin)
  })
})

type Captured = () => { readonly stdout: CapturedOutput.CapturedOutput; readonly stderr: CapturedOutput.CapturedOutput }

const nothingCaptured: Captured = () => ({ stdout: CapturedOutput.empty, stderr: CapturedOutput.empty })

/** One command under way, with its output going to a sink. */
interface Launched {
  readonly process: RemoteProcess
  /** To be told of the input that the command is given. */
  readonly watch: PromptWatch | undefined
  /** Done when the command may be given input. */
  readonly isReady: Effect.Effect<unknown>
  /** To be run once. */
  readonly exit: Effect.Effect<ExitStatus, SshError.SshError>
  readonly kill: (signal: string) => Effect.Effect<boolean>
}

/**
 * Starts a command with its output going to `sink`, which is called in the driver's own callback. The scope's end
 * before the command's kills the process group.
 */
const launch = Effect.fnUntraced(function* (
  machine: Machine,
  command: SshCommand.SshCommand,
  options: LaunchOptions,
  makeSink: (process: RemoteProcess) => OutputSink,
  captured: Captured
): Effect.fn.Return<Launched, SshError.SshError, Scope.Scope> {
  const plain = yield* Effect.fromResult(SshCommand.toScript(command))
  const sudo = yield* Effect.fromResult(SudoTalk.make(options, plain))
  const script = sudo?.script ?? plain
  const limits = limitsOf(options)
  const name = SshCommand.display(command)
  const killing = (process: RemoteProcess, signal: string) =>
    killProcess(machine, process, signal, limits.killGrace, options.isKill ? undefined : options.sudo)
  const asked = yield* Clock.monotonicTimeNanos
  const begun = (yield* RequestedAt) ?? asked
  let sent = false
  const starting = machine.sessions.start({
    script,
    secret: sudo === undefined && SshCommand.hasSecrets(command),
    pty: ptyOf(options.pty),
    onSend: () => {
      sent = true
    },
    late: (process) => {
      process.connect({ stdout: ignore, stderr: ignore })
      return killing(process, "TERM")
    }
  })
  const process = yield* Effect.acquireRelease(
    // The limits hold while the server owes the answer, too: it may never come.
    Option.match(firstLimit(limits, Duration.nanos(asked - begun)), {
      onNone: () => starting,
      onSome: ({ left, over }) =>
        Effect.timeoutOrElse(starting, {
          duration: left,
          orElse: () =>
            Effect.suspend(() => {
              const outcome = sent ? "may-have-run" : "did-not-run"
              return Effect.fail(outOfLimit(over, { command: name, ...captured(), killed: false, outcome }))
            })
        })
    }),
    (process) => (process.isEnded ? Effect.void : killing(process, "TERM")),
    { interruptible: true }
  )
  const watch = options.questionAfter === undefined ? undefined : new PromptWatch()
  const given = watched(makeSink(process), watch)
  const sink = sudo?.sink(process, given) ?? given
  const clock = yield* Clock.Clock
  let lastOutput = clock.monotonicTimeNanosUnsafe()
  if (limits.idleTimeout === undefined) {
    process.connect(sink)
  } else {
    const noting = (forward: (chunk: Buffer) => void) => (chunk: Buffer) => {
      lastOutput = clock.monotonicTimeNanosUnsafe()
      forward(chunk)
    }
    process.connect({ stdout: noting(sink.stdout), stderr: noting(sink.stderr) })
  }

  const ended = Deferred.await(process.ended)
  const outOfTime = (limit: Duration.Duration) =>
    Effect.gen(function* () {
      const spent = Duration.nanos((yield* Clock.monotonicTimeNanos) - begun)
      yield* Effect.sleep(Duration.subtract(limit, spent))
      return over("CommandTimeout", limit)
    })
  const outOfPatience = Effect.fnUntraced(function* (limit: Duration.Duration) {
    const limitNanos = BigInt(Math.ceil(Duration.toMillis(limit) * 1e6))
    for (;;) {
      const quiet = (yield* Clock.monotonicTimeNanos) - lastOutput
      if (quiet >= limitNanos) return over("IdleTimeout", limit)
      yield* Effect.sleep(Duration.nanos(limitNanos - quiet))
    }
  })
  const terminal = ptyOf(options.pty)
  let verdict: Effect.Effect<Ending | Over | Asked | Effect.Success<SudoTalk["overdue"]>> = ended
  if (sudo !== undefined) verdict = Effect.raceFirst(verdict, sudo.overdue)
  if (watch !== undefined && options.questionAfter !== undefined) {
    const probe = inputWait(machine.sessions, process, terminal?.echo === false)
    const question = watch.question({ after: options.questionAfter, probe, isTerminal: terminal !== undefined })
    verdict = Effect.raceFirst(
      verdict,
      Effect.map(question, (prompt): Asked => ({ _tag: "Asked", prompt }))
    )
  }
  if (limits.timeout !== undefined) verdict = Effect.raceFirst(verdict, outOfTime(limits.timeout))
  if (limits.idleTimeout !== undefined) verdict = Effect.raceFirst(verdict, outOfPatience(limits.idleTimeout))

  // The kill comes after the race is decided: else the end that it brings about would win it.
  const exit = Effect.gen(function* () {
    const reached = yield* verdict
    if (reached._tag === "Exited" || reached._tag === "Unknown") {
      if (sudo?.isReady === false) return yield* sudo.refusal(reached, machine.whyClosed() ?? "it ended", name)
      return yield* conclude(machine, process, reached, name, captured)
    }
    sudo?.giveUp()
    const killed = yield* killing(process, "TERM")
    if (reached._tag === "Refused") return yield* reached.error
    const outcome = sudo?.isReady === false ? "did-not-run" : "may-have-run"
    return yield* outOfLimit(reached, { command: name, ...captured(), killed, outcome })
  })
  const isReady = sudo === undefined ? Effect.void : Effect.raceFirst(Deferred.await(sudo.ready), ended)
  const kill = (signal: string) =>
    Effect.suspend(() => {
      process.wasKilled = true
      return killing(process, signal)
    })
  return { process, watch, isReady, exit, kill }
})

/** What sshd and its `passwd` say in place of running anything. */
const passwordExpired = /^.*password (?:has expired|change required).*$/im

/** The end of a command, from the end of its channel. */
export const conclude = (
  machine: Machine,
  process: RemoteProcess,
  ending: Ending,
  command: string,
  captured: Captured
): Effect.Effect<ExitStatus, SshError.SshError> => {
  // A kill that is asked for at once may come before the shell has read what it is to run.
  const isOver =
    ending._tag === "Exited" && (process.hasStarted || (process.wasKilled && ending.status.signal !== null))
  if (isOver) return Effect.succeed(ending.status)
  if (ending._tag === "Exited" || (ending.connected && !process.hasStarted)) {
    const expired = passwordExpired.exec(process.noise)
    if (expired !== null) {
      return Effect.fail(SshError.make(new SshError.PasswordExpired({ ...machine.account, prompt: expired[0] })))
    }
    // A shell that waited for its command and ended before it read one, for a time limit of its own, can be replaced.
    const detail = process.isGreeted ? "the waiting shell ended" : process.noise || "the login ended without a word"
    const reason = new SshError.ChannelRefused({ request: "shell", detail, busy: process.isGreeted })
    return Effect.fail(SshError.make(reason))
  }
  const detail = ending.connected
    ? "the server closed the channel and gave no exit status"
    : (machine.whyClosed() ?? "it ended")
  const outcome = !process.wasSent ? "did-not-run" : ending.status === undefined ? "may-have-run" : "finished"
  return Effect.fail(SshError.make(new SshError.ConnectionLost({ command, ...captured(), detail, outcome })))
}

/** A command gets this long to come to its kill before a second connection is tried, or the attempt is given up. */
const killWithin = Duration.seconds(3)

/**
 * Ends the process group, and says whether it is gone. A signal request on the channel would do only where the server
 * allows it (root logins of OpenSSH before 9.8 refuse them), so a command of its own does it.
 */
const killProcess = (
  machine: Machine,
  process: RemoteProcess,
  signal: string,
  grace: Duration.Duration,
  sudo: StartOptions["sudo"]
): Effect.Effect<boolean> => {
  const attempt = Effect.gen(function* () {
    if (process.isEnded) return true
    // Who the command is shows when the login is through with its own files.
    const greeted = yield* Effect.raceFirst(
      Effect.asSome(Deferred.await(process.greeted)),
      Effect.as(Deferred.await(process.ended), Option.none())
    ).pipe(Effect.timeoutOrElse({ duration: grace, orElse: () => Effect.succeedNone }))
    if (Option.isNone(greeted)) return process.isEnded
    const { pid, ownGroup } = greeted.value
    const script = killScript({ pid, ownGroup, signal, graceMs: Duration.toMillis(grace) })
    const within = Duration.sum(grace, killWithin)
    const word = yield* runOnMachine(machine, script, within)
    if (word !== "left" || sudo === undefined || sudo === false) return word === "gone"
    // sudo hands signals on, but root's processes are root's to kill.
    const asRoot = exec<never, never>(machine, SshCommand.shell(script), { sudo, timeout: within }, true)
    return yield* asRoot.pipe(
      Effect.map(({ stdout }) => stdout.text.trim() === "gone"),
      Effect.orElseSucceed(() => false)
    )
  }).pipe(
    Effect.tap((gone) =>
      Effect.sync(() => {
        if (!gone && process.channel.writable) process.channel.signal("KILL")
      })
    ),
    // A child that left the group may hold the output open; the channel must not wait for it.
    Effect.tap(() => Effect.timeoutOption(Deferred.await(process.ended), Duration.millis(250))),
    Effect.tap(() => Effect.sync(() => process.abandon()))
  )
  // In a fiber of its own, for the kill must go on, and its own time limits hold, while the caller is interrupted.
  return Effect.uninterruptible(
    Effect.flatMap(Effect.forkDetach(Effect.interruptible(attempt)), (fiber) => Fiber.join(fiber))
  )
}

/**
 * Runs a script of our own, and gives back the last word that it printed: through the keeper in one round trip, without
 * one over a session, and over a connection of its own where this one does not answer. Nothing where that doesn't either.
 */
export const runOnMachine = Effect.fnUntraced(function* (
  machine: Machine,
  script: string,
  within: Duration.Duration
): Effect.fn.Return<string> {
  const inTime = (attempt: Effect.Effect<string | undefined, SshError.SshError>) =>
    attempt.pipe(
      Effect.timeoutOrElse({ duration: within, orElse: () => Effect.succeed("") }),
      Effect.orElseSucceed(() => undefined)
    )
  const here =
    (yield* inTime(machine.sessions.keeper.run(script))) ??
    (yield* inTime(runForOutput(machine.sessions, script, wordBytes)))
  if (here !== undefined && here !== "") return here
  const elsewhere = Effect.scoped(
    Effect.flatMap(machine.fresh, (sessions) => runForOutput(sessions, script, wordBytes))
  )
  return (yield* inTime(elsewhere)) ?? ""
})

/** More than the one word, `gone` or `left`. */
const wordBytes = 64

const ignore = (): void => undefined

/** Gives the command its standard input; fails when the stream that it comes from does. */
const feed = <E, R>(launched: Launched, stdin: StartOptions<E, R>["stdin"]): Effect.Effect<void, E, R> =>
  Effect.andThen(launched.isReady, give<E, R>(launched, stdin))

const give = <E, R>({ process, watch }: Launched, stdin: StartOptions<E, R>["stdin"]): Effect.Effect<void, E, R> => {
  if (stdin === undefined) return Effect.sync(() => process.endInput())
  if (typeof stdin === "string" || stdin instanceof Uint8Array) return Effect.sync(() => process.endInput(stdin))
  return Effect.andThen(
    Stream.runForEach(stdin, (chunk) => {
      watch?.given()
      return process.write(chunk)
    }),
    Effect.sync(() => {
      process.endInput()
      // A terminal has no end of its input.
      if (!process.hasTerminal) watch?.over()
    })
  )
}

/** Runs a command to its end and keeps its output within a limit. */
export const exec = <E, R>(
  machine: Machine,
  command: SshCommand.SshCommand,
  options: ExecOptions<E, R>,
  isKill = false
): Effect.Effect<ExecResult, SshError.SshError | E, R> => {
  const { stdin } = options
  const run = Effect.gen(function* () {
    const start = yield* Clock.monotonicTimeNanos
    const limit = options.maxOutput ?? defaultMaxOutput
    const stdout = new OutputCapture(limit)
    const stderr = new OutputCapture(limit)
    const sink = { stdout: (chunk: Buffer) => stdout.push(chunk), stderr: (chunk: Buffer) => stderr.push(chunk) }
    const captured = () => ({ stdout: stdout.result(), stderr: stderr.result() })
    const launched = yield* launch(machine, command, launchOptions(options, isKill), () => sink, captured)
    // What may take a while must not keep the limits from being looked at.
    const mayWait = isStream<E, R>(stdin) || (options.sudo !== undefined && options.sudo !== false)
    const status = yield* mayWait
      ? Effect.raceFirst(launched.exit, Effect.andThen(feed<E, R>(launched, stdin), Effect.never))
      : Effect.andThen(feed<E, R>(launched, stdin), launched.exit)
    const durationMs = Number((yield* Clock.monotonicTimeNanos) - start) / 1e6
    return { ...status, ...captured(), durationMs }
  }).pipe(Effect.scoped)
  // What certainly did not run is run again, unless its input is a stream, which may be gone.
  return isStream<E, R>(stdin) ? run : Effect.retry(run, { while: isReplaceable, times: 1 })
}

const isStream = <E, R>(stdin: StartOptions<E, R>["stdin"]): stdin is Stream.Stream<Uint8Array, E, R> =>
  Stream.isStream(stdin)

const isReplaceable = (error: unknown): boolean =>
  error instanceof SshError.SshError &&
  error.reason._tag === "ChannelRefused" &&
  error.reason.request === "shell" &&
  error.reason.busy

/** Starts a command and hands out its output as it comes. */
export const start = <R>(
  machine: Machine,
  command: SshCommand.SshCommand,
  options: StartOptions<never, R>
): Effect.Effect<RunningCommand, SshError.SshError, Scope.Scope | R> =>
  Effect.gen(function* () {
    const queue = yield* Queue.unbounded<OutputChunk, SshError.SshError | Cause.Done>()
    let waiting = 0
    const sink = (process: RemoteProcess): OutputSink => {
      const to = (stream: OutputChunk["stream"]) => (data: Buffer) => {
        waiting += data.length
        Queue.offerUnsafe(queue, { stream, data })
        if (waiting > highWater) {
          process.pause("stdout")
          process.pause("stderr")
        }
      }
      return { stdout: to("stdout"), stderr: to("stderr") }
    }
    const launched = yield* launch(machine, command, launchOptions(options), sink, nothingCaptured)
    const { process } = launched
    yield* Effect.forkScoped(feed<never, R>(launched, options.stdin))
    const exit = yield* Effect.forkScoped(
      launched.exit.pipe(
        Effect.onExit((exit) => (Exit.isSuccess(exit) ? Queue.end(queue) : Queue.failCause(queue, exit.cause)))
      )
    )
    // An end before the greeting is told by the exit, which then knows why.
    const greeted = yield* Effect.raceFirst(
      Deferred.await(process.greeted),
      Effect.andThen(Deferred.await(process.ended), Effect.never)
    ).pipe(Effect.raceFirst(Effect.andThen(Fiber.join(exit), Effect.never)))
    const output = Stream.fromQueue(queue).pipe(
      Stream.mapArray((chunks) => {
        for (const { data } of chunks) waiting -= data.length
        if (waiting <= highWater) {
          process.resume("stdout")
          process.resume("stderr")
        }
        return chunks
      })
    )
    return {
      pid: greeted.pid,
      output,
      exit: Fiber.join(exit),
      resize: (size) => Effect.sync(() => process.resize(size)),
      kill: (signal = "TERM") => launched.kill(signal)
    }
  })
