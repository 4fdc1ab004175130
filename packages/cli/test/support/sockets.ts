/** Something to forward to, and somebody who uses the forwarding. */
import { Effect } from "effect"
import * as Net from "node:net"

/** A server on 127.0.0.1 that greets, says back what it is told, and ends. */
export const greeter = Effect.acquireRelease(
  Effect.callback<{ readonly server: Net.Server; readonly port: number }>((resume) => {
    const server = Net.createServer((socket) => void socket.on("error", () => {}).pipe(socket))
    server.listen(0, "127.0.0.1", () => {
      const bound = server.address()
      resume(Effect.succeed({ server, port: bound === null || typeof bound === "string" ? 0 : bound.port }))
    })
  }),
  ({ server }) => Effect.sync(() => void server.close())
).pipe(Effect.map(({ port }) => port))

/** What comes back through a port (or the path of a socket) for a text, or the code of the error. */
export const talk = (to: number | string, text: string) =>
  Effect.callback<string>((resume) => {
    let got = ""
    const socket = Net.connect(typeof to === "number" ? { port: to, host: "127.0.0.1" } : { path: to })
    socket.on("data", (data) => (got += data.toString()))
    socket.once("end", () => resume(Effect.succeed(got)))
    socket.once("error", (error: NodeJS.ErrnoException) => resume(Effect.succeed(`${error.code}`)))
    socket.end(text)
    return Effect.sync(() => socket.destroy())
  })

export const portOf = (listen: string): number => Number(listen.slice(listen.lastIndexOf(":") + 1))
