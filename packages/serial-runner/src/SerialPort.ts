/**
 * A serial port: the bytes that a machine prints on its console, and the bytes that it is sent, for as long as a scope.
 *
 * @since 0.1.0
 */
import { Cause, Context, Deferred, Duration, Effect, Layer, Queue, type Scope, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as Net from "node:net"
import type { Duplex } from "node:stream"
import * as Fifo from "./internal/port/fifo.ts"
import * as Tty from "./internal/port/tty.ts"
import { connected, missing, scoped, type Wire } from "./internal/port/wire.ts"
import * as SerialError from "./SerialError.ts"
import * as SerialTarget from "./SerialTarget.ts"

/**
 * How to use a port.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Bits a second of a tty device. Default: as it is set. */
  readonly baud?: number | undefined
  /** For a UART without flow control: so many bytes, then this long nothing. Default: as fast as they are taken. */
  readonly pacing?: { readonly bytes: number; readonly delay: Duration.Input } | undefined
}

/**
 * An open port. It has one reader and one writer (`SerialConsole` shares it).
 *
 * @since 0.1.0
 * @category services
 */
export class SerialPort extends Context.Service<
  SerialPort,
  {
    /** As `SerialTarget.format` writes it. */
    readonly name: string
    /**
     * What the machine prints, from the opening on, once. Fails with `PortClosed` when the machine or its host side is
     * gone.
     *
     * **Gotchas**
     *
     * Somebody must read it all the time: what a virtual machine prints while its pipe is full may be lost.
     */
    readonly input: Stream.Stream<Uint8Array, SerialError.SerialError>
    /** Sends bytes; done when the system has taken all of them, however long the other side makes it wait. */
    readonly write: (bytes: Uint8Array) => Effect.Effect<void, SerialError.SerialError>
    /** Done, with why, when the port has ended. */
    readonly closed: Effect.Effect<SerialError.SerialError>
  }
>()("@toehold/serial-runner/SerialPort") {}

/** Bytes that wait for the reader; past this the machine is held back, as by a terminal that scrolls slowly. */
const highWater = 4 * 1024 * 1024

/** Writes as fast as the options allow. */
const paced = <E>(
  write: (bytes: Uint8Array) => Effect.Effect<void, E>,
  { pacing }: Options
): ((bytes: Uint8Array) => Effect.Effect<void, E>) =>
  pacing === undefined
    ? write
    : Effect.fnUntraced(function* (bytes: Uint8Array) {
        for (let offset = 0; offset < bytes.length; offset += pacing.bytes) {
          if (offset > 0) yield* Effect.sleep(pacing.delay)
          yield* write(bytes.subarray(offset, offset + pacing.bytes))
        }
      })

/** A port over a wire that closes with its scope. */
const overWire = Effect.fnUntraced(function* (
  name: string,
  { reader, writer }: Wire,
  options: Options
): Effect.fn.Return<SerialPort["Service"], never, Scope.Scope> {
  const queue = yield* Queue.unbounded<Uint8Array, SerialError.SerialError | Cause.Done>()
  const closed = yield* Deferred.make<SerialError.SerialError>()
  const isSame = Object.is(reader, writer)
  let waiting = 0
  const close = (detail: string): void => {
    const error = SerialError.make(new SerialError.PortClosed({ port: name, detail, outcome: "did-not-run" }))
    Deferred.doneUnsafe(closed, Effect.succeed(error))
    Queue.failCauseUnsafe(queue, Cause.fail(error))
  }
  const onData = (chunk: Uint8Array): void => {
    waiting += chunk.length
    Queue.offerUnsafe(queue, chunk)
    if (waiting > highWater) reader.pause()
  }
  const onEnd = (): void => close("the other side is gone")
  const onError = (error: Error): void => close(error.message)
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      reader.on("data", onData).on("end", onEnd).on("close", onEnd).on("error", onError)
      if (!isSame) writer.on("close", onEnd).on("error", onError)
    }),
    () =>
      Effect.sync(() => {
        for (const end of [reader, writer]) end.off("close", onEnd).off("error", onError)
        reader.off("data", onData).off("end", onEnd)
        close("it was closed here")
      })
  )

  const writeAll = (bytes: Uint8Array): Effect.Effect<void> =>
    Effect.callback<void>((resume) => {
      if (bytes.length === 0) resume(Effect.void)
      // A failure comes by `closed`.
      else writer.write(bytes, (error) => (error ? undefined : resume(Effect.void)))
    })
  const send = paced(writeAll, options)
  const failedWhenClosed = Effect.flatMap(Deferred.await(closed), (error) => Effect.fail(error))
  return {
    name,
    input: Stream.fromQueue(queue).pipe(
      Stream.mapArray((chunks) => {
        for (const chunk of chunks) waiting -= chunk.length
        if (waiting <= highWater && reader.isPaused()) reader.resume()
        return chunks
      })
    ),
    write: (bytes) =>
      Effect.suspend(() =>
        Deferred.isDoneUnsafe(closed) ? failedWhenClosed : Effect.raceFirst(failedWhenClosed, send(bytes))
      ),
    closed: Deferred.await(closed)
  }
})

const wireOf = (
  name: string,
  target: SerialTarget.SerialTarget,
  options: Options
): Effect.Effect<Wire, SerialError.SerialError, Scope.Scope | ChildProcessSpawner.ChildProcessSpawner> => {
  switch (target._tag) {
    case "Fifo":
      return Fifo.make(name, target)
    case "Bonfire": {
      const base = `${target.directory}/${target.vmId}`
      return Fifo.make(name, { input: `${base}.stdout`, output: `${base}.stdin` })
    }
    case "Unix":
      return scoped(connected(name, () => Net.connect(target.path)))
    case "Tcp":
      return scoped(connected(name, () => Net.connect({ host: target.host, port: target.port, noDelay: true })))
    case "Tty":
      return Tty.make(name, target.path, options.baud)
  }
}

/**
 * Opens a port. Fails with `PortMissing`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fn("SerialPort.make")(function* (
  target: SerialTarget.SerialTarget,
  options: Options = {}
): Effect.fn.Return<
  SerialPort["Service"],
  SerialError.SerialError,
  Scope.Scope | ChildProcessSpawner.ChildProcessSpawner
> {
  const name = SerialTarget.format(target)
  return yield* overWire(name, yield* wireOf(name, target, options), options)
})

/**
 * A port over any stream of Node's, such as the standard input and output of a child process or a WebSocket.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromDuplex = (
  name: string,
  duplex: Duplex,
  options: Options = {}
): Effect.Effect<SerialPort["Service"], never, Scope.Scope> =>
  Effect.flatMap(scoped(Effect.succeed({ reader: duplex, writer: duplex })), (wire) => overWire(name, wire, options))

/**
 * The standard input and output of a command on this computer as a port, such as `picocom`, `virsh console` or
 * `docker attach`. The command ends with the scope.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromCommand = Effect.fn("SerialPort.fromCommand")(function* (
  command: string,
  args: ReadonlyArray<string>,
  options: Options = {}
): Effect.fn.Return<
  SerialPort["Service"],
  SerialError.SerialError,
  Scope.Scope | ChildProcessSpawner.ChildProcessSpawner
> {
  const name = `the command ${command}`
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const handle = yield* spawner
    .spawn(ChildProcess.make(command, [...args], { stdin: { stream: "pipe", endOnDone: false }, stderr: "ignore" }))
    .pipe(Effect.mapError((error) => missing(name, error.message)))
  const closedBy = (detail: string) =>
    SerialError.make(new SerialError.PortClosed({ port: name, detail, outcome: "did-not-run" }))
  const closed = handle.exitCode.pipe(
    Effect.match({
      onFailure: (error) => closedBy(error.message),
      onSuccess: (code) => closedBy(`it ended with ${code}`)
    })
  )
  const write = (bytes: Uint8Array) =>
    Effect.mapError(Stream.run(Stream.succeed(bytes), handle.stdin), (error) => closedBy(error.message))
  return {
    name,
    input: Stream.mapError(handle.stdout, (error) => closedBy(error.message)).pipe(
      Stream.concat(Stream.fromEffectDrain(Effect.flatMap(closed, (error) => Effect.fail(error))))
    ),
    write: paced(write, options),
    closed
  }
})

/**
 * A port as a layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  target: SerialTarget.SerialTarget,
  options: Options = {}
): Layer.Layer<SerialPort, SerialError.SerialError, ChildProcessSpawner.ChildProcessSpawner> =>
  Layer.effect(SerialPort, make(target, options))
