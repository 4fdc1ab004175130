/** What a call of exec asks for, read before anything is connected. */
import { Deferred, Effect, FileSystem, type Path, type Scope, Stream } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import * as Machine from "@toehold/machines/Machine"
import * as VastName from "@toehold/machines/VastName"
import type { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import * as CommandLimit from "@toehold/ssh-core/CommandLimit"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import * as SshError from "@toehold/ssh-core/SshError"
import type { StartOptions } from "@toehold/ssh-core/SshExec"
import * as SshPool from "@toehold/ssh-core/SshPool"
import type * as FailureDocument from "../../FailureDocument.ts"
import { StandardStreams } from "../../StandardStreams.ts"
import type { UsageError } from "../../UsageError.ts"
import type { Invocation } from "../commandSpec.ts"
import { secretFromEnvironment } from "../invocation.ts"
import { fileFailure, machineOptions } from "../machine.ts"
import { note } from "../print.ts"
import { readCommand } from "../remoteCommand.ts"

/** What the command reads. Its failure comes by a way of its own, as an input that merely ends would be a lie. */
export interface Input {
  readonly stdin: Stream.Stream<Uint8Array> | undefined
  readonly failed: Effect.Effect<never, FailureDocument.Failure>
}

interface Source {
  /** Made anew for each machine. */
  readonly open: Effect.Effect<Input>
}

export interface Request {
  readonly command: SshCommand.SshCommand
  readonly names: ReadonlyArray<string>
  readonly pool: SshPool.SshPool["Service"]
  readonly machineOptions: Machine.Options
  readonly maxOutput: number | undefined
  readonly limits: Pick<StartOptions, "timeout" | "idleTimeout" | "promptTimeout" | "sudo">
  /** By the machine's name. */
  readonly terminals: ReadonlyMap<string, StartOptions["pty"]>
  readonly input: Source
}

type Needs = FileSystem.FileSystem | Path.Path | ClientPlatform | StandardStreams

export const readRequest = Effect.fnUntraced(function* (
  invocation: Invocation
): Effect.fn.Return<Request, FailureDocument.Failure, Needs | Scope.Scope> {
  const command = yield* readCommand(invocation)
  const names = yield* Effect.fromResult(Machine.names(invocation.argument(0)))
  const options = yield* machineOptions(invocation)
  const terminals = new Map<string, StartOptions["pty"]>()
  for (const name of names) terminals.set(name, yield* readTerminal(invocation, name, options))
  // What no script could be made of must fail before the machine is asked for anything.
  yield* Effect.fromResult(SshCommand.toScript(command))
  return {
    command,
    names,
    pool: yield* SshPool.make(),
    machineOptions: options,
    maxOutput: yield* invocation.size("max-output"),
    limits: {
      timeout: yield* invocation.duration("timeout"),
      idleTimeout: yield* invocation.duration("idle-timeout"),
      promptTimeout: yield* readPromptTimeout(invocation),
      sudo: yield* readSudo(invocation)
    },
    terminals,
    input: yield* readInput(invocation, names.length > 1)
  }
})

interface Opened {
  readonly machine: Machine.Machine
  readonly options: StartOptions
  readonly failed: Input["failed"]
}

/** Opens the machine, and uses it with what its command is to be started with. The time limit spans both. */
export const onMachine = <A, E, R>(
  request: Request,
  name: string,
  use: (opened: Opened) => Effect.Effect<A, E, R>
): Effect.Effect<
  A,
  E | Machine.OpenError,
  Exclude<R, Scope.Scope> | FileSystem.FileSystem | Path.Path | ClientPlatform | ChildProcessSpawner.ChildProcessSpawner
> =>
  CommandLimit.spanning(request.command, request.limits.timeout, (inTime) =>
    Effect.gen(function* () {
      const { failed, stdin } = yield* request.input.open
      const opening = Machine.open(name, request.machineOptions)
      const machine = yield* inTime(Effect.provideService(opening, SshPool.SshPool, request.pool))
      return yield* use({ machine, failed, options: { ...request.limits, pty: request.terminals.get(name), stdin } })
    }).pipe(Effect.scoped)
  )

/** Whether the command gets a terminal on the machine, and what of the machine's name exec does nothing about. */
const readTerminal = Effect.fnUntraced(function* (
  invocation: Invocation,
  name: string,
  { flags }: Machine.Options
): Effect.fn.Return<StartOptions["pty"], SshError.SshError, ClientPlatform | StandardStreams> {
  const { terminal } = yield* StandardStreams
  const size = terminal === undefined || { cols: terminal.columns, rows: terminal.rows }
  const isOther = name === "local:" || name.startsWith("serial:") || VastName.idOf(name) !== undefined
  if (isOther) return invocation.has("pty") && size
  const target = yield* Machine.target(name, flags)
  if (target.forwards.length > 0) {
    yield* note(
      "the forwardings in the machine's name (-L, -R, -D) are not opened by exec; toehold forward opens them."
    )
  }
  if (target.noCommand) yield* note("the -N in the machine's name is ignored: exec runs a command.")
  // The -t of a pasted command line; what the configuration says is for ssh's interactive use.
  const requestTty = target.options.find(({ keyword }) => keyword === "requesttty")?.value ?? "no"
  return (invocation.has("pty") || /^(yes|force)$/i.test(requestTty)) && size
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

/** Standard input comes once, so that it must be in memory for several machines to read it. */
const maxShared = 64 * 1024 * 1024

const nothing: Input = { stdin: undefined, failed: Effect.never }

const readInput = Effect.fnUntraced(function* (
  invocation: Invocation,
  isShared: boolean
): Effect.fn.Return<Source, FailureDocument.Failure, FileSystem.FileSystem | StandardStreams> {
  const from = invocation.one("stdin")
  if (from === undefined) return { open: Effect.succeed(nothing) }
  if (from === "-") {
    const { stdin } = yield* StandardStreams
    if (!isShared) return { open: guarded(stdin) }
    const bytes = yield* collect(stdin)
    return { open: Effect.succeed({ ...nothing, stdin: Stream.make(bytes) }) }
  }
  const fs = yield* FileSystem.FileSystem
  // Opening shows now what would otherwise only show when the machine has been reached.
  yield* Effect.scoped(fs.open(from)).pipe(Effect.mapError((error) => fileFailure(from, error)))
  return { open: guarded(Stream.mapError(fs.stream(from), (error) => fileFailure(from, error))) }
})

const guarded = (source: Stream.Stream<Uint8Array, FailureDocument.Failure>): Effect.Effect<Input> =>
  Effect.map(Deferred.make<never, FailureDocument.Failure>(), (failure) => ({
    stdin: source.pipe(
      Stream.catch((error) => Stream.fromEffectDrain(Effect.andThen(Deferred.fail(failure, error), Effect.never)))
    ),
    failed: Deferred.await(failure)
  }))

const collect = Effect.fnUntraced(function* (
  source: Stream.Stream<Uint8Array, FailureDocument.Failure>
): Effect.fn.Return<Uint8Array, FailureDocument.Failure> {
  const chunks: Array<Uint8Array> = []
  let size = 0
  yield* Stream.runForEach(source, (chunk) => {
    chunks.push(chunk)
    size += chunk.length
    if (size <= maxShared) return Effect.void
    const argument = "--stdin -"
    const detail = `for several machines it is kept in memory, and is longer than ${maxShared} bytes`
    return Effect.fail(
      SshError.make(new SshError.InvalidArgument({ argument, detail, hint: "Give a file: --stdin FILE." }))
    )
  })
  return Buffer.concat(chunks)
})
