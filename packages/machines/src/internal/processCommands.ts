/** Commands as processes of Effect's, asked for and answered as those over SSH are. */
import { Clock, Deferred, Duration, Effect, Option, PlatformError, Redacted, type Scope, Stream } from "effect"
import { ChildProcess, type ChildProcessSpawner } from "effect/process"
import * as CapturedOutput from "@toehold/shell/CapturedOutput"
import { OutputCapture } from "@toehold/shell/OutputCapture"
import { RequestedAt } from "@toehold/ssh-core/CommandLimit"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import * as SshError from "@toehold/ssh-core/SshError"
import type { ExecOptions, ExecResult, ExitStatus, OutputChunk, StartOptions } from "@toehold/ssh-core/SshExec"

/** A command that runs, and what it can fail with. */
export interface Running<F> {
  readonly pid: number
  readonly output: Stream.Stream<OutputChunk, F>
  readonly exit: Effect.Effect<ExitStatus, F>
  readonly resize: (size: { readonly rows: number; readonly cols: number }) => Effect.Effect<void>
  readonly kill: (signal?: string) => Effect.Effect<boolean>
}

/** How commands are run, whatever the machine. */
export interface Commands<F> {
  readonly exec: <E = never, R = never>(
    command: SshCommand.SshCommand,
    options?: ExecOptions<E, R>
  ) => Effect.Effect<ExecResult, F | E, R>
  readonly start: <R = never>(
    command: SshCommand.SshCommand,
    options?: StartOptions<never, R>
  ) => Effect.Effect<Running<F>, F, Scope.Scope | R>
}

/** What had been printed of a command that failed. */
export interface Partial {
  readonly command: string
  readonly stdout: CapturedOutput.CapturedOutput
  readonly stderr: CapturedOutput.CapturedOutput
}

/** How a kind of machine says what went wrong. */
export interface Machine<F> {
  /** What it is called where it has no terminal and no sudo. */
  readonly name: string
  readonly terminalHint: string
  readonly os: string
  readonly processes: ChildProcessSpawner.ChildProcessSpawner["Service"]
  readonly failed: (error: PlatformError.PlatformError, partial: Partial) => F | SshError.SshError
  readonly outOfTime: (
    reason: "CommandTimeout" | "IdleTimeout",
    details: Partial & { readonly timeoutMs: number; readonly killed: boolean }
  ) => F | SshError.SshError
}

type Handle = ChildProcessSpawner.ChildProcessHandle

const defaultMaxOutput = 16 * 1024 * 1024
const defaultGrace = Duration.seconds(2)

/** The same script as over SSH, so that folder, `~` and a missing program are the same; secrets come by the environment. */
const toProcess = Effect.fnUntraced(function* (
  os: string,
  command: SshCommand.SshCommand,
  grace: Duration.Duration,
  hasInput: boolean
): Effect.fn.Return<ChildProcess.StandardCommand, SshError.SshError> {
  yield* Effect.fromResult(SshCommand.toScript(command))
  const options = {
    stdin: hasInput ? "pipe" : "ignore",
    extendEnv: !command.freshEnv,
    env: command.env,
    forceKillAfter: grace
  } as const
  if (os !== "win32") {
    const script = yield* Effect.fromResult(SshCommand.toScript({ ...command, env: {}, freshEnv: false }))
    return ChildProcess.make("/bin/sh", ["-c", Redacted.make(script)], options)
  }
  const cwd = command.cwd === undefined ? {} : { cwd: command.cwd }
  return command.kind === "shell"
    ? ChildProcess.make(programOf(command), { ...options, ...cwd, shell: true })
    : ChildProcess.make(programOf(command), command.words.slice(1), { ...options, ...cwd })
})

/** The program, or the shell text. */
const programOf = ({ words }: SshCommand.SshCommand): string => {
  const word = words[0] ?? ""
  return Redacted.isRedacted(word) ? Redacted.value(word) : word
}

/** Effect reports the end by a signal as a failure with Node's name of the signal in the words of its cause. */
const statusOf = (error: PlatformError.PlatformError): ExitStatus | undefined => {
  const { cause } = error.reason
  const signal = cause instanceof Error ? /signal: '(SIG[A-Z0-9]+)'/.exec(cause.message)?.[1] : undefined
  return signal === undefined ? undefined : { exitCode: null, signal }
}

type Captured = () => { readonly stdout: CapturedOutput.CapturedOutput; readonly stderr: CapturedOutput.CapturedOutput }

const nothing: Captured = () => ({ stdout: CapturedOutput.empty, stderr: CapturedOutput.empty })

/** A started process, its output noted, with its limits kept in the background for as long as the scope. */
const launch = Effect.fnUntraced(function* <F>(
  machine: Machine<F>,
  command: SshCommand.SshCommand,
  options: Omit<StartOptions, "stdin"> & { readonly hasInput: boolean },
  captured: Captured
): Effect.fn.Return<Running<F | SshError.SshError> & { readonly handle: Handle }, F | SshError.SshError, Scope.Scope> {
  const notHere = (argument: string, hint: string) =>
    SshError.make(new SshError.InvalidArgument({ argument, detail: `${machine.name} has none`, hint }))
  if (options.pty !== undefined && options.pty !== false) {
    return yield* notHere("The terminal", machine.terminalHint)
  }
  if (options.sudo !== undefined && options.sudo !== false) {
    return yield* notHere("sudo", "Leave --sudo out, and put sudo before the command yourself.")
  }
  const name = SshCommand.display(command)
  const failed = (error: PlatformError.PlatformError) => machine.failed(error, { command: name, ...captured() })
  const grace = options.killGrace === undefined ? defaultGrace : Duration.fromInputUnsafe(options.killGrace)
  const handle = yield* Effect.flatMap(toProcess(machine.os, command, grace, options.hasInput), (process) =>
    Effect.mapError(machine.processes.spawn(process), failed)
  )
  const clock = yield* Clock.Clock
  const requestedAt = yield* RequestedAt
  let lastOutput = clock.monotonicTimeNanosUnsafe()
  let isOver = false
  const over = yield* Deferred.make<never, F | SshError.SshError>()
  const kill = (signal: string) =>
    handle.kill({ killSignal: `SIG${signal}` as ChildProcess.Signal, forceKillAfter: grace }).pipe(
      Effect.as(true),
      Effect.orElseSucceed(() => false)
    )
  const end = (reason: "CommandTimeout" | "IdleTimeout", limit: Duration.Duration) =>
    Effect.gen(function* () {
      isOver = true
      const killed = yield* kill("TERM")
      const details = { command: name, timeoutMs: Duration.toMillis(limit), killed, ...captured() }
      yield* Deferred.fail(over, machine.outOfTime(reason, details))
    })
  const ended = Effect.exit(handle.exitCode)
  if (options.timeout !== undefined) {
    const limit = Duration.fromInputUnsafe(options.timeout)
    const spent = requestedAt === undefined ? 0n : lastOutput - requestedAt
    yield* Effect.timeoutOption(ended, Duration.subtract(limit, Duration.nanos(spent))).pipe(
      Effect.flatMap((done) => (Option.isSome(done) ? Effect.void : end("CommandTimeout", limit))),
      Effect.forkScoped
    )
  }
  if (options.idleTimeout !== undefined) {
    const limit = Duration.fromInputUnsafe(options.idleTimeout)
    const quiet = Effect.gen(function* () {
      for (;;) {
        const left = Duration.subtract(limit, Duration.nanos(clock.monotonicTimeNanosUnsafe() - lastOutput))
        if (Duration.toMillis(left) <= 0) return
        yield* Effect.sleep(left)
      }
    })
    yield* Effect.raceFirst(Effect.as(ended, false), Effect.as(quiet, true)).pipe(
      Effect.flatMap((isQuiet) => (isQuiet ? end("IdleTimeout", limit) : Effect.void)),
      Effect.forkScoped
    )
  }
  const named = (stream: OutputChunk["stream"], source: Handle["stdout"]) =>
    Stream.map(source, (data): OutputChunk => {
      lastOutput = clock.monotonicTimeNanosUnsafe()
      return { stream, data }
    })
  const verdict = Effect.suspend(() => (isOver ? Deferred.await(over) : Effect.void))
  return {
    handle,
    pid: handle.pid,
    output: Stream.merge(named("stdout", handle.stdout), named("stderr", handle.stderr)).pipe(
      Stream.mapError(failed),
      Stream.concat(Stream.fromEffectDrain(verdict))
    ),
    exit: handle.exitCode.pipe(
      Effect.map((exitCode): ExitStatus => ({ exitCode, signal: null })),
      Effect.catch((error) => {
        const status = statusOf(error)
        return status === undefined ? Effect.fail(failed(error)) : Effect.succeed(status)
      }),
      Effect.tap(() => verdict)
    ),
    kill: (signal = "TERM") => kill(signal),
    // There is no terminal.
    resize: () => Effect.void
  }
})

/** Writes what the command reads; the failure of a stream is its own, one of the pipe means that nobody reads any more. */
const feed = <E, R>(handle: Handle, stdin: StartOptions<E, R>["stdin"]): Effect.Effect<void, E, R> =>
  Effect.gen(function* () {
    const failure = yield* Deferred.make<never, E>()
    const source: Stream.Stream<Uint8Array, E, R> =
      stdin === undefined
        ? Stream.empty
        : typeof stdin === "string"
          ? Stream.make(new TextEncoder().encode(stdin))
          : stdin instanceof Uint8Array
            ? Stream.make(stdin)
            : stdin
    const writing = Stream.run(
      Stream.tapError(source, (error) => Deferred.fail(failure, error)),
      handle.stdin
    )
    yield* Effect.raceFirst(Effect.ignore(writing), Deferred.await(failure))
    // The writing ends in the same moment as its source fails.
    if (Deferred.isDoneUnsafe(failure)) return yield* Deferred.await(failure)
  })

const given = <E, R>({ stdin, ...options }: StartOptions<E, R>) => ({ ...options, hasInput: stdin !== undefined })

export const make = <F>(machine: Machine<F>): Commands<F | SshError.SshError> => ({
  start: <R>(command: SshCommand.SshCommand, options: StartOptions<never, R> = {}) =>
    Effect.gen(function* () {
      const { handle, ...running } = yield* launch(machine, command, given(options), nothing)
      yield* Effect.forkScoped(feed<never, R>(handle, options.stdin))
      return running
    }),
  exec: <E, R>(command: SshCommand.SshCommand, options: ExecOptions<E, R> = {}) =>
    Effect.gen(function* () {
      const begin = yield* Clock.monotonicTimeNanos
      const limit = options.maxOutput ?? defaultMaxOutput
      const kept = { stdout: new OutputCapture(limit), stderr: new OutputCapture(limit) }
      const captured = () => ({ stdout: kept.stdout.result(), stderr: kept.stderr.result() })
      const { exit, handle, output } = yield* launch(machine, command, given(options), captured)
      const reading = Stream.runForEach(output, ({ data, stream }) =>
        Effect.sync(() => kept[stream].push(Buffer.from(data.buffer, data.byteOffset, data.byteLength)))
      )
      const status = yield* Effect.raceFirst(
        Effect.andThen(reading, exit),
        Effect.andThen(feed<E, R>(handle, options.stdin), Effect.never)
      )
      return { ...status, ...captured(), durationMs: Number((yield* Clock.monotonicTimeNanos) - begin) / 1e6 }
    }).pipe(Effect.scoped)
})
