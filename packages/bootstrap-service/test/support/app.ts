/** An app like ComfyUI: takes a moment to start, then serves a page. `node app.ts STARTS PORT` */
import * as Fs from "node:fs"
import * as Http from "node:http"

const [starts = "", port = "0"] = process.argv.slice(2)
Fs.appendFileSync(starts, "app\n")
setTimeout(() => {
  Http.createServer((_request, response) => void response.end("ComfyUI")).listen(Number(port), "127.0.0.1")
  process.stdout.write(`To see the GUI go to: http://127.0.0.1:${port}\n`)
}, 200)
