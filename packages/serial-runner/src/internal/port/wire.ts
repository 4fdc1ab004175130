/** What every kind of port is made of: something that brings bytes, and something that takes them. */
import { Effect, type Scope } from "effect"
import type { Duplex, Readable, Writable } from "node:stream"
import * as SerialError from "../../SerialError.ts"

export interface Wire {
  readonly reader: Readable
  readonly writer: Writable
}

export const missing = (port: string, detail: string, hint?: string): SerialError.SerialError =>
  SerialError.make(new SerialError.PortMissing({ port, detail, ...(hint === undefined ? {} : { hint }) }))

const detailOf = (cause: unknown): string => {
  const { code, message } = cause as NodeJS.ErrnoException // what Node's streams and files fail with
  switch (code) {
    case "ENOENT":
      return "there is no such file"
    case "EACCES":
    case "EPERM":
      return "this user may not open it"
    case "ECONNREFUSED":
      return "nobody listens there"
    case "ENOTFOUND":
      return "there is no such host"
    default:
      return message ?? String(cause)
  }
}

/** Something of Node's that may throw, as a port that is missing. */
export const opened = <A>(port: string, open: () => A): Effect.Effect<A, SerialError.SerialError> =>
  Effect.try({ try: open, catch: (cause) => missing(port, detailOf(cause)) })

/** A wire whose two ends are gone, at once, when the scope closes. */
export const scoped = <E>(wire: Effect.Effect<Wire, E>): Effect.Effect<Wire, E, Scope.Scope> =>
  Effect.acquireRelease(wire, ({ reader, writer }) =>
    Effect.sync(() => {
      // An error after the end has nobody to tell.
      for (const end of [reader, writer]) end.on("error", () => undefined)
      reader.destroy()
      writer.destroy()
    })
  )

/** A socket that connects. */
export const connected = (
  port: string,
  connect: () => Duplex & { connecting?: boolean }
): Effect.Effect<Wire, SerialError.SerialError> =>
  Effect.callback<Wire, SerialError.SerialError>((resume) => {
    const socket = connect()
    const onError = (cause: unknown): void => resume(Effect.fail(missing(port, detailOf(cause))))
    socket.once("error", onError)
    socket.once("connect", () => {
      socket.off("error", onError)
      resume(Effect.succeed({ reader: socket, writer: socket }))
    })
    return Effect.sync(() => socket.destroy())
  })
