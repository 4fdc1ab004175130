/**
 * A console for further processes of the same user: its owner hands on what the machine prints, and what they type.
 *
 * @since 0.1.0
 */
import { type Cause, Effect, FileSystem, type Path, Queue, type Scope, Semaphore, Stream } from "effect"
import * as Net from "node:net"
import { placesOf } from "./internal/portPlace.ts"
import type { SerialConsole } from "./SerialConsole.ts"
import * as SerialError from "./SerialError.ts"
import { format, type SerialTarget } from "./SerialTarget.ts"

/**
 * A console as those who don't own it have it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Shared {
  /** What the machine prints, from a little before now on; ends with the owner. Who is too slow misses some. */
  readonly output: Stream.Stream<Uint8Array>
  /** Sends what a person types, in its turn. */
  readonly type: (bytes: Uint8Array) => Effect.Effect<void>
}

/** What a newcomer is shown of what was printed before. */
const replayedBytes = 8 * 1024

/** What may wait for a reader that is slow. */
const mostWaiting = 4 * 1024 * 1024

/** The longest name that somebody may give himself. */
const mostName = 256

const addressOf = Effect.fnUntraced(function* (target: SerialTarget) {
  const { hash, temporary } = yield* placesOf(target)
  return process.platform === "win32" ? `\\\\.\\pipe\\toehold-serial-${hash}` : `${temporary}.sock`
})

/** The name comes first, on a line of its own; the rest is what is typed. */
const nameAndKeys = () => {
  let head: Buffer | undefined = Buffer.alloc(0)
  let name = "a terminal"
  return (chunk: Buffer): { readonly name: string; readonly keys: Buffer } => {
    if (head === undefined) return { name, keys: chunk }
    head = Buffer.concat([head, chunk])
    const end = head.indexOf(10)
    if (end === -1 && head.length <= mostName) return { name, keys: Buffer.alloc(0) }
    // eslint-disable-next-line no-control-regex -- control characters are what is taken out
    name = head
      .toString("utf8", 0, Math.min(end === -1 ? mostName : end, mostName))
      .replace(/[\u0000-\u001f\u007f]/g, "")
    const keys = end === -1 ? Buffer.alloc(0) : Buffer.from(head.subarray(end + 1))
    head = undefined
    return { name, keys }
  }
}

/**
 * Lets other processes of this user take part in a console until the scope closes. A console that can't be shared, because
 * there is no place for the socket, is used by its owner alone.
 *
 * @since 0.1.0
 * @category running
 */
export const serve = Effect.fn("ConsoleShare.serve")(function* (
  console: SerialConsole["Service"],
  target: SerialTarget
): Effect.fn.Return<void, never, Scope.Scope | FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const address = yield* addressOf(target)
  const arrivals = yield* Queue.unbounded<Net.Socket>()
  const sockets = new Set<Net.Socket>()

  const attend = Effect.fnUntraced(function* (socket: Net.Socket) {
    const typed = yield* Queue.unbounded<{ readonly name: string; readonly keys: Buffer }>()
    const read = nameAndKeys()
    socket.on("data", (chunk: Buffer) => {
      const { keys, name } = read(chunk)
      if (keys.length > 0) Queue.offerUnsafe(typed, { keys, name })
    })
    yield* console.listen(({ data }) => {
      if (socket.writableLength < mostWaiting) socket.write(data)
    })
    socket.write((yield* console.replay(replayedBytes)).data)
    const gone = Effect.callback<void>((resume) => {
      socket.once("close", () => resume(Effect.void))
    })
    const typing = Stream.runForEach(Stream.fromQueue(typed), ({ keys, name }) =>
      Effect.ignore(console.type(name, keys, "wait"))
    )
    yield* Effect.raceFirst(gone, typing)
  }, Effect.scoped)

  const listen = Effect.acquireRelease(
    Effect.callback<Net.Server | undefined>((resume) => {
      const server = Net.createServer((socket) => {
        sockets.add(socket)
        socket.on("error", () => socket.destroy()).on("close", () => sockets.delete(socket))
        Queue.offerUnsafe(arrivals, socket)
      })
      server.once("error", () => resume(Effect.undefined))
      server.listen(address, () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.sync(() => {
        server?.close()
        for (const socket of sockets) socket.destroy()
      })
  )
  // The lock of the port says that nobody else can be at it: what is there was left behind.
  if (process.platform !== "win32") yield* Effect.ignore(fs.remove(address, { force: true }))
  const server = yield* listen
  if (server === undefined) return yield* Effect.logDebug("the console can't be shared", { address })
  if (process.platform !== "win32") yield* Effect.ignore(fs.chmod(address, 0o600))
  yield* Effect.forkScoped(Stream.runForEach(Stream.fromQueue(arrivals), (socket) => Effect.forkScoped(attend(socket))))
})

/**
 * Takes part in a console that another process owns and serves. Fails with `PortBusy` where its owner does not share it.
 *
 * @since 0.1.0
 * @category running
 */
export const join = Effect.fn("ConsoleShare.join")(function* (
  target: SerialTarget,
  by: string
): Effect.fn.Return<Shared, SerialError.SerialError, Scope.Scope | FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const address = yield* addressOf(target)
  const alone = () =>
    SerialError.make(new SerialError.PortBusy({ port: format(target), owner: "a process that does not share it" }))
  if (process.platform !== "win32") {
    // Anybody may put a socket into a temporary folder.
    const { uid } = yield* Effect.mapError(fs.stat(address), alone)
    if (uid._tag === "Some" && uid.value !== process.getuid?.()) return yield* alone()
  }
  const socket = yield* Effect.acquireRelease(
    Effect.callback<Net.Socket, SerialError.SerialError>((resume) => {
      const socket = Net.connect(address)
      socket.once("error", () => resume(Effect.fail(alone())))
      socket.once("connect", () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )
  const output = yield* Queue.unbounded<Uint8Array, Cause.Done>()
  socket
    .on("error", () => socket.destroy())
    .on("data", (chunk: Buffer) => void Queue.offerUnsafe(output, chunk))
    .on("close", () => void Queue.endUnsafe(output))
  socket.write(`${by.slice(0, mostName / 4)}\n`)
  const turns = yield* Semaphore.make(1)
  return {
    output: Stream.fromQueue(output),
    type: (bytes) =>
      Semaphore.withPermits(
        turns,
        1
      )(Effect.callback<void>((resume) => void socket.write(bytes, () => resume(Effect.void))))
  }
})
