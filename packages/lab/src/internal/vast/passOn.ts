/** What a server does that passes requests on to another one: the edge of the tunnels, and what holds their near end. */
import type * as Http from "node:http"
import type { Duplex } from "node:stream"

/** Passes a request on as `up`, and the answer back. `unreachable` is for an origin that does not answer. */
export const passRequest = (
  request: Http.IncomingMessage,
  response: Http.ServerResponse,
  up: Http.ClientRequest,
  unreachable: () => void
): void => {
  up.once("response", (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  up.once("error", () => {
    if (response.headersSent) response.destroy()
    else unreachable()
  })
  response.once("close", () => up.destroy())
  request.pipe(up)
}

/** The same for a connection that becomes one of another protocol, such as a WebSocket. */
export const passUpgrade = (socket: Duplex, head: Buffer, up: Http.ClientRequest, unreachable: () => void): void => {
  socket.on("error", () => {})
  up.once("error", () => {
    unreachable()
    socket.destroy()
  })
  up.once("upgrade", (answer, far, farHead) => {
    const headers = answer.rawHeaders.flatMap((name, index, all) =>
      index % 2 === 0 ? [`${name}: ${all[index + 1]}`] : []
    )
    socket.write(["HTTP/1.1 101 Switching Protocols", ...headers, "", ""].join("\r\n"))
    socket.write(farHead)
    far.on("error", () => {}).write(head)
    far.pipe(socket)
    socket.pipe(far)
  })
  up.end()
}
