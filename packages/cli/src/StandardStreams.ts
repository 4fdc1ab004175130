/**
 * The program's standard input, output and error, with backpressure and typed failures.
 *
 * @since 0.1.0
 */
import { Context, Effect, Layer, Queue, Schema, type Scope, Stream } from "effect"
import { makeWriter } from "./internal/streamWriter.ts"

/**
 * Standard output or error can't be written any more. `EPIPE` is a reader that went away, as `head` does.
 *
 * @since 0.1.0
 * @category errors
 */
export class OutputFailed extends Schema.TaggedError<OutputFailed>("@toehold/cli/OutputFailed")("OutputFailed", {
  stream: Schema.Literals(["stdout", "stderr"]),
  /** The system's own code, such as `EPIPE` or `ENOSPC`. */
  code: Schema.String
}) {
  override get message(): string {
    return `${this.stream} can't be written: ${this.code}.`
  }

  get fix(): string {
    return "Check where the output goes: a reader that ended, or a disk that is full."
  }

  /** Whether the reader went away, which is its right. */
  get isClosed(): boolean {
    return this.code === "EPIPE" || this.code === "ERR_STREAM_DESTROYED"
  }
}

/**
 * Standard input failed while it was read.
 *
 * @since 0.1.0
 * @category errors
 */
export class InputFailed extends Schema.TaggedError<InputFailed>("@toehold/cli/InputFailed")("InputFailed", {
  detail: Schema.String
}) {
  override get message(): string {
    return `The input can't be read: ${this.detail}.`
  }

  get fix(): string {
    return "Check what was given with --stdin."
  }
}

/**
 * A terminal's size, in characters.
 *
 * @since 0.1.0
 * @category models
 */
export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

/**
 * A person who types.
 *
 * @since 0.1.0
 * @category models
 */
export interface Keyboard {
  /** Has every key come as it is pressed, Ctrl-C as well, and shows none, until the scope ends. */
  readonly raw: Effect.Effect<void, never, Scope.Scope>
  /** What is typed, as the bytes that the terminal makes of it. */
  readonly keys: Stream.Stream<Uint8Array>
}

/**
 * The service. Writing waits while the reader is behind.
 *
 * @since 0.1.0
 * @category services
 */
export class StandardStreams extends Context.Service<
  StandardStreams,
  {
    readonly stdout: (data: string | Uint8Array) => Effect.Effect<void, OutputFailed>
    readonly stderr: (data: string | Uint8Array) => Effect.Effect<void, OutputFailed>
    /** Writes a line of log without waiting; what can't be written is dropped, as a log must not stop the work. */
    readonly logLine: (line: string) => void
    /** Standard input, which is not touched before the stream runs. */
    readonly stdin: Stream.Stream<Uint8Array, InputFailed>
    /** Size of the terminal on standard output; `undefined` when that is no terminal. */
    readonly terminal: TerminalSize | undefined
    /** Each new size of that terminal. */
    readonly resizes: Stream.Stream<TerminalSize>
    /** The terminal on standard input; `undefined` when that is none. */
    readonly keyboard: Keyboard | undefined
  }
>()("@toehold/cli/StandardStreams") {}

/**
 * The streams of this process.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<StandardStreams> = Layer.sync(StandardStreams, () => {
  const { stderr, stdout } = process
  return {
    stdout: makeWriter(stdout, (code) => new OutputFailed({ stream: "stdout", code })),
    stderr: makeWriter(stderr, (code) => new OutputFailed({ stream: "stderr", code })),
    logLine: (line) => void stderr.write(`${line}\n`, () => {}),
    stdin: Stream.suspend(() =>
      Stream.fromAsyncIterable<Uint8Array, InputFailed>(
        process.stdin,
        (cause) => new InputFailed({ detail: cause instanceof Error ? cause.message : String(cause) })
      )
    ),
    terminal: sizeOf(stdout),
    resizes: Stream.callback<TerminalSize>((queue) => {
      const onResize = (): void => {
        const size = sizeOf(stdout)
        if (size !== undefined) Queue.offerUnsafe(queue, size)
      }
      return Effect.acquireRelease(
        Effect.sync(() => stdout.on("resize", onResize)),
        () => Effect.sync(() => stdout.off("resize", onResize))
      )
    }),
    keyboard: process.stdin.isTTY ? keyboardOf(process.stdin) : undefined
  }
})

/** Some terminals don't know their size. */
const sizeOf = ({ columns, isTTY, rows }: NodeJS.WriteStream): TerminalSize | undefined =>
  isTTY && columns > 0 && rows > 0 ? { columns, rows } : undefined

const keyboardOf = (stdin: NodeJS.ReadStream): Keyboard => ({
  raw: Effect.asVoid(
    Effect.acquireRelease(
      Effect.sync(() => stdin.setRawMode(true)),
      () => Effect.sync(() => stdin.setRawMode(false))
    )
  ),
  keys: Stream.callback<Uint8Array>((queue) => {
    const onData = (data: Buffer): void => void Queue.offerUnsafe(queue, data)
    const onEnd = (): void => void Queue.endUnsafe(queue)
    return Effect.acquireRelease(
      Effect.sync(() => stdin.on("data", onData).on("end", onEnd).on("error", onEnd).resume()),
      () => Effect.sync(() => stdin.off("data", onData).off("end", onEnd).off("error", onEnd).pause())
    )
  })
})
