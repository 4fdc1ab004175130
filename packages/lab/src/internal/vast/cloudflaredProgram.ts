/**
 * Stands for `cloudflared tunnel --url …` on a machine without a way out: it prints what the real one prints, and a
 * simulator's edge passes requests on to it, which it passes on to the origin.
 *
 *     node cloudflaredProgram.ts EDGE tunnel --url http://localhost:8188
 */
import * as Fs from "node:fs"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import { passRequest, passUpgrade } from "./passOn.ts"

const [edge = "", ...args] = process.argv.slice(2)

const flag = (name: string): string | undefined => {
  const index = args.findIndex((word) => word === `--${name}` || word.startsWith(`--${name}=`))
  const word = args[index]
  return word?.includes("=") === true ? word.slice(word.indexOf("=") + 1) : index === -1 ? undefined : args[index + 1]
}

const logfile = flag("logfile")

const log = (level: string, words: string): void => {
  const line = `${new Date().toISOString().replace(/\.\d+/, "")} ${level} ${words}\n`
  process.stderr.write(line)
  if (logfile !== undefined) Fs.appendFileSync(logfile, line)
}

if (args.includes("--version") || args[0] === "version") {
  process.stdout.write("cloudflared version 2025.8.1 (built 2025-08-19-1513 UTC)\n")
  process.exit(0)
}
const url = flag("url")
if (!args.includes("tunnel") || url === undefined) {
  process.stderr.write('"cloudflared tunnel" requires --url here\n')
  process.exit(1)
}
const origin = new URL(url.includes("://") ? url : `http://${url}`)

const onward = (request: Http.IncomingMessage): Http.ClientRequest =>
  Http.request({
    host: origin.hostname === "localhost" ? "127.0.0.1" : origin.hostname,
    port: origin.port === "" ? 80 : Number(origin.port),
    method: request.method,
    path: request.url,
    headers: request.headers
  })

const unreachable = (): void =>
  log("ERR", `error="Unable to reach the origin service: dial tcp ${origin.host}: connect: connection refused"`)

const proxy = Http.createServer((request, response) =>
  passRequest(request, response, onward(request), () => {
    unreachable()
    response.writeHead(502).end("Bad gateway")
  })
).on("upgrade", (request, socket, head) => passUpgrade(socket, head, onward(request), unreachable))

const listen = (server: Http.Server, port: number, host = "127.0.0.1"): Promise<number | undefined> =>
  new Promise((resolve) => {
    server.once("error", () => resolve(undefined))
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port)) // it listens on TCP
  })

const box = (text: string): string => `|  ${text.padEnd(90)}|`
const edgeOfBox = `+${"-".repeat(92)}+`

log("INF", "Requesting new quick Tunnel on trycloudflare.com...")
const port = await listen(proxy, 0)
const answer = await fetch(`${edge}/tunnels`, { method: "POST", body: String(port) })
const hostname = await answer.text()
if (!answer.ok) {
  log(
    "ERR",
    `Error unmarshaling QuickTunnel response: ${hostname} error="invalid character 'e' looking for beginning of value" status_code="429 Too Many Requests"`
  )
  process.stderr.write("failed to unmarshal quick Tunnel: invalid character 'e' looking for beginning of value\n")
  process.exit(1)
}
log("INF", edgeOfBox)
log("INF", box("Your quick Tunnel has been created! Visit it at (it may take some time to be reachable):"))
log("INF", box(`https://${hostname}`))
log("INF", edgeOfBox)

const metrics = Http.createServer((request, response) => {
  if (request.url === "/quicktunnel") return void response.end(JSON.stringify({ hostname }))
  if (request.url === "/ready") return void response.end(JSON.stringify({ status: 200, readyConnections: 1 }))
  response.writeHead(request.url === "/metrics" ? 200 : 404).end()
})
const wanted = flag("metrics")
const [, metricsHost = "127.0.0.1", metricsPort = "0"] = /^(.*):(\d+)$/.exec(wanted ?? "") ?? []
const ports = wanted === undefined ? [20241, 20242, 20243, 20244, 20245, 0] : [Number(metricsPort)]
let bound: number | undefined
for (const candidate of ports)
  bound ??= await listen(metrics, candidate, metricsHost === "" ? "127.0.0.1" : metricsHost)
log("INF", `Starting metrics server on ${metricsHost}:${bound}/metrics`)
log(
  "ERR",
  'Failed to dial a quic connection error="failed to dial to edge with quic: timeout: handshake did not complete in time" connIndex=0'
)
log("INF", "Registered tunnel connection connIndex=0 protocol=http2")

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => {
    log("INF", `Initiating graceful shutdown due to signal ${signal === "SIGTERM" ? "terminated" : "interrupt"} ...`)
    process.exit(0)
  })
}
