/** The program run in this process: a command line in, what it printed and its exit code out. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer, Stream } from "effect"
import * as ClientPlatform from "@toehold/ssh-core/ClientPlatform"
import * as Cli from "../../src/Cli.ts"
import { type Keyboard, OutputFailed, StandardStreams, type TerminalSize } from "../../src/StandardStreams.ts"

export interface Ran {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface Options {
  readonly platform?: Partial<ClientPlatform.Platform>
  readonly stdin?: Uint8Array
  readonly stdinStaysOpen?: boolean
  /** Standard output fails with EPIPE from this many bytes on. */
  readonly closesAfter?: number
  readonly terminal?: TerminalSize
  readonly resizes?: Stream.Stream<TerminalSize>
  readonly keyboard?: Keyboard
  readonly onStdout?: (data: Uint8Array) => void
}

const bytesOf = (data: string | Uint8Array): Uint8Array =>
  typeof data === "string" ? new TextEncoder().encode(data) : data

export const makeStreams = (options: Options = {}) => {
  const out: Array<Uint8Array> = []
  const err: Array<Uint8Array> = []
  let written = 0
  const layer = Layer.succeed(StandardStreams, {
    stdout: (data) =>
      Effect.suspend(() => {
        if (options.closesAfter !== undefined && written >= options.closesAfter) {
          return Effect.fail(new OutputFailed({ stream: "stdout", code: "EPIPE" }))
        }
        const bytes = Buffer.from(bytesOf(data))
        written += bytes.length
        out.push(bytes)
        options.onStdout?.(bytes)
        return Effect.void
      }),
    stderr: (data) => Effect.sync(() => void err.push(Buffer.from(bytesOf(data)))),
    logLine: (line) => void err.push(bytesOf(`${line}\n`)),
    stdin:
      options.stdin === undefined
        ? Stream.die("nobody may read the standard input")
        : Stream.concat(Stream.make(options.stdin), options.stdinStaysOpen === true ? Stream.never : Stream.empty),
    terminal: options.terminal,
    resizes: options.resizes ?? Stream.empty,
    keyboard: options.keyboard
  })
  return {
    layer,
    stdout: () => Buffer.concat(out).toString("utf8"),
    stderr: () => Buffer.concat(err).toString("utf8")
  }
}

const runWith = (
  words: ReadonlyArray<string>,
  options: Options,
  streams: ReturnType<typeof makeStreams>
): Effect.Effect<Ran> =>
  Cli.run(words, { version: "1.2.3" }).pipe(
    Effect.provide(
      Layer.mergeAll(
        NodeServices.layer,
        ClientPlatform.layerOf({ homeDir: "/nonexistent", ...options.platform }),
        streams.layer
      )
    ),
    Effect.map((exitCode) => ({ exitCode, stdout: streams.stdout(), stderr: streams.stderr() }))
  )

/** Runs the words after `toehold`. */
export const toehold = (words: ReadonlyArray<string>, options: Options = {}): Effect.Effect<Ran> =>
  Effect.suspend(() => runWith(words, options, makeStreams(options)))

/** Starts a command that stays, and lets the test read along. Its fiber ends it. */
export const start = Effect.fnUntraced(function* (words: ReadonlyArray<string>, options: Options = {}) {
  const streams = makeStreams(options)
  const fiber = yield* Effect.forkScoped(runWith(words, options, streams))
  /** Waits for so many whole lines of standard output, or for the command's early end. */
  const lines = (count: number): Effect.Effect<ReadonlyArray<string>> =>
    Effect.suspend(() => {
      const whole = streams.stdout().split("\n").slice(0, -1)
      if (whole.length >= count || fiber.pollUnsafe() !== undefined) return Effect.succeed(whole)
      return Effect.andThen(Effect.sleep("5 millis"), lines(count))
    })
  return { fiber, lines, stderr: streams.stderr }
})

/** The same for tests that look at documents. */
export const toeholdJson = <A>(words: ReadonlyArray<string>, options?: Options) =>
  Effect.map(toehold(words, options), (ran) => ({ ...ran, json: JSON.parse(ran.stdout) as A })) // what the test says it is
