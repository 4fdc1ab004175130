/** What every group of the process suite works with. */
import { assert, type Vitest } from "@effect/vitest"
import { Context, Effect, Fiber, PlatformError, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"

/** What a transport may not be able to do: it must then fail with `BadArgument`. */
export interface Capabilities {
  /** Further file descriptors, for one direction each. Default: `true`. */
  readonly descriptors?: boolean
  /** Further file descriptors for both directions. Default: `true`. */
  readonly duplex?: boolean
  /** The process can have the streams of this process. Default: `true`. */
  readonly inherit?: boolean
  /** Variables with names that a shell could not set. Default: `true`. */
  readonly oddVariableNames?: boolean
  /** Bytes of a flood. Default: 8 MiB. */
  readonly floodBytes?: number
  /** Random arguments that are tried. Default: 40. */
  readonly argumentRuns?: number
  /** Processes that run at once. Default: 24. */
  readonly concurrency?: number
  /** The groups of tests that are declared, for a machine that is too slow for all of them. Default: all. */
  readonly only?: ReadonlyArray<string>
  /** How many times longer than on this computer everything may take. Default: 1. */
  readonly patience?: number
}

/** The `patience` of the machine that is tested. */
export const Patience = Context.Reference<number>("@toehold/lab/ProcessSuite/Patience", { defaultValue: () => 1 })

export type Spawner = ChildProcessSpawner.ChildProcessSpawner

export type Tester = Vitest.MethodsNonLive<Spawner>

export type Group = (it: Tester, capabilities: Capabilities) => void

/** A script of the machine's POSIX shell, with positional parameters. */
export const sh = (
  script: string,
  parameters: ReadonlyArray<string> = [],
  options: ChildProcess.CommandOptions = {}
): ChildProcess.StandardCommand => ChildProcess.make("/bin/sh", ["-c", script, "sh", ...parameters], options)

export const collect = <E, R>(stream: Stream.Stream<Uint8Array, E, R>): Effect.Effect<Buffer, E, R> =>
  Effect.map(Stream.runCollect(stream), (chunks) => Buffer.concat(chunks))

/** Everything that a command prints, and its exit code. */
export const run = (command: ChildProcess.Command) =>
  Effect.scoped(
    Effect.gen(function* () {
      const handle = yield* command
      const [stdout, stderr, exitCode] = yield* Effect.all(
        [collect(handle.stdout), collect(handle.stderr), handle.exitCode],
        { concurrency: "unbounded" }
      )
      return { stdout, stderr, exitCode: Number(exitCode), text: stdout.toString("utf8") }
    })
  )

/** Whether a process is there; one that only nobody has reaped is not. */
export const isAlive = (pid: number) =>
  Effect.map(
    run(
      sh(`{ IFS= read -r l <"/proc/$1/stat"; } 2>/dev/null || exit 1; l=\${l##*) }; case $l in [ZX]*) exit 1; esac`, [
        String(pid)
      ])
    ),
    ({ exitCode }) => exitCode === 0
  )

/** Waits, as long as the test lets it, until none of the processes is there. */
export const awaitGone = Effect.fnUntraced(function* (pids: ReadonlyArray<number>) {
  for (const pid of pids) while (yield* isAlive(pid)) yield* Effect.sleep("20 millis")
})

/** Reads whole lines of a stream one by one. */
export const lineReader = Effect.fnUntraced(function* <E, R>(stream: Stream.Stream<Uint8Array, E, R>) {
  const pull = yield* Stream.toPull(Stream.splitLines(Stream.decodeText(stream)))
  const waiting: Array<string> = []
  const line = Effect.catchCause(pull, () => Effect.die("the stream ended"))
  const next = Effect.gen(function* () {
    while (waiting.length === 0) waiting.push(...(yield* line))
    return waiting.shift() ?? ""
  })
  return { next }
})

/** The numbers that a process prints as its first lines. */
export const firstNumbers = Effect.fnUntraced(function* <E, R>(stream: Stream.Stream<Uint8Array, E, R>, count: number) {
  const { next } = yield* lineReader(stream)
  const numbers: Array<number> = []
  while (numbers.length < count) numbers.push(Number.parseInt(yield* next, 10))
  assert.isTrue(
    numbers.every((number) => number > 1),
    numbers.join()
  )
  return numbers
})

export type Tag = PlatformError.SystemErrorTag | "BadArgument"

/** An effect fails with this tag, in a message of one line. */
export const fails = <R>(
  effect: Effect.Effect<unknown, PlatformError.PlatformError, R>,
  ...tags: ReadonlyArray<Tag>
): Effect.Effect<PlatformError.PlatformError, never, R> =>
  Effect.matchEffect(effect, {
    onSuccess: (value) => Effect.sync(() => assert.fail(`succeeded with ${String(value)}, not ${tags.join(" or ")}`)),
    onFailure: (error) =>
      Effect.sync(() => {
        assert.instanceOf(error, PlatformError.PlatformError)
        assert.include(tags, error.reason._tag, error.message)
        return error
      })
  })

/** Fails the test, and not the whole run, where nothing happens. */
export const soon = <A, E, R>(effect: Effect.Effect<A, E, R>, within = 15_000): Effect.Effect<A, E, R> =>
  Effect.flatMap(Patience, (patience) =>
    Effect.timeoutOrElse(effect, {
      duration: within * patience,
      orElse: () => Effect.sync(() => assert.fail(`nothing within ${within * patience} ms`))
    })
  )

/** Takes everything that a process prints, and keeps none of it. */
export const drain = (handle: ChildProcessSpawner.ChildProcessHandle): Effect.Effect<Fiber.Fiber<unknown, unknown>> =>
  Effect.forkDetach(Effect.ignore(Stream.runDrain(handle.all)))

export const text = (value: string): Uint8Array => new TextEncoder().encode(value)

/** `length` bytes without a pattern that could hide a piece in the wrong place. */
export const bytes = (length: number, seed = 1): Uint8Array => {
  const out = new Uint8Array(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    out[i] = state >>> 24
  }
  return out
}

/** A stream of these bytes in pieces of many sizes. */
export const pieces = (data: Uint8Array): Stream.Stream<Uint8Array> => {
  const chunks: Array<Uint8Array> = []
  for (let at = 0, size = 1; at < data.length; at += size, size = (size * 7 + 1) % 100_003) {
    chunks.push(data.subarray(at, at + size))
    if (size === 0) size = 1
  }
  return Stream.fromIterable(chunks)
}

/** Equal byte for byte, without printing megabytes when they are not. */
export const sameBytes = (actual: Uint8Array, expected: Uint8Array, what = ""): void => {
  assert.strictEqual(actual.length, expected.length, `${what} length`)
  if (Buffer.compare(actual, expected) === 0) return
  const at = expected.findIndex((byte, index) => byte !== actual[index])
  assert.fail(`${what} differs from byte ${at} on`)
}
