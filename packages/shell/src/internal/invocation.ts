/** What a command of Effect's asks for, in the terms of a transport. */
import { PlatformError, Result, Sink, Stream } from "effect"
import { ChildProcess, CommandLine } from "effect/process"
import type { Command } from "../ProcessScript.ts"
import type { KillOptions, SpawnOptions } from "../SpawnedProcess.ts"

export interface Descriptor {
  readonly fd: number
  readonly path: string
  readonly config: Exclude<ChildProcess.AdditionalFdConfig, { readonly type: "duplex" }>
}

type Bytes = Stream.Stream<Uint8Array, PlatformError.PlatformError>
type BytesSink = Sink.Sink<Uint8Array, Uint8Array, never, PlatformError.PlatformError>

export interface Invocation {
  readonly command: Command
  readonly options: SpawnOptions
  readonly stdin: Bytes | undefined
  readonly endsInput: boolean
  readonly stdout: BytesSink | undefined
  readonly stderr: BytesSink | undefined
  readonly descriptors: ReadonlyArray<Descriptor>
}

const bad = (description: string): Result.Result<never, PlatformError.PlatformError> =>
  Result.fail(PlatformError.badArgument({ module: "ChildProcess", method: "spawn", description }))

const noInherit = (name: string) =>
  bad(`${name} can't be inherited by a process on another machine: read or write its stream, or ignore it`)

/** The highest descriptor that every POSIX shell can open. */
const maxDescriptor = 9

const descriptorsOf = (
  options: ChildProcess.CommandOptions,
  dir: string
): Result.Result<ReadonlyArray<Descriptor>, PlatformError.PlatformError> => {
  const descriptors: Array<Descriptor> = []
  for (const [name, config] of Object.entries(options.additionalFds ?? {})) {
    const fd = ChildProcess.parseFdName(name)
    if (fd === undefined) continue
    if (fd > maxDescriptor) return bad(`${name}: a POSIX shell opens no file descriptor past fd${maxDescriptor}`)
    if (config.type === "duplex") return bad(`${name}: a POSIX shell opens no file descriptor for both directions`)
    descriptors.push({ fd, config, path: `${dir}/${fd}` })
  }
  return Result.succeed(descriptors.sort((a, b) => a.fd - b.fd))
}

const signalOf = (signal: ChildProcess.Signal | undefined): string => (signal ?? "SIGTERM").replace(/^SIG/, "")

export const killOptions = (options: ChildProcess.KillOptions = {}): KillOptions => ({
  signal: signalOf(options.killSignal),
  forceAfter: options.forceKillAfter
})

/** A name that begins with a tilde is the login folder to the native API alone. */
const cwdOf = (cwd: string | undefined): string | undefined => (cwd?.startsWith("~") === true ? `./${cwd}` : cwd)

/** `dir` is where the named pipes of further descriptors go. */
export const make = (
  { args, command, options }: ChildProcess.StandardCommand,
  dir: string
): Result.Result<Invocation, PlatformError.PlatformError> =>
  Result.gen(function* () {
    const shell = options.shell === true ? "/bin/sh" : options.shell === false ? undefined : options.shell
    if (shell !== undefined && args.length > 0) {
      return yield* bad("The shell option cannot be combined with arguments; pass the whole script as the command")
    }
    const stdin =
      options.stdin === undefined || typeof options.stdin === "string" || Stream.isStream(options.stdin)
        ? { stream: options.stdin ?? "pipe" }
        : options.stdin
    const stdout = options.stdout === undefined || isOutput(options.stdout) ? options.stdout : options.stdout.stream
    const stderr = options.stderr === undefined || isOutput(options.stderr) ? options.stderr : options.stderr.stream
    if (stdin.stream === "inherit") return yield* noInherit("stdin")
    if (stdout === "inherit") return yield* noInherit("stdout")
    if (stderr === "inherit") return yield* noInherit("stderr")
    const descriptors = yield* descriptorsOf(options, dir)
    const fifos = descriptors.map(({ config, fd, path }) => ({
      fd,
      path,
      direction: config.type === "input" ? ("read" as const) : ("write" as const)
    }))
    return {
      command: {
        kind: "argv",
        words: shell === undefined ? [command, ...args] : [shell, "-c", command],
        cwd: cwdOf(options.cwd),
        env: options.env ?? {},
        freshEnv: options.env !== undefined && options.extendEnv !== true
      },
      options: {
        stdin: stdin.stream === "ignore" ? "null" : "pipe",
        stdout: stdout === "ignore" ? "null" : "pipe",
        stderr: stderr === "ignore" ? "null" : "pipe",
        ...(fifos.length === 0 ? {} : { fifos }),
        leader: options.detached === false,
        kill: killOptions(options)
      },
      stdin: Stream.isStream(stdin.stream) ? stdin.stream : undefined,
      endsInput: stdin.endOnDone ?? true,
      stdout: Sink.isSink(stdout) ? (stdout as BytesSink) : undefined, // the option takes no other sink
      stderr: Sink.isSink(stderr) ? (stderr as BytesSink) : undefined, // the option takes no other sink
      descriptors
    }
  })

const isOutput = (
  option: ChildProcess.CommandOutput | ChildProcess.StdoutConfig
): option is ChildProcess.CommandOutput => typeof option === "string" || Sink.isSink(option)

export const display = ({ args, command }: ChildProcess.StandardCommand): string =>
  CommandLine.display([command, ...args])

/** A process that a signal ended has no exit code. */
export const endedBy = (signal: string, command: ChildProcess.StandardCommand): PlatformError.PlatformError =>
  PlatformError.systemError({
    _tag: "Unknown",
    module: "ChildProcess",
    method: "exitCode",
    pathOrDescriptor: display(command),
    cause: new Error(`Process interrupted due to receipt of signal: '${signal}'`)
  })
