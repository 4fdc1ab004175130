/** A pair of FIFOs. */
import { Effect, type Scope } from "effect"
import * as Fs from "node:fs"
import * as Net from "node:net"
import type * as SerialError from "../../SerialError.ts"
import { missing, opened, scoped, type Wire } from "./wire.ts"

const { O_NONBLOCK, O_RDONLY, O_RDWR } = Fs.constants

/**
 * A FIFO as a socket of Node's, which waits for it in the event loop. Read as a file it would hold up one of the four
 * threads that all file work shares, for as long as the machine is silent.
 */
const socket = (port: string, path: string, flags: number): Effect.Effect<Net.Socket, SerialError.SerialError> =>
  Effect.gen(function* () {
    if (process.platform === "win32") {
      return yield* missing(
        port,
        "Windows has no FIFOs",
        "Let the machine's host side listen on TCP: serial:tcp:HOST:PORT."
      )
    }
    // O_NONBLOCK: opening waits for nobody.
    const fd = yield* opened(port, () => Fs.openSync(path, flags | O_NONBLOCK))
    if (!Fs.fstatSync(fd).isFIFO()) {
      Fs.closeSync(fd)
      return yield* missing(port, `${path} is no FIFO`)
    }
    const readable = flags === O_RDONLY
    return new Net.Socket({ fd, readable, writable: !readable })
  })

/**
 * What the machine reads is opened for reading as well: so it opens before the machine does, and the machine never sees
 * an end of its input, which Firecracker would take for good.
 */
export const make = (
  port: string,
  paths: { readonly input: string; readonly output: string }
): Effect.Effect<Wire, SerialError.SerialError, Scope.Scope> =>
  scoped(
    Effect.gen(function* () {
      const reader = yield* socket(port, paths.output, O_RDONLY)
      const writer = yield* socket(port, paths.input, O_RDWR).pipe(
        Effect.tapError(() => Effect.sync(() => reader.destroy()))
      )
      return { reader, writer }
    })
  )
