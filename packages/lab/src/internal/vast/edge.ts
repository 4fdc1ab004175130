/**
 * The far end of quick tunnels: it gives out names, and passes what comes for a name on to the process that holds it, as
 * long as that lives.
 */
import { Effect, type Scope } from "effect"
import * as Crypto from "node:crypto"
import * as Http from "node:http"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { LabError } from "../../LabError.ts"
import { passRequest, passUpgrade } from "./passOn.ts"

export interface Edge {
  /** Where stand-ins for cloudflared get a name, and where each name answers under `/at/NAME/`, or by its `Host`. */
  readonly url: string
  /** Names that were given out and not given back, with the port behind each. */
  readonly tunnels: Effect.Effect<ReadonlyMap<string, number>>
  /** Refuses new names, as the real one does when there were too many. */
  readonly limit: (isLimited: boolean) => Effect.Effect<void>
}

const domain = ".trycloudflare.com"
const words = ["blog", "devoted", "pos", "angela", "amber", "river", "cedar", "stone", "maple", "winter"]

const newName = (): string =>
  [...Array.from({ length: 3 }, () => words[Crypto.randomInt(words.length)]), Crypto.randomBytes(3).toString("hex")]
    .join("-")
    .concat(domain)

/** The name that a request is for, and the rest of its path. */
const routeOf = (request: Http.IncomingMessage): readonly [name: string, path: string] | undefined => {
  const host = (request.headers.host ?? "").replace(/:\d+$/, "")
  const path = request.url ?? "/"
  if (host.endsWith(domain)) return [host, path]
  const found = /^\/at\/([^/?]+)(.*)$/.exec(path)
  return found === null
    ? undefined
    : [found[1] ?? "", found[2]?.startsWith("/") === true ? found[2] : `/${found[2] ?? ""}`]
}

const onward = (request: Http.IncomingMessage, name: string, path: string, port: number): Http.ClientRequest =>
  Http.request({
    host: "127.0.0.1",
    port,
    method: request.method,
    path,
    headers: { ...request.headers, host: name },
    agent: false
  })

/** Starts it on a free port. */
export const make: Effect.Effect<Edge, LabError, Scope.Scope> = Effect.gen(function* () {
  const tunnels = new Map<string, number>()
  const sockets = new Set<Socket>()
  let isLimited = false

  const register = (request: Http.IncomingMessage, response: Http.ServerResponse): void => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      if (isLimited) return void response.writeHead(429).end("error code: 1015")
      const name = newName()
      tunnels.set(name, Number(Buffer.concat(chunks).toString()))
      response.end(name)
    })
  }

  const pass = (request: Http.IncomingMessage, response: Http.ServerResponse): void => {
    if (request.method === "POST" && request.url === "/tunnels") return register(request, response)
    const route = routeOf(request)
    const port = route === undefined ? undefined : tunnels.get(route[0])
    if (route === undefined || port === undefined) return void response.writeHead(530).end("error code: 1033")
    // Nobody holds the name any more.
    passRequest(request, response, onward(request, ...route, port), () =>
      response.writeHead(530).end("error code: 1033")
    )
  }

  const upgrade = (request: Http.IncomingMessage, socket: Duplex, head: Buffer): void => {
    const route = routeOf(request)
    const port = route === undefined ? undefined : tunnels.get(route[0])
    if (route === undefined || port === undefined) {
      return void socket.on("error", () => {}).end("HTTP/1.1 530 \r\n\r\nerror code: 1033")
    }
    passUpgrade(socket, head, onward(request, ...route, port), () => {})
  }

  const server = Http.createServer(pass)
    .on("upgrade", upgrade)
    .on("connection", (socket: Socket) => {
      sockets.add(socket)
      socket.once("close", () => sockets.delete(socket))
    })
  const port = yield* Effect.acquireRelease(
    Effect.callback<number, LabError>((resume) => {
      server.once("error", (cause) => resume(Effect.fail(new LabError({ message: "The edge can't listen", cause }))))
      server.listen(0, "127.0.0.1", () => {
        const bound = server.address()
        resume(Effect.succeed(bound === null || typeof bound === "string" ? 0 : bound.port))
      })
    }),
    () =>
      Effect.sync(() => {
        server.close()
        for (const socket of sockets) socket.destroy()
      })
  )
  return {
    url: `http://127.0.0.1:${port}`,
    tunnels: Effect.sync(() => new Map(tunnels)),
    limit: (limited) =>
      Effect.sync(() => {
        isLimited = limited
      })
  }
})
