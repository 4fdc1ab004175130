/** A real git server over HTTP (git-http-backend), which asks for a token where it is told to. */
import { Effect } from "effect"
import * as ChildProcess from "node:child_process"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as Http from "node:http"
import type * as Net from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"

export interface Options {
  readonly user?: string
  readonly token?: string
  /** Called before a request is answered. */
  readonly before?: (request: Http.IncomingMessage) => Promise<void> | void
}

const execPath = ChildProcess.execFileSync("git", ["--exec-path"], { encoding: "utf8" }).trim()

/** Runs the CGI program for one request. */
const backend = (root: string, request: Http.IncomingMessage, response: Http.ServerResponse): void => {
  const [path = "", query = ""] = (request.url ?? "").split("?")
  const child = ChildProcess.spawn(Path.join(execPath, "git-http-backend"), {
    env: {
      PATH: process.env["PATH"],
      HOME: root,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: path,
      QUERY_STRING: query,
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      ...(request.headers["content-encoding"] === undefined
        ? {}
        : { HTTP_CONTENT_ENCODING: request.headers["content-encoding"] }),
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? "")
    }
  })
  request.pipe(child.stdin)
  child.stdin.on("error", () => undefined)
  let head = Buffer.alloc(0)
  let isBody = false
  child.stdout.on("data", (chunk: Buffer) => {
    if (isBody) return void response.write(chunk)
    head = Buffer.concat([head, chunk])
    const end = head.indexOf("\r\n\r\n")
    if (end === -1) return
    isBody = true
    for (const line of head.subarray(0, end).toString("latin1").split("\r\n")) {
      const [name = "", value = ""] = line.split(/: ?(.*)/)
      if (name === "Status") response.statusCode = Number.parseInt(value, 10)
      else response.setHeader(name, value)
    }
    response.write(head.subarray(end + 4))
  })
  child.on("close", () => response.end())
}

/** A server on 127.0.0.1, until the scope closes. */
export const serving = (answer: (request: Http.IncomingMessage, response: Http.ServerResponse) => void) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<Http.Server>((resume) => {
        const server = Http.createServer(answer)
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.sync(() => {
          server.close()
          server.closeAllConnections()
        })
    ),
    // Of a server that listens it is an address.
    (server) => `http://127.0.0.1:${(server.address() as Net.AddressInfo).port}`
  )

/** The server with one repository, `repo.git`, of one commit with a file of that many random bytes. */
export const make = Effect.fnUntraced(function* ({ before, token, user = "x-access-token" }: Options = {}, bytes = 10) {
  const root = yield* Effect.acquireRelease(
    Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "git-"))),
    (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
  )
  const who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
  const git = (...args: ReadonlyArray<string>) =>
    ChildProcess.execFileSync("git", [...who, ...args], { cwd: root, encoding: "utf8", stdio: "pipe" })
  git("init", "-q", "-b", "main", "work")
  Fs.writeFileSync(Path.join(root, "work", "file"), Crypto.randomBytes(bytes))
  git("-C", "work", "add", "file")
  git("-C", "work", "commit", "-qm", "one")
  git("clone", "-q", "--bare", "work", "repo.git")
  const requests: Array<string> = []
  const expected = `Basic ${Buffer.from(`${user}:${token}`).toString("base64")}`
  const origin = yield* serving((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    if (token !== undefined && request.headers.authorization !== expected) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end("no")
      return
    }
    void Promise.resolve(before?.(request)).then(() => backend(root, request, response))
  })
  return { url: `${origin}/repo.git`, requests, commit: git("-C", "work", "rev-parse", "HEAD").trim() }
})
