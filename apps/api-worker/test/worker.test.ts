import { assert, it } from "@effect/vitest"
import { NodeServices } from "@effect/platform-node"
import { Effect, Fiber, Layer, Redacted, Stream } from "effect"
import * as FreePort from "@toehold/lab/FreePort"
import * as PostgresServer from "@toehold/lab/PostgresServer"
import { describeWith } from "@toehold/lab/RealPart"
import * as Fs from "node:fs"
import * as Http from "node:http"
import * as Path from "node:path"
import { afterAll, beforeAll, describe } from "vitest"
import { apiWorker, build, clientOf, newToken, program, removeBuild, serve, site } from "./support/worker.ts"

beforeAll(build, 120_000)
afterAll(removeBuild)

const linesOf = (path: string): ReadonlyArray<string> =>
  Fs.existsSync(path) ? Fs.readFileSync(path, "utf8").split("\n").slice(0, -1) : []

/** A worker at a port that another one can have after it, with a session under way. */
const begun = Effect.gen(function* () {
  const at = yield* site
  const token = yield* newToken(at)
  const port = String(yield* FreePort.onLoopback)
  const first = yield* serve(at, "--port", port)
  const api = yield* clientOf(first.url, token)
  const opencodePort = yield* FreePort.onLoopback
  const workspaceBasePath = Path.join(at.home, "workspaces")
  yield* api.create({ id: "one", machine: "here", repoUrl: at.repoUrl, opencodePort, workspaceBasePath })
  return { api, at, first, port }
})

describe("the bundle", () => {
  it("is one file without a path of the machine that built it", () => {
    const dist = Path.join(import.meta.dirname, "..", "dist")
    assert.deepStrictEqual(Fs.readdirSync(dist), ["api-worker.mjs"])
    const text = Fs.readFileSync(program, "utf8")
    assert.isTrue(text.startsWith("#!/usr/bin/env node\n"))
    assert.notInclude(text, Path.resolve(import.meta.dirname, "../../.."))
    assert.notMatch(text, /node_modules\/\.pnpm/)
  })

  it.live("tells its version, and refuses a command line that it does not understand", () =>
    Effect.gen(function* () {
      const at = yield* site
      const { version }: { readonly version: string } = JSON.parse(
        Fs.readFileSync(Path.join(import.meta.dirname, "../../../packages/session-api/package.json"), "utf8")
      )
      assert.include((yield* apiWorker(at, "--version")).stdout, version)
      assert.strictEqual((yield* apiWorker(at, "--help")).status, 0)
      for (const words of [["serv"], ["serve", "--port", "70000"]]) {
        assert.strictEqual((yield* apiWorker(at, ...words)).status, 64, words.join(" "))
      }
    })
  )
})

describe("api-worker token", () => {
  it.live("makes tokens that only their holders know, and revokes them while the worker runs", () =>
    Effect.gen(function* () {
      const at = yield* site
      const worker = yield* serve(at)
      const made = yield* apiWorker(at, "token", "create", "alice", "--scope", "sessions:read", "--json")
      const { id, token }: { readonly id: string; readonly token: string } = JSON.parse(made.stdout)
      const status = Effect.promise(async () => {
        const answer = await fetch(`${worker.url}/v1/sessions`, { headers: { authorization: `Bearer ${token}` } })
        await answer.arrayBuffer()
        return answer.status
      })
      assert.strictEqual(yield* status, 200)
      const list = yield* apiWorker(at, "token", "list", "--json")
      assert.include(list.stdout, id)
      assert.strictEqual((yield* apiWorker(at, "token", "revoke", id)).status, 0)
      assert.strictEqual(yield* status, 401)
      assert.strictEqual((yield* apiWorker(at, "token", "revoke", "nobody")).status, 66)
      const secret = token.slice("toehold_0123456789abcdef_".length)
      const state = Path.join(at.folder, "state")
      const files = Fs.readdirSync(state)
      assert.includeMembers(files, ["api-worker.sqlite", "api-worker.sqlite.key"])
      for (const name of files) {
        const path = Path.join(state, name)
        assert.strictEqual(Fs.statSync(path).mode & 0o077, 0, name)
        assert.isFalse(Fs.readFileSync(path).includes(secret), name)
      }
      for (const text of [list.stdout, worker.log()]) assert.notInclude(text, secret)
    })
  )
})

describe("api-worker serve", () => {
  it.live("listens beyond this machine only once there is a token", () =>
    Effect.gen(function* () {
      const at = yield* site
      const words = ["serve", "--host", "0.0.0.0", "--port", "0", "--json"]
      const refused = yield* apiWorker(at, ...words)
      assert.strictEqual(refused.status, 78)
      const { error }: { readonly error: { readonly fix: string } } = JSON.parse(refused.stdout)
      assert.include(error.fix, "token create")
      yield* newToken(at)
      const worker = yield* serve(at, "--host", "0.0.0.0")
      assert.include(worker.url, "0.0.0.0")
    })
  )

  it.live("says that the port or the database is another's, and what is wrong with the machines", () =>
    Effect.gen(function* () {
      const at = yield* site
      const worker = yield* serve(at)
      const { port } = new URL(worker.url)
      const second = yield* apiWorker(at, "serve", "--port", "0")
      assert.deepStrictEqual([second.status, second.stdout], [74, ""])
      assert.include(second.stderr, "another process")
      const other = Path.join(at.folder, "other.sqlite")
      const taken = yield* apiWorker(at, "serve", "--port", port, "--database", other)
      assert.strictEqual(taken.status, 75)
      const machines = Path.join(at.folder, "bad.json")
      for (const text of [
        "{",
        '{"machines":{"-x":{"target":"a"}}}',
        '{"machines":{"a":{"target":"a","ip":"1.2.3"}}}',
        '{"machines":{"a":{"tarjet":"a"}}}'
      ]) {
        Fs.writeFileSync(machines, text)
        const bad = yield* apiWorker(at, "serve", "--port", "0", "--database", other, "--machines", machines)
        assert.strictEqual(bad.status, 78, text)
        assert.include(bad.stderr, "bad.json", text)
      }
    })
  )

  it.live("sends traces where the environment says, without secrets", () =>
    Effect.gen(function* () {
      const at = yield* site
      const received: Array<string> = []
      const collector = yield* Effect.acquireRelease(
        Effect.callback<Http.Server>((resume) => {
          const server = Http.createServer((request, response) => {
            let body = ""
            request.on("data", (data: Buffer) => (body += data.toString()))
            request.on("end", () => {
              received.push(`${request.url ?? ""} ${body}`)
              response.end("{}")
            })
          })
          server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close())
      )
      const address = collector.address()
      const port = address !== null && typeof address === "object" ? address.port : 0
      const env = { ...at.env, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` }
      const token = yield* newToken(at)
      const worker = yield* serve({ ...at, env })
      const api = yield* clientOf(worker.url, token)
      yield* api.machines
      assert.strictEqual(yield* worker.kill("SIGTERM"), 0)
      const text = received.join("\n")
      assert.include(text, "/v1/traces")
      assert.include(text, "toehold-api-worker")
      assert.include(text, "/v1/machines")
      assert.notInclude(text, token)
      assert.include(worker.log(), '"path":"/v1/machines"')
    })
  )
})

describeWith(["busybox", "git"], "api-worker with real steps on this machine", () => {
  it.live("brings a session to ready, and says each step on the way", () =>
    Effect.gen(function* () {
      const at = yield* site
      const token = yield* newToken(at)
      const worker = yield* serve(at)
      const api = yield* clientOf(worker.url, token)
      const opencodePort = yield* FreePort.onLoopback
      const workspaceBasePath = Path.join(at.home, "workspaces")
      const made = yield* api.create({
        machine: "here",
        repoUrl: at.repoUrl,
        branch: "main",
        opencodePort,
        workspaceBasePath
      })
      const events = yield* Stream.runCollect(api.watch(made.id, { untilSettled: true }))
      const session = yield* api.get(made.id)
      assert.strictEqual(session.status, "ready", JSON.stringify(session.failure))
      assert.strictEqual(session.workspacePath, Path.join(workspaceBasePath, made.id))
      assert.strictEqual(Fs.readFileSync(Path.join(session.workspacePath ?? "", "README"), "utf8"), "hello\n")
      assert.deepStrictEqual(
        session.steps.map(({ name, state }) => [name, state]),
        ["machine", "console", "network", "workspace", "repository", "openCode", "health"].map((name) => [name, "done"])
      )
      const ids = events.map(({ id }) => id)
      assert.deepStrictEqual(
        ids,
        [...new Set(ids)].sort((one, other) => one - other)
      )
      assert.deepStrictEqual(linesOf(Path.join(at.home, "starts")), [String(opencodePort)])
      const health = Effect.promise(() =>
        fetch(`http://127.0.0.1:${opencodePort}/global/health`).then(
          ({ status }) => status,
          () => undefined
        )
      )
      assert.strictEqual(yield* health, 200)
      yield* api.remove(made.id)
      assert.strictEqual(yield* health, undefined, "nothing of a session that is forgotten runs on")
    })
  )

  it.live("hands over what it runs when it is told to stop, and its readers come back to the next", () =>
    Effect.gen(function* () {
      const { api, at, first, port } = yield* begun
      const reader = yield* Effect.forkScoped(Stream.runCollect(api.watch("one", { untilSettled: true })))
      yield* Effect.sleep("300 millis")
      assert.strictEqual(yield* first.kill("SIGTERM"), 0)
      yield* serve(at, "--port", port)
      const events = yield* Fiber.join(reader)
      assert.strictEqual(events.at(-1)?.status, "ready", JSON.stringify(events.at(-1)))
      const ids = events.map(({ id }) => id)
      assert.deepStrictEqual(
        ids,
        [...new Set(ids)].sort((a, b) => a - b)
      )
      assert.strictEqual(linesOf(Path.join(at.home, "starts")).length, 1)
    })
  )

  it.live("has its readers come back to the next one when it is killed with -9", () =>
    Effect.gen(function* () {
      const { api, at, first, port } = yield* begun
      const seen: Array<number> = []
      const watched = Stream.tap(api.watch("one", { untilSettled: true }), () => Effect.sync(() => void seen.push(1)))
      const reader = yield* Effect.forkScoped(Stream.runCollect(watched))
      while (seen.length < 2) yield* Effect.sleep("10 millis")
      yield* first.kill("SIGKILL")
      yield* serve(at, "--port", port)
      const events = yield* Fiber.join(reader)
      assert.strictEqual(events.at(-1)?.status, "ready", JSON.stringify(events.at(-1)))
      assert.deepStrictEqual(
        events.map(({ id }) => id),
        events.map((_, index) => index + 1)
      )
      assert.strictEqual(linesOf(Path.join(at.home, "starts")).length, 1)
    })
  )

  it.live(
    "goes on after kill -9 at any moment, and does nothing twice",
    () =>
      Effect.gen(function* () {
        const at = yield* site
        const token = yield* newToken(at)
        const workspaceBasePath = Path.join(at.home, "workspaces")
        for (const delay of [0, 1000]) {
          const id = `killed-${delay}`
          const opencodePort = yield* FreePort.onLoopback
          const seen: Array<number> = []
          yield* Effect.gen(function* () {
            const worker = yield* serve(at)
            const api = yield* clientOf(worker.url, token)
            yield* api.create({ id, machine: "here", repoUrl: at.repoUrl, opencodePort, workspaceBasePath })
            yield* Effect.forkScoped(
              Stream.runForEach(api.watch(id), (event) => Effect.sync(() => void seen.push(event.id)))
            )
            yield* Effect.sleep(delay)
            yield* worker.kill("SIGKILL")
          }).pipe(Effect.scoped)
          yield* Effect.gen(function* () {
            const worker = yield* serve(at)
            const api = yield* clientOf(worker.url, token)
            const rest = yield* Stream.runCollect(api.watch(id, { after: seen.at(-1) ?? 0, untilSettled: true }))
            const all = [...seen, ...rest.map((event) => event.id)]
            assert.deepStrictEqual(
              all,
              [...new Set(all)].sort((one, other) => one - other),
              "each event once, in order"
            )
            const session = yield* api.get(id)
            assert.strictEqual(session.status, "ready", JSON.stringify(session.failure))
            yield* api.archive(id)
            assert.strictEqual(yield* worker.kill("SIGTERM"), 0)
          }).pipe(Effect.scoped)
          const clones = linesOf(Path.join(at.home, "fetches")).filter((words) => words.endsWith(id))
          assert.strictEqual(clones.length, 1, `the repository is cloned once (${delay} ms)`)
          const starts = linesOf(Path.join(at.home, "starts")).filter((port) => port === String(opencodePort))
          assert.strictEqual(starts.length, 1, `OpenCode is started once (${delay} ms)`)
        }
      }),
    150_000
  )
})

describeWith(["busybox", "git", "postgres", "setpriv"], "two workers on one PostgreSQL", () => {
  it.live(
    "answer for every session, and one goes on with what the other one ran when it was killed",
    () =>
      Effect.gen(function* () {
        const { freshDatabase } = yield* PostgresServer.PostgresServer
        const url = yield* freshDatabase
        const at = yield* site
        const env = {
          ...at.env,
          TOEHOLD_DATABASE_URL: Redacted.value(url),
          TOEHOLD_SECRET_KEY: "0123456789abcdef0123456789abcdef"
        }
        const shared = { ...at, env }
        const token = yield* newToken(shared)
        const workers = [yield* serve(shared), yield* serve(shared)] as const
        const [first, second] = [yield* clientOf(workers[0].url, token), yield* clientOf(workers[1].url, token)]
        const workspaceBasePath = Path.join(at.home, "workspaces")
        const ports: Array<number> = []
        for (const [index, machine] of (["here", "other"] as const).entries()) {
          const opencodePort = yield* FreePort.onLoopback
          ports.push(opencodePort)
          yield* first.create({ id: `shared-${index}`, machine, repoUrl: at.repoUrl, opencodePort, workspaceBasePath })
        }
        yield* Effect.sleep("500 millis")
        yield* workers[0].kill("SIGKILL")
        for (const index of [0, 1]) {
          const events = yield* Stream.runCollect(second.watch(`shared-${index}`, { untilSettled: true }))
          assert.strictEqual(events.at(-1)?.status, "ready", JSON.stringify(events.at(-1)))
        }
        assert.sameMembers([...linesOf(Path.join(at.home, "starts"))], ports.map(String))
        const { password } = new URL(Redacted.value(url))
        for (const { log } of workers) {
          assert.notInclude(log(), token)
          if (password !== "") assert.notInclude(log(), password)
        }
      }).pipe(Effect.provide(PostgresServer.layer.pipe(Layer.provide(NodeServices.layer)))),
    90_000
  )
})
