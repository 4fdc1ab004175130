import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Redacted } from "effect"
import { describeWith } from "@toehold/lab/RealPart"
import * as Fs from "node:fs"
import type { SessionConfig } from "../src/SessionConfig.ts"
import { SessionSteps } from "../src/SessionSteps.ts"
import * as GitServer from "./support/gitServer.ts"
import { layerLocal, Place } from "./support/place.ts"

const token = "ghp_secretSECRETsecret0123"

let count = 0

const session = Effect.fnUntraced(function* (changes: Partial<SessionConfig>) {
  const steps = yield* SessionSteps
  const place = yield* Place
  const config: SessionConfig = {
    sessionId: `r${++count}`,
    repoUrl: "",
    vmId: "vm-1",
    vmIp: "127.0.0.1",
    workspaceBasePath: `${place.folder}/workspaces`,
    ...changes
  }
  const console = yield* steps.console(config, {})
  yield* Effect.addFinalizer(() => Effect.ignore(steps.stop(config, { console })))
  const workspace = yield* steps.workspace(config, { console })
  const said: Array<string> = []
  const report = (line: string) => Effect.sync(() => void said.push(line))
  return {
    clone: steps.repository(config, { console, workspace }, report),
    said,
    place,
    path: workspace.path,
    console,
    config,
    steps
  }
})

const reasonOf = Effect.fnUntraced(function* (changes: Partial<SessionConfig>) {
  const { clone } = yield* session(changes)
  return (yield* Effect.flip(clone)).reason
})

const withToken = (value: string) => ({ credentials: { token: Redacted.make(value) } })

/** Every command line and every file of ours that holds the text. */
const whereabouts = (text: string, folder: string) =>
  Effect.flatMap(Place, ({ sh }) =>
    Effect.map(
      sh(
        `grep -lra "$1" "$2" 2>/dev/null; for f in /proc/[0-9]*/cmdline; do
          [ "$f" = /proc/$$/cmdline ] || grep -la "$1" "$f" 2>/dev/null
        done | grep -v "/$$/"; :`,
        // The search is not to find itself.
        text.replace(/^(.)/, "[$1]"),
        folder
      ),
      (found) => found.trim()
    )
  )

const answering = (status: number) => GitServer.serving((_, response) => void response.writeHead(status).end("no"))

describeWith(["git", "busybox"], "A session's repository", () => {
  it.layer(layerLocal({ cloneTimeout: "2 minutes" }), { excludeTestServices: true })((it) => {
    it.effect("is read with a token, which nothing keeps", () =>
      Effect.gen(function* () {
        const found: Array<string> = []
        const { folder } = yield* Place
        const context = yield* Effect.context<Place>()
        const server = yield* GitServer.make({
          token,
          before: async () => {
            found.push(await Effect.runPromiseWith(context)(whereabouts(token, folder)))
          }
        })
        assert.deepInclude(yield* reasonOf({ repoUrl: server.url }), { _tag: "RepositoryPrivate", refused: false })
        const wrong = yield* reasonOf({ repoUrl: server.url, ...withToken("wrong0wrong") })
        assert.deepInclude(wrong, { _tag: "RepositoryPrivate", refused: true })
        assert.notInclude(JSON.stringify(wrong), "wrong0wrong")

        const { clone, path, said } = yield* session({ repoUrl: server.url, ...withToken(token) })
        assert.deepStrictEqual(yield* clone, { commit: server.commit, branch: "main" })
        assert.isAbove(found.length, 1)
        assert.deepStrictEqual([...new Set(found)], [""])
        assert.strictEqual(yield* whereabouts(token, folder), "")
        Fs.writeFileSync(`${folder}/kept`, token)
        assert.strictEqual(yield* whereabouts(token, folder), `${folder}/kept`)
        assert.notInclude(said.join("\n"), token)
        assert.notInclude(Fs.readFileSync(`${path}/.git/config`, "utf8"), "credential")
      }).pipe(Effect.scoped)
    )

    it.effect("takes a user's name with the token", () =>
      Effect.gen(function* () {
        const server = yield* GitServer.make({ user: "jo o'hara", token })
        const credentials = { username: "jo o'hara", token: Redacted.make(token) }
        const { clone } = yield* session({ repoUrl: server.url, credentials })
        assert.strictEqual((yield* clone).commit, server.commit)
      }).pipe(Effect.scoped)
    )

    it.effect("doesn't show the token to a server that it is sent on to", () =>
      Effect.gen(function* () {
        const headers: Array<string | undefined> = []
        const other = yield* GitServer.serving((request, response) => {
          headers.push(request.headers.authorization)
          response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end()
        })
        const first = yield* GitServer.serving((request, response) => {
          response.writeHead(302, { location: `${other}${request.url ?? ""}` }).end()
        })
        const reason = yield* reasonOf({ repoUrl: `${first}/repo.git`, ...withToken(token) })
        assert.strictEqual(reason._tag, "RepositoryPrivate")
        assert.deepStrictEqual([...new Set(headers)], [undefined])
      }).pipe(Effect.scoped)
    )

    it.effect("tells what a server answers apart", () =>
      Effect.gen(function* () {
        const reasons: Array<string> = []
        for (const status of [403, 404, 500, 503]) {
          const origin = yield* answering(status)
          reasons.push((yield* reasonOf({ repoUrl: `${origin}/x.git` }))._tag)
        }
        assert.deepStrictEqual(reasons, [
          "RepositoryPrivate",
          "RepositoryMissing",
          "RepositoryUnreachable",
          "RepositoryUnreachable"
        ])
        const broken = yield* GitServer.serving((request) => request.socket.destroy())
        assert.strictEqual((yield* reasonOf({ repoUrl: `${broken}/x.git` }))._tag, "RepositoryUnreachable")
        const unknown = yield* reasonOf({ repoUrl: "https://no-such-host.invalid/x.git" })
        assert.strictEqual(unknown._tag, "RepositoryUnreachable")
      }).pipe(Effect.scoped)
    )

    it.effect("goes on while nobody looks, and is cloned once", () =>
      Effect.gen(function* () {
        const { promise: gate, resolve: open } = Promise.withResolvers<void>()
        const server = yield* GitServer.make(
          {
            before: async (request) => {
              if (request.method === "POST") await gate
            }
          },
          300_000
        )
        const { clone, said } = yield* session({ repoUrl: server.url })
        const first = yield* Effect.forkChild(clone)
        while (!server.requests.some((line) => line.startsWith("POST"))) yield* Effect.sleep("20 millis")
        yield* Fiber.interrupt(first)
        const second = yield* Effect.forkChild(clone)
        yield* Effect.sleep("300 millis")
        open()
        assert.strictEqual((yield* Fiber.join(second)).commit, server.commit)
        assert.strictEqual(server.requests.filter((line) => line.startsWith("GET")).length, 1)
        assert.isTrue(
          said.some((line) => line.startsWith("Receiving objects: 100%")),
          said.join("\n")
        )
      }).pipe(Effect.scoped)
    )

    it.effect("is given up for good when the session is stopped", () =>
      Effect.gen(function* () {
        const server = yield* GitServer.make({ before: () => new Promise(() => {}) })
        const { clone, config, console, path, place, steps } = yield* session({ repoUrl: server.url })
        const running = yield* Effect.forkChild(Effect.flip(clone))
        while (server.requests.length === 0) yield* Effect.sleep("20 millis")
        yield* steps.stop(config, { console })
        yield* Fiber.join(running)
        assert.strictEqual(yield* place.sh('ps -e -o args | grep -c "[g]it.*$1" || :', path), "0\n")
      }).pipe(Effect.scoped)
    )
  })

  it.layer(layerLocal({ cloneTimeout: "1 second" }), { excludeTestServices: true })((it) => {
    it.effect("has a limit of its own, which holds on the machine", () =>
      Effect.gen(function* () {
        const server = yield* GitServer.make({ before: () => new Promise(() => {}) })
        const reason = yield* reasonOf({ repoUrl: server.url })
        assert.deepInclude(reason, { _tag: "RepositoryTimeout", timeoutMs: 1000 })
      }).pipe(Effect.scoped)
    )
  })

  it.layer(layerLocal({ busyboxWith: [] }), { excludeTestServices: true })((it) => {
    it.effect("needs a git", () =>
      Effect.gen(function* () {
        assert.strictEqual((yield* reasonOf({ repoUrl: "https://example.org/x" }))._tag, "GitMissing")
      }).pipe(Effect.scoped)
    )
  })
})
