/**
 * Processes on a machine that is reached over SSH, as Effect's own service: a program that was written for local processes
 * runs there unchanged.
 *
 * Every process is a session of its own, started by the machine's `/bin/sh`, which it replaces: its process id and its exit
 * status are the process's own, and its group is ended as that of a local one is, by the end of its scope. When the client
 * dies or the connection is lost the machine ends it too. A pipeline passes through this side, as a local one does.
 *
 * **Gotchas**
 *
 * Fails with `BadArgument` for what no other machine can do: `inherit`, a duplex file descriptor, one past 9, and
 * variables that a POSIX shell has no name for. Arguments and variables of a megabyte and more in all fail as exit 126 or
 * 127, not as a defect.
 *
 * @since 0.1.0
 */
import { Deferred, Effect, Layer, PlatformError, type Scope, Sink, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { randomBytes } from "node:crypto"
import * as Invocation from "./internal/invocation.ts"
import * as SshClient from "./SshClient.ts"
import * as SshCommand from "./SshCommand.ts"
import type * as SshError from "./SshError.ts"
import type { SpawnedProcess } from "./SshExec.ts"

type Handle = ChildProcessSpawner.ChildProcessHandle

type Failure = PlatformError.PlatformError

/** Bytes to a file descriptor of the process. */
type Input = Sink.Sink<void, Uint8Array, never, Failure>

/** Bytes from a file descriptor of the process. */
type Output = Stream.Stream<Uint8Array, Failure>

/** What a failure of the native API is to a caller of Effect's. */
type Translate = (method: string) => (error: SshError.SshError) => Failure

const inputTo = (process: SpawnedProcess, ends: boolean, failed: (error: SshError.SshError) => Failure): Input => {
  const sink = Sink.forEach((chunk: Uint8Array) => Effect.mapError(process.write(chunk), failed))
  return ends ? Sink.ensuring(sink, process.endInput) : sink
}

const outputOf = (
  stream: Stream.Stream<Uint8Array, SshError.SshError>,
  failed: (error: SshError.SshError) => Failure,
  sink: Sink.Sink<Uint8Array, Uint8Array, never, Failure> | undefined
): Output => {
  const output = Stream.mapError(stream, failed)
  return sink === undefined ? output : Stream.transduce(output, sink)
}

/** Runs what the caller gives the process to read; its failure is that of the process, whose input it cuts short. */
const feed = (stream: Output, input: Input, failed: Deferred.Deferred<never, Failure>) =>
  Stream.run(
    Stream.tapError(stream, (error) => Deferred.fail(failed, error)),
    input
  ).pipe(Effect.forkScoped)

/** The further file descriptors: each is a named pipe on the machine, with `cat` at its other end in a session of its own. */
const openDescriptors = Effect.fnUntraced(function* (
  client: SshClient.SshClient["Service"],
  descriptors: ReadonlyArray<Invocation.Descriptor>,
  translate: Translate,
  failed: Deferred.Deferred<never, Failure>
) {
  const inputs = new Map<number, Input>()
  const outputs = new Map<number, Output>()
  yield* Effect.forEach(
    descriptors,
    Effect.fnUntraced(function* ({ config, fd, path }) {
      const isInput = config.type === "input"
      const other = yield* client
        .spawn(SshCommand.shell(isInput ? `exec cat >${path}` : `exec cat <${path}`), {
          atOnce: true,
          stderr: "null",
          ...(isInput ? { stdout: "null" } : { stdin: "null" })
        })
        .pipe(Effect.mapError(translate("spawn")))
      if (config.type === "input") {
        const input = inputTo(other, true, translate(`fd${fd}`))
        inputs.set(fd, input)
        if (config.stream !== undefined) yield* feed(config.stream, input, failed)
      } else {
        outputs.set(fd, outputOf(other.stdout, translate(`fd${fd}`), config.sink))
      }
    }),
    { concurrency: "unbounded", discard: true }
  )
  return { inputs, outputs }
})

const spawnOne = Effect.fnUntraced(function* (
  client: SshClient.SshClient["Service"],
  command: ChildProcess.StandardCommand,
  isFirst: boolean
): Effect.fn.Return<Handle, Failure, Scope.Scope> {
  const dir = `/tmp/toehold-${randomBytes(12).toString("hex")}`
  const asked = yield* Effect.fromResult(Invocation.make(command, dir))
  const translate: Translate = (method) => Invocation.translate(method, command)
  const process = yield* client
    .spawn(asked.command, { ...asked.options, atOnce: !isFirst })
    .pipe(Effect.mapError(translate("spawn")))
  const failed = Deferred.makeUnsafe<never, Failure>()
  const descriptors = yield* openDescriptors(client, asked.descriptors, translate, failed)
  const stdin = asked.options.stdin === "null" ? Sink.drain : inputTo(process, asked.endsInput, translate("stdin"))
  if (asked.stdin !== undefined) yield* feed(asked.stdin, stdin, failed)
  const stdout = outputOf(process.stdout, translate("stdout"), asked.stdout)
  const stderr = outputOf(process.stderr, translate("stderr"), asked.stderr)
  const status = Effect.flatMap(Effect.mapError(process.status, translate("exitCode")), ({ exitCode, signal }) =>
    exitCode === null
      ? Effect.fail(Invocation.endedBy(signal ?? "SIGUNKNOWN", command))
      : Effect.succeed(ChildProcessSpawner.ExitCode(exitCode))
  )
  const unref = Effect.map(process.unref, (reref): ChildProcessSpawner.Reref => reref)
  return ChildProcessSpawner.makeHandle({
    pid: ChildProcessSpawner.ProcessId(process.pid),
    // A failed input comes first: it cut short what the exit code is about.
    exitCode: Effect.raceFirst(status, Deferred.await(failed)).pipe(
      Effect.tap(() => (Deferred.isDoneUnsafe(failed) ? Deferred.await(failed) : Effect.void))
    ),
    isRunning: process.isRunning,
    kill: (options) => Effect.mapError(process.kill(Invocation.killOptions(options)), translate("kill")),
    stdin,
    stdout,
    stderr,
    all: Stream.merge(stdout, stderr),
    getInputFd: (fd) => descriptors.inputs.get(fd) ?? Sink.drain,
    getOutputFd: (fd) => descriptors.outputs.get(fd) ?? Stream.empty,
    unref
  })
})

const sourceOf = (handle: Handle, from: ChildProcess.PipeFromOption = "stdout"): Output => {
  if (from === "all" || from === "stderr") return handle[from]
  const fd = ChildProcess.parseFdName(from)
  return fd === undefined ? handle.stdout : handle.getOutputFd(fd)
}

/** The command with the output of the one before it as its input. */
const fedBy = (
  command: ChildProcess.StandardCommand,
  stream: Output,
  to: ChildProcess.PipeToOption = "stdin"
): ChildProcess.StandardCommand => {
  const { additionalFds = {}, stdin } = command.options
  const fd = ChildProcess.parseFdName(to)
  if (fd === undefined) {
    const config = typeof stdin === "object" && !Stream.isStream(stdin) ? stdin : {}
    return ChildProcess.make(command.command, command.args, { ...command.options, stdin: { ...config, stream } })
  }
  const name = `fd${fd}` as const
  const existing = additionalFds[name]
  const config: ChildProcess.AdditionalFdConfig =
    existing?.type === "duplex" ? { ...existing, stream } : { type: "input", stream }
  return ChildProcess.make(command.command, command.args, {
    ...command.options,
    additionalFds: { ...additionalFds, [name]: config }
  })
}

interface Link {
  readonly command: ChildProcess.StandardCommand
  /** How it is joined to the one before it. */
  readonly options: ChildProcess.PipeOptions
}

const linksOf = (command: ChildProcess.Command, options: ChildProcess.PipeOptions = {}): ReadonlyArray<Link> =>
  command._tag === "StandardCommand"
    ? [{ command, options }]
    : [...linksOf(command.left, options), ...linksOf(command.right, command.options)]

const spawnAll = Effect.fnUntraced(function* (
  client: SshClient.SshClient["Service"],
  command: ChildProcess.Command
): Effect.fn.Return<Handle, Failure, Scope.Scope> {
  const handles: Array<Handle> = []
  let last: Handle | undefined
  for (const { command: each, options } of linksOf(command)) {
    const link = last === undefined ? each : fedBy(each, sourceOf(last, options.from), options.to)
    last = yield* spawnOne(client, link, last === undefined)
    handles.push(last)
  }
  const [first] = handles
  if (first === undefined || last === undefined) return yield* Effect.die("a command of no commands")
  if (first === last) return first
  const backwards = handles.toReversed()
  return ChildProcessSpawner.makeHandle({
    ...last,
    stdin: first.stdin,
    kill: (options) => Effect.forEach(backwards, (handle) => Effect.ignore(handle.kill(options)), { discard: true }),
    unref: Effect.map(
      Effect.forEach(backwards, (handle) => handle.unref),
      (rerefs) => Effect.forEach(rerefs, (reref) => reref, { discard: true })
    )
  })
})

/**
 * Processes on the machine that the connection leads to.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<ChildProcessSpawner.ChildProcessSpawner["Service"], never, SshClient.SshClient> =
  Effect.map(SshClient.SshClient, (client) => fromClient(client))

/**
 * Processes over a connection, or over whatever else starts them as one does.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromClient = (
  client: SshClient.SshClient["Service"]
): ChildProcessSpawner.ChildProcessSpawner["Service"] =>
  ChildProcessSpawner.make((command) => spawnAll(client, command))

/**
 * Processes on the machine that the connection leads to, as a layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<ChildProcessSpawner.ChildProcessSpawner, never, SshClient.SshClient> = Layer.effect(
  ChildProcessSpawner.ChildProcessSpawner,
  make
)
