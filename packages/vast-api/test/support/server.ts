import { FetchHttpClient } from "effect/http"
import { Context, Effect, Layer, Redacted } from "effect"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import * as VastClient from "../../src/VastClient.ts"
import { type Fixture, fixture } from "./fixtures.ts"

export const apiKey = "vast-key-planted-0123456789abcdef"

/** What the server got. */
export interface Seen {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly authorization: string | undefined
  readonly body: unknown
}

/** An answer: a fixture's, or a made-up one, or none at all (the connection is cut). */
export interface Answer {
  readonly status?: number
  readonly contentType?: string
  readonly body: unknown
}

export type Script = (seen: Seen, count: number) => Answer | "cut" | "silence"

export const answerOf = ({ response }: Fixture): Answer => ({
  status: response.status,
  contentType: response.content_type,
  body: response.body
})

/** Plays fixtures by name, one a request; the last of them again and again. */
export const play =
  (...names: ReadonlyArray<string>): Script =>
  (_, count) =>
    answerOf(fixture(names[Math.min(count, names.length - 1)] ?? ""))

export class Server extends Context.Service<
  Server,
  {
    readonly url: string
    /** From here on requests are answered so, and counted from 0. */
    readonly use: (script: Script) => Effect.Effect<void>
    readonly seen: Effect.Effect<ReadonlyArray<Seen>>
  }
>()("test/Server") {}

export const serverLayer = Layer.effect(
  Server,
  Effect.acquireRelease(
    Effect.callback<{ readonly server: Http.Server; readonly service: Server["Service"] }>((resume) => {
      let script: Script = play()
      let seen: Array<Seen> = []
      const server = Http.createServer((request, response) => {
        const chunks: Array<Buffer> = []
        request.on("data", (chunk: Buffer) => chunks.push(chunk))
        request.on("end", () => {
          const url = new URL(request.url ?? "/", "http://127.0.0.1")
          const text = Buffer.concat(chunks).toString()
          const now: Seen = {
            method: request.method ?? "",
            path: url.pathname,
            query: Object.fromEntries(url.searchParams),
            authorization: request.headers.authorization,
            body: text === "" ? undefined : JSON.parse(text)
          }
          const answer = script(now, seen.length)
          seen.push(now)
          if (answer === "silence") return
          if (answer === "cut") return void request.socket.destroy()
          const origin = `http://${request.headers.host}`
          const body = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body)
          response.writeHead(answer.status ?? 200, { "content-type": answer.contentType ?? "application/json" })
          response.end(body.replaceAll("{BASE}", origin))
        })
      })
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo // a server on a TCP port has no other kind of address
        const service = {
          url: `http://127.0.0.1:${port}`,
          use: (next: Script) =>
            Effect.sync(() => {
              script = next
              seen = []
            }),
          seen: Effect.sync(() => [...seen])
        }
        resume(Effect.succeed({ server, service }))
      })
    }),
    ({ server }) =>
      Effect.callback<void>((resume) => {
        server.closeAllConnections()
        server.close(() => resume(Effect.void))
      })
  ).pipe(Effect.map(({ service }) => service))
)

const clientLayer = (options: Partial<VastClient.Options>) =>
  Layer.unwrap(
    Effect.map(Server, ({ url }) =>
      VastClient.layer({
        apiKey: Redacted.make(apiKey),
        baseUrl: url,
        interval: () => 0,
        backoff: "5 millis",
        retries: 3,
        timeout: "5 seconds",
        ...options
      })
    )
  )

/** A server on 127.0.0.1 that is played by script, and a client for it without pauses. */
export const layerWith = (options: Partial<VastClient.Options>) =>
  clientLayer(options).pipe(Layer.provideMerge(serverLayer), Layer.provide(FetchHttpClient.layer))

export const layer = layerWith({})
