/** `toehold serial attach`: a person at a console. */
import { Clock, Effect, Result, type Scope, Stream } from "effect"
import { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import type * as ConsoleShare from "@toehold/serial-runner/ConsoleShare"
import * as SerialConsole from "@toehold/serial-runner/SerialConsole"
import * as SerialShell from "@toehold/serial-runner/SerialShell"
import * as ExitCode from "../../ExitCode.ts"
import { StandardStreams, type TerminalSize } from "../../StandardStreams.ts"
import type { Handler } from "../commandSpec.ts"
import { keysUntilLeft } from "../escapeKeys.ts"
import { note } from "../print.ts"
import { portOf, takePart } from "../serialPort.ts"

/** What is shown of the past. */
const replayedBytes = 8 * 1024

/** How long a prompt must stand before its line counts as empty. */
const restMs = 300

interface Seat extends ConsoleShare.Shared {
  /** Gives the machine's terminal a size, where that is possible now. */
  readonly fit: (size: TerminalSize) => Effect.Effect<boolean>
}

/** A seat at the console as its owner, for whom others may join. */
const own = Effect.fnUntraced(function* (console: SerialConsole.SerialConsole["Service"], by: string) {
  yield* console.attachTerminal
  const shell = yield* Effect.provideService(SerialShell.make(), SerialConsole.SerialConsole, console)
  let isLineEmpty = true
  let typedAt = 0
  const type = (bytes: Uint8Array) =>
    Effect.gen(function* () {
      if (bytes.length === 0) return
      typedAt = yield* Clock.currentTimeMillis
      const last = bytes.at(-1)
      isLineEmpty = last === 0x0d || last === 0x0a || last === 0x03
      yield* Effect.ignore(console.type(by, bytes, "wait"))
    })
  const from = yield* console.offset
  const seat: Seat = {
    output: console.output(Math.max(0, from - replayedBytes)).pipe(
      Stream.map(({ data }) => data),
      Stream.catch(() => Stream.empty)
    ),
    type,
    fit: ({ columns, rows }) =>
      Effect.gen(function* () {
        const isResting = (yield* Clock.currentTimeMillis) - typedAt >= restMs
        if (!isResting || !isLineEmpty || (yield* shell.state) !== "shell") return false
        // A line that begins with a blank stays out of the history of most shells.
        const line = Buffer.from(` stty rows ${rows} cols ${columns}\r`)
        return Result.isSuccess(yield* Effect.result(console.type(by, line, "refuse")))
      })
  }
  return seat
})

export const attach: Handler = (invocation) =>
  Effect.gen(function* () {
    const { keyboard, resizes, stdout, terminal } = yield* StandardStreams
    if (keyboard === undefined || terminal === undefined) {
      return yield* invocation.usage(
        "serial attach needs a terminal on standard input and output.",
        "To run a command without one: toehold serial exec; to look on: toehold serial log."
      )
    }
    const { name, target } = yield* portOf(invocation)
    const { env } = yield* ClientPlatform
    const by = env["USER"] ?? env["USERNAME"] ?? "a person"
    const { console, shared } = yield* takePart(target, by)
    const seat: Seat = console === undefined ? { ...shared, fit: () => Effect.succeed(true) } : yield* own(console, by)
    const { keys, left } = yield* keysUntilLeft(keyboard)
    const isReadOnly = invocation.has("read-only")
    yield* note(`at ${name}${isReadOnly ? ", only looking on" : ""}. Enter, then ~. leaves.`)
    yield* keyboard.raw
    const typing = Stream.runForEach(keys, (typed) => (isReadOnly ? Effect.void : seat.type(typed)))
    yield* Effect.forkScoped(typing)
    if (!isReadOnly && !invocation.has("no-fit")) yield* Effect.forkScoped(fitting(seat, terminal, resizes))
    const ended = Stream.runForEach(seat.output, (data) => stdout(data))
    const hasLeft = yield* Effect.raceFirst(Effect.as(ended, false), Effect.as(left, true))
    if (hasLeft) return ExitCode.done
    yield* note("the port has ended.")
    return ExitCode.transport
  }).pipe(Effect.scoped)

/** Tries again until a prompt shows, for the newest size. */
const fitting = (
  seat: Seat,
  first: TerminalSize,
  resizes: Stream.Stream<TerminalSize>
): Effect.Effect<void, never, Scope.Scope> =>
  Stream.concat(Stream.succeed(first), resizes).pipe(
    Stream.switchMap((size) =>
      Stream.fromEffect(
        Effect.gen(function* () {
          while (!(yield* seat.fit(size))) yield* Effect.sleep(restMs)
        })
      )
    ),
    Stream.runDrain
  )
