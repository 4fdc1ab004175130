/**
 * Makes a Node program reach quick tunnels at a simulator's edge: `node --import …/edgePreload.ts`, with the edge's port in
 * `TOEHOLD_LAB_EDGE_PORT`. Connections to `*.trycloudflare.com` go there, without TLS; the program notices nothing.
 */
import * as Module from "node:module"
import * as Net from "node:net"
import Tls from "node:tls"

const port = Number(process.env["TOEHOLD_LAB_EDGE_PORT"])
const connect = Tls.connect

const connectToEdge = (): Net.Socket => {
  const socket = Net.connect({ host: "127.0.0.1", port })
  Object.assign(socket, { encrypted: true, authorized: true, alpnProtocol: false })
  return socket.once("connect", () => socket.emit("secureConnect"))
}

Object.assign(Tls, {
  connect: (...args: ReadonlyArray<unknown>): unknown => {
    const [options] = args
    const { host, servername } = Object(options) as { readonly host?: string; readonly servername?: string } // as Node has them
    const name = servername ?? host ?? ""
    return name.endsWith(".trycloudflare.com") ? connectToEdge() : Reflect.apply(connect, Tls, args)
  }
})
Module.syncBuiltinESMExports()
