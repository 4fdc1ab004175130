/**
 * Stands for cloudflared without a way out: it says what the real one says, and the URL is of this machine.
 * `node cloudflared.ts STARTS tunnel --url URL`
 */
import * as Fs from "node:fs"
import * as Http from "node:http"

const [starts = "", ...args] = process.argv.slice(2)
const origin = new URL(args[args.indexOf("--url") + 1] ?? "")
Fs.appendFileSync(starts, "cloudflared\n")

const log = (text: string): void => void process.stderr.write(`${new Date().toISOString()} ${text}\n`)

const limited = process.env["TEST_RATE_LIMITED"] === "yes"
log("INF Requesting new quick Tunnel on trycloudflare.com...")
if (limited) {
  log(
    'ERR Error unmarshaling QuickTunnel response: error code: 1015 error="invalid character" status_code="429 Too Many Requests"'
  )
  process.exit(1)
}

const proxy = Http.createServer((request, response) => {
  const up = Http.request({ host: origin.hostname, port: origin.port, path: request.url }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  up.on("error", () => void response.writeHead(502).end())
  up.end()
})
proxy.listen(0, "127.0.0.1", () => {
  const address = proxy.address()
  const port = address === null || typeof address === "string" ? 0 : address.port
  log("INF +--------------------------------------------------------------------------------------------+")
  log("INF |  Your quick Tunnel has been created! Visit it at (it may take some time to be reachable):  |")
  log(`INF |  ${`http://127.0.0.1:${port}`.padEnd(90)}|`)
  log("INF +--------------------------------------------------------------------------------------------+")
  log("INF Starting metrics server on 127.0.0.1:20241/metrics")
  log('ERR Failed to dial a quic connection error="timeout" connIndex=0')
  log("INF Registered tunnel connection connIndex=0 protocol=http2")
})
