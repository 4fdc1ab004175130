/**
 * A serial console: the one owner of a port, with any number of readers, and writers that take turns.
 *
 * @since 0.1.0
 */
import { Clock, Context, Deferred, Effect, Layer, Latch, Queue, type Scope, Semaphore, Stream } from "effect"
import { QueryFinder } from "./internal/terminalQueries.ts"
import { ReplayRing } from "./internal/replayRing.ts"
import * as SerialError from "./SerialError.ts"
import { SerialPort } from "./SerialPort.ts"

/**
 * How a console behaves.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Bytes of output that can be read again. Default: 1 MiB. */
  readonly replayBytes?: number | undefined
}

/**
 * A piece of what the machine printed. `offset` is the place of its first byte, counted from the opening of the console:
 * one that is larger than where the piece before it ended is a gap of so many bytes.
 *
 * @since 0.1.0
 * @category models
 */
export interface Piece {
  readonly offset: number
  readonly data: Uint8Array
}

/**
 * Something that was sent to the machine, and by whom.
 *
 * @since 0.1.0
 * @category models
 */
export interface Typed {
  readonly by: string
  readonly bytes: number
  /** How much the machine had printed by then. */
  readonly offset: number
  /** When, in milliseconds since 1970. */
  readonly at: number
}

/**
 * The right to write that a command has while it runs.
 *
 * @since 0.1.0
 * @category models
 */
export interface Turn {
  readonly write: (bytes: Uint8Array) => Effect.Effect<void, SerialError.SerialError>
}

/**
 * How a person's typing gets along with a command that has the console: it waits for the command's end, or is refused
 * with `PortBusy`.
 *
 * @since 0.1.0
 * @category models
 */
export type WhenBusy = "wait" | "refuse"

/**
 * An open console.
 *
 * @since 0.1.0
 * @category services
 */
export class SerialConsole extends Context.Service<
  SerialConsole,
  {
    readonly name: string
    /** How many bytes the machine has printed since the console was opened. */
    readonly offset: Effect.Effect<number>
    /**
     * What the machine prints, from an offset on (default: from now on), as far back as it is kept. A reader that is
     * slow misses what is no longer kept, and sees the gap in the offsets; it holds up nobody.
     */
    readonly output: (from?: number) => Stream.Stream<Piece, SerialError.SerialError>
    /** The last bytes that the machine printed, at most so many. */
    readonly replay: (bytes: number) => Effect.Effect<Piece>
    /**
     * Every chunk in the very moment in which it comes, until the scope closes. Nothing is ever left out, so the function
     * must be quick.
     */
    readonly listen: (listener: (piece: Piece) => void) => Effect.Effect<void, never, Scope.Scope>
    /** Has the console alone until the scope closes; waits for its turn. */
    readonly turn: (by: string) => Effect.Effect<Turn, SerialError.SerialError, Scope.Scope>
    /** Sends what a person types. */
    readonly type: (by: string, bytes: Uint8Array, whenBusy?: WhenBusy) => Effect.Effect<void, SerialError.SerialError>
    /** Who has the console now; `undefined` when it is free. */
    readonly holder: Effect.Effect<string | undefined>
    /** What was sent from now on, and by whom; never what it said. */
    readonly typed: Stream.Stream<Typed>
    /**
     * A terminal of a person's answers what programs on the machine ask the terminal for, until the scope closes. Where
     * there are several the first one does. Without one the console answers itself, as a plain VT220.
     */
    readonly attachTerminal: Effect.Effect<{ readonly isFirst: Effect.Effect<boolean> }, never, Scope.Scope>
    /** Done, with why, when the port has ended. */
    readonly closed: Effect.Effect<SerialError.SerialError>
  }
>()("@toehold/serial-runner/SerialConsole") {}

const maxPiece = 256 * 1024

/**
 * Opens the console on a port, which nobody else may read or write from then on.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fn("SerialConsole.make")(function* (
  options: Options = {}
): Effect.fn.Return<SerialConsole["Service"], never, Scope.Scope | SerialPort> {
  const port = yield* SerialPort
  const ring = new ReplayRing(options.replayBytes ?? 1024 * 1024)
  const listeners = new Set<(piece: Piece) => void>()
  const wakers = new Set<Latch.Latch>()
  const typedReaders = new Set<Queue.Queue<Typed>>()
  const terminals: Array<object> = []
  const queries = new QueryFinder()
  const turns = yield* Semaphore.make(1)
  const closed = yield* Deferred.make<SerialError.SerialError>()
  let holder: string | undefined

  const send = Effect.fnUntraced(function* (by: string, bytes: Uint8Array) {
    const at = yield* Clock.currentTimeMillis
    for (const reader of typedReaders) Queue.offerUnsafe(reader, { by, bytes: bytes.length, offset: ring.end, at })
    yield* port.write(bytes)
  })

  const receive = (chunk: Uint8Array): ReadonlyArray<Uint8Array> => {
    const piece = { offset: ring.end, data: chunk }
    ring.push(chunk)
    for (const listener of listeners) listener(piece)
    for (const waker of wakers) Latch.openUnsafe(waker)
    const answers = queries.push(chunk)
    // The output of a command is no program that waits for an answer, and its input is no place for one.
    return holder === undefined && terminals.length === 0 ? answers : []
  }

  yield* port.input.pipe(
    Stream.runForEachArray((chunks) =>
      Effect.suspend(() => {
        const answers = chunks.flatMap(receive)
        return answers.length === 0 ? Effect.void : send("the console", Buffer.concat(answers))
      })
    ),
    Effect.flip,
    Effect.flatMap((error) => Deferred.succeed(closed, error)),
    Effect.ensuring(
      Effect.sync(() => {
        for (const waker of wakers) Latch.openUnsafe(waker)
      })
    ),
    Effect.forkScoped
  )

  const output = (from?: number): Stream.Stream<Piece, SerialError.SerialError> =>
    Stream.unwrap(
      Effect.gen(function* () {
        const waker = yield* Effect.acquireRelease(
          Effect.sync(() => {
            const waker = Latch.makeUnsafe(false)
            wakers.add(waker)
            return waker
          }),
          (waker) => Effect.sync(() => wakers.delete(waker))
        )
        let next = from ?? ring.end
        const pull: Effect.Effect<Piece, SerialError.SerialError> = Effect.suspend(() => {
          if (ring.end > next) {
            const piece = ring.read(next, maxPiece)
            next = piece.offset + piece.data.length
            return Effect.succeed(piece)
          }
          if (Deferred.isDoneUnsafe(closed))
            return Effect.flatMap(Deferred.await(closed), (error) => Effect.fail(error))
          Latch.closeUnsafe(waker)
          return Effect.andThen(Latch.await(waker), pull)
        })
        return Stream.fromEffectRepeat(pull)
      })
    )

  const held = <A, E, R>(by: string, effect: Effect.Effect<A, E, R>) =>
    Effect.acquireUseRelease(
      Effect.sync(() => void (holder = by)),
      () => effect,
      () => Effect.sync(() => void (holder = undefined))
    )

  return {
    name: port.name,
    offset: Effect.sync(() => ring.end),
    output,
    replay: (bytes) => Effect.sync(() => ring.read(ring.end - bytes, bytes)),
    listen: (listener) =>
      Effect.asVoid(
        Effect.acquireRelease(
          Effect.sync(() => listeners.add(listener)),
          () => Effect.sync(() => listeners.delete(listener))
        )
      ),
    turn: (by) =>
      Effect.acquireRelease(
        Effect.flatMap(Semaphore.take(turns, 1), () => Effect.sync(() => void (holder = by))),
        () =>
          Effect.suspend(() => {
            holder = undefined
            return Semaphore.release(turns, 1)
          }),
        { interruptible: true }
      ).pipe(Effect.as({ write: (bytes: Uint8Array) => send(by, bytes) })),
    type: (by, bytes, whenBusy = "wait") =>
      whenBusy === "wait"
        ? Semaphore.withPermits(turns, 1)(held(by, send(by, bytes)))
        : Effect.flatMap(Semaphore.takeIfAvailable(turns, 1), (taken) =>
            taken
              ? Effect.ensuring(held(by, send(by, bytes)), Semaphore.release(turns, 1))
              : Effect.fail(
                  SerialError.make(new SerialError.PortBusy({ port: port.name, owner: holder ?? "a command" }))
                )
          ),
    holder: Effect.sync(() => holder),
    typed: Stream.unwrap(
      Effect.map(
        Effect.acquireRelease(
          Effect.tap(Queue.sliding<Typed>(1024), (reader) => Effect.sync(() => typedReaders.add(reader))),
          (reader) => Effect.sync(() => typedReaders.delete(reader))
        ),
        (reader) => Stream.fromQueue(reader)
      )
    ),
    attachTerminal: Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => {
          const terminal = {}
          terminals.push(terminal)
          return terminal
        }),
        (terminal) => Effect.sync(() => terminals.splice(terminals.indexOf(terminal), 1))
      ),
      (terminal) => ({ isFirst: Effect.sync(() => terminals[0] === terminal) })
    ),
    closed: Deferred.await(closed)
  }
})

/**
 * A console as a layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options = {}): Layer.Layer<SerialConsole, never, SerialPort> =>
  Layer.effect(SerialConsole, make(options))
