/** Shell scripts at an end, with bounded output and their end as a value. */
import { Effect, PlatformError, Stream } from "effect"
import { ChildProcess, type ChildProcessSpawner } from "effect/process"
import type { Endpoint } from "../Endpoint.ts"

export interface Ended<A> {
  readonly exitCode: number
  /** The last of it. */
  readonly stderr: string
  /** What the consumer made of the standard output. */
  readonly value: A
  /** Whether the program read its standard input to the end. */
  readonly tookAll: boolean
}

type Bytes<E> = Stream.Stream<Uint8Array, E>

const stderrLimit = 4096

/** Keeps the end of what a program says about itself: the last line is the one that tells. */
const tailOf = (stream: Bytes<PlatformError.PlatformError>) =>
  Stream.runFold(
    stream,
    () => Buffer.alloc(0),
    (kept, piece) => {
      const all = Buffer.concat([kept, piece])
      return all.length <= stderrLimit ? all : all.subarray(all.length - stderrLimit)
    }
  ).pipe(Effect.map((bytes) => bytes.toString("utf8")))

/** Marks what the source failed with, so that it isn't taken for the program's standard input failing. */
class SourceFailed<E> {
  readonly _tag = "SourceFailed"
  readonly error: E
  constructor(error: E) {
    this.error = error
  }
}

const fill = <E>(handle: ChildProcessSpawner.ChildProcessHandle, input: Bytes<E>): Effect.Effect<boolean, E> =>
  Stream.run(
    Stream.mapError(input, (error) => new SourceFailed(error)),
    handle.stdin
  ).pipe(
    Effect.as(true),
    // A program that closes its input early says in its exit code what that means.
    Effect.catch((error) => (error instanceof SourceFailed ? Effect.fail(error.error) : Effect.succeed(false)))
  )

/** A shell script with its arguments as `$1` and on. Messages are those of the C locale, as they are read. */
export interface Script {
  readonly text: string
  readonly args: ReadonlyArray<string>
}

/**
 * Runs a script in a POSIX shell: the input goes in as the program takes it, the consumer takes the output as it comes.
 * A consumer or an input that fails ends the program.
 */
export const run = <A, E = never, E2 = never>(
  endpoint: Endpoint,
  script: Script,
  options: {
    readonly input?: Bytes<E>
    readonly consumer: (stdout: Bytes<PlatformError.PlatformError>) => Effect.Effect<A, E2>
  }
): Effect.Effect<Ended<A>, PlatformError.PlatformError | E | E2> =>
  Effect.gen(function* () {
    const handle = yield* endpoint.processes.spawn(
      ChildProcess.make("/bin/sh", ["-c", `LC_ALL=C; export LC_ALL; ${script.text}`, "sh", ...script.args], {
        stdin: options.input === undefined ? "ignore" : "pipe"
      })
    )
    const [tookAll, value, stderr, exitCode] = yield* Effect.all(
      [
        options.input === undefined ? Effect.succeed(true) : fill(handle, options.input),
        options.consumer(handle.stdout),
        tailOf(handle.stderr),
        handle.exitCode
      ],
      { concurrency: "unbounded" }
    )
    return { tookAll, value, stderr, exitCode }
  }).pipe(Effect.scoped)

/** Takes the whole output, and fails where it is more than so many bytes. */
export const collect =
  (maxBytes: number) =>
  (stdout: Bytes<PlatformError.PlatformError>): Effect.Effect<Buffer, PlatformError.PlatformError> =>
    Effect.suspend(() => {
      const parts: Array<Uint8Array> = []
      let size = 0
      return Stream.runForEach(stdout, (piece) => {
        parts.push(piece)
        size += piece.length
        return size <= maxBytes ? Effect.void : Effect.fail(tooMuch(maxBytes))
      }).pipe(Effect.map(() => Buffer.concat(parts)))
    })

const tooMuch = (maxBytes: number) =>
  PlatformError.systemError({
    _tag: "InvalidData",
    module: "Transfer",
    method: "run",
    description: `the machine printed more than ${maxBytes} bytes`
  })
