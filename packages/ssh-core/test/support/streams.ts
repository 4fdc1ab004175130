/** What stands at the ends of a forwarding: servers and clients of the test's own, on ports and sockets. */
import { Data, Effect } from "effect"
import type { Scope } from "effect"
import * as Net from "node:net"

export type Where = number | string

const to = (where: Where): Net.NetConnectOpts =>
  typeof where === "number" ? { port: where, host: "127.0.0.1" } : { path: where }

export interface TestServer {
  readonly where: Where
  readonly open: () => number
  readonly accepted: () => number
}

/** Serves every connection by `serve`, on a free port or the path of a socket. */
export const serve = (
  onSocket: (socket: Net.Socket) => void,
  path?: string
): Effect.Effect<TestServer & { readonly port: number }, never, Scope.Scope> =>
  Effect.gen(function* () {
    const sockets = new Set<Net.Socket>()
    let accepted = 0
    const server = yield* Effect.acquireRelease(
      Effect.callback<Net.Server>((resume) => {
        const server = Net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
          accepted++
          sockets.add(socket)
          socket.on("error", () => {}).once("close", () => sockets.delete(socket))
          onSocket(socket)
        })
        server.listen(path === undefined ? { port: 0, host: "127.0.0.1" } : { path }, () =>
          resume(Effect.succeed(server))
        )
      }),
      (server) =>
        Effect.sync(() => {
          server.close()
          for (const socket of sockets) socket.destroy()
        })
    )
    const bound = server.address()
    const port = bound === null || typeof bound === "string" ? 0 : bound.port
    return { where: path ?? port, port, open: () => sockets.size, accepted: () => accepted }
  })

/** Sends back what it gets, the end included. */
export const echo = (socket: Net.Socket): void => void socket.pipe(socket)

export const connect = (where: Where): Effect.Effect<Net.Socket, NodeJS.ErrnoException, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Net.Socket, NodeJS.ErrnoException>((resume) => {
      const socket = Net.connect({ ...to(where), allowHalfOpen: true, noDelay: true })
      socket.once("error", (error) => resume(Effect.fail(error)))
      socket.once("connect", () => {
        socket.on("error", () => {})
        resume(Effect.succeed(socket))
      })
    }),
    (socket) => Effect.sync(() => socket.destroy()),
    { interruptible: true }
  )

export interface Received {
  readonly bytes: Buffer
  /** In order, or cut off. */
  readonly end: "end" | "reset"
}

/** Everything that comes until the end. */
export const receive = (socket: Net.Socket): Effect.Effect<Received> =>
  Effect.callback<Received>((resume) => {
    const chunks: Array<Buffer> = []
    const done = (end: Received["end"]) => resume(Effect.succeed({ bytes: Buffer.concat(chunks), end }))
    socket.on("data", (chunk: Buffer) => chunks.push(chunk))
    socket.once("end", () => done("end"))
    socket.once("close", () => done("reset"))
    // An end with nothing before it needs no reader to come.
    if (socket.readableEnded) done("end")
    else if (socket.destroyed) done("reset")
  })

/** Sends the bytes and its own end, and takes what comes back. */
export const exchange = (where: Where, bytes: string | Uint8Array): Effect.Effect<Received, NodeJS.ErrnoException> =>
  Effect.gen(function* () {
    const socket = yield* connect(where)
    const sent = Effect.callback<void>((resume) => {
      socket.end(bytes, () => resume(Effect.void))
      socket.once("close", () => resume(Effect.void))
    })
    const [received] = yield* Effect.all([receive(socket), sent], { concurrency: 2 })
    return received
  }).pipe(Effect.scoped)

/** What comes back for a short text, with the way it ended. */
export const talk = (where: Where, text: string) =>
  Effect.map(exchange(where, text), ({ bytes, end }) => `${bytes.toString()} ${end}`)

/** What a proxy answers in place of a connection. */
export class SocksRefusal extends Data.TaggedError("SocksRefusal")<{ readonly message: string }> {}

const refusal = (message: string) => Effect.fail(new SocksRefusal({ message }))

/** A request to a SOCKS proxy: by address where the host is one, else by name (4a). */
const socksRequest = (version: 4 | 5, host: string, port: number): Buffer => {
  const numbers = Net.isIPv4(host) ? host.split(".").map(Number) : undefined
  const last = [port >> 8, port & 0xff]
  if (version === 5) {
    return Buffer.from([5, 1, 0, ...(numbers ? [1, ...numbers] : [3, host.length, ...Buffer.from(host)]), ...last])
  }
  return Buffer.from([
    4,
    1,
    ...last,
    ...(numbers ?? [0, 0, 0, 1]),
    ...Buffer.from("me\0"),
    ...(numbers ? [] : Buffer.from(`${host}\0`))
  ])
}

/** A connection through a SOCKS proxy on 127.0.0.1; fails with the proxy's answer. */
export const viaSocks = (
  proxy: number,
  { host, port, version = 5 }: { readonly version?: 4 | 5; readonly host: string; readonly port: number }
) =>
  Effect.gen(function* () {
    const socket = yield* connect(proxy)
    if (version === 5) {
      socket.write(Buffer.from([5, 2, 2, 0]))
      const chosen = yield* take(socket, 2)
      if (chosen[1] !== 0) return yield* refusal(`no method: ${chosen[1]}`)
    }
    socket.write(socksRequest(version, host, port))
    const reply = yield* take(socket, version === 5 ? 10 : 8)
    const granted = version === 5 ? 0 : 90
    return reply[1] === granted ? socket : yield* refusal(`refused with ${reply[1]}`)
  })

/** So many bytes, and no more. */
const take = (socket: Net.Socket, count: number): Effect.Effect<Buffer, SocksRefusal> =>
  Effect.callback<Buffer, SocksRefusal>((resume) => {
    const onReadable = () => {
      const chunk: Buffer | null = socket.read(count)
      if (chunk === null) return
      socket.off("readable", onReadable).off("end", onEnd)
      resume(Effect.succeed(chunk))
    }
    const onEnd = () => resume(refusal("it ended"))
    socket.on("readable", onReadable).once("end", onEnd)
    onReadable()
  })
