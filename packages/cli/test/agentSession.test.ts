import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Redacted } from "effect"
import * as FreePort from "@toehold/lab/FreePort"
import * as KeyPair from "@toehold/lab/KeyPair"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { serve } from "../../session-api/test/support/server.ts"
import { start, toehold, toeholdJson } from "./support/program.ts"

const repoUrl = "https://example.com/a/b.git"

interface Shown {
  readonly id: string
  readonly status: string
  readonly machine: string
  readonly repoUrl: string
  readonly branch: string | null
}

interface Failed {
  readonly error: { readonly reason: string; readonly fix: string; readonly outcome: string }
}

const setUp = Effect.gen(function* () {
  const server = yield* serve()
  const token = yield* server.token("alice")
  return { server, token, platform: { env: { TOEHOLD_API: server.url, TOEHOLD_API_TOKEN: token } } }
})

describe("toehold session with an API", () => {
  it.live("creates, shows, lists, archives and deletes sessions", () =>
    Effect.gen(function* () {
      const { platform, server } = yield* setUp
      const created = yield* toeholdJson<Shown>(["session", "create", "web", repoUrl, "--branch", "main", "--json"], {
        platform
      })
      assert.deepInclude(created.json, { status: "creating", machine: "web", repoUrl, branch: "main" })
      const { id } = created.json
      const again = yield* toehold(["session", "create", "web", repoUrl, "--branch", "main", "--id", id], { platform })
      assert.deepStrictEqual([again.exitCode, again.stdout], [0, `${id}  web  creating: Waiting to begin\n`])
      const listed = yield* toeholdJson(["session", "list", "--json"], { platform })
      assert.deepInclude(listed.json, { next: null })
      const named = yield* toehold(["session", "list", "--api", server.url, "--status", "ready"], { platform })
      assert.strictEqual(named.stdout, "No sessions.\n")
      assert.match((yield* toehold(["session", "show", id], { platform })).stdout, /web {2}creating/)
      assert.match((yield* toehold(["session", "archive", id], { platform })).stdout, /archived/)
      const retried = yield* toeholdJson<Failed>(["session", "retry", id, "--json"], { platform })
      assert.deepStrictEqual([retried.exitCode, retried.json.error.reason], [1, "Conflict"])
      assert.deepStrictEqual((yield* toeholdJson(["session", "delete", id, "--json"], { platform })).json, {
        removed: id
      })
      const gone = yield* toeholdJson<Failed>(["session", "show", id, "--json"], { platform })
      assert.deepStrictEqual(
        [gone.exitCode, gone.json.error.reason, gone.json.error.outcome],
        [66, "NotFound", "did-not-run"]
      )
    })
  )

  it.live("watches a session to its end, and exits by how it ended", () =>
    Effect.gen(function* () {
      const { platform, server } = yield* setUp
      const waiting = yield* start(["session", "create", "web", repoUrl, "--id", "one", "--wait", "--ndjson"], {
        platform
      })
      yield* waiting.lines(1)
      yield* server.store.update("one", { status: "ready", message: "OpenCode answers" })
      const ended = yield* Fiber.join(waiting.fiber)
      assert.strictEqual(ended.exitCode, 0)
      const events = ended.stdout
        .trim()
        .split("\n")
        .map((line): unknown => JSON.parse(line))
      assert.deepInclude(events.at(-1), { event: "session", sessionId: "one", status: "ready" })
      yield* server.store.update("one", {
        status: "error",
        failure: {
          reason: "GitMissing",
          message: "There is no git.",
          fix: "Install git.",
          isRetryable: false,
          outcome: "did-not-run",
          step: "repository"
        }
      })
      const failed = yield* toehold(["session", "watch", "one"], { platform })
      assert.strictEqual(failed.exitCode, 1)
      assert.include(failed.stdout, "error: There is no git.")
      assert.include(failed.stderr, "Install git.")
      const document = yield* toeholdJson(["session", "watch", "one", "--after", "9999", "--json"], { platform })
      assert.deepInclude(document.json, { id: "one", status: "error" })
    })
  )

  it.live("gives a session its secrets out of files and the environment", () =>
    Effect.gen(function* () {
      const { platform, server } = yield* setUp
      const { privateKey } = yield* KeyPair.generate()
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "key-"))),
        (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true }))
      )
      const [key, hosts] = ["key", "hosts"].map((name) => Path.join(folder, name)) as [string, string]
      Fs.writeFileSync(key, privateKey)
      Fs.writeFileSync(hosts, "git.example.org ssh-ed25519 AAAA\n")
      const words = ["session", "create", "web", "git@git.example.org:a/b.git", "--id", "one"]
      const created = yield* toehold([...words, "--git-ssh-key-file", key, "--git-known-hosts", hosts], { platform })
      assert.strictEqual(created.exitCode, 0, created.stderr)
      const { sshKey } = yield* server.store.secrets("one")
      assert(sshKey !== undefined)
      assert.strictEqual(Redacted.value(sshKey), privateKey)
      assert.strictEqual((yield* server.store.get("one")).config.knownHosts, "git.example.org ssh-ed25519 AAAA\n")
      const token = { ...platform.env, GIT_TOKEN: "t0ken", PASSWORD: "open sesame" }
      const flags = ["--git-token-env", "GIT_TOKEN", "--git-user", "jo", "--opencode-password-env", "PASSWORD"]
      const other = yield* toehold(["session", "create", "web", repoUrl, "--id", "two", ...flags], {
        platform: { env: token }
      })
      assert.strictEqual(other.exitCode, 0, other.stderr)
      const { credentials, openCodePassword } = yield* server.store.secrets("two")
      assert(credentials !== undefined && openCodePassword !== undefined)
      assert.deepStrictEqual(
        [credentials.username, Redacted.value(credentials.token), Redacted.value(openCodePassword)],
        ["jo", "t0ken", "open sesame"]
      )
      assert.notInclude(server.log.join(), privateKey.split("\n")[2] ?? "")
      const missing = yield* toehold([...words, "--git-ssh-key-file", Path.join(folder, "none")], { platform })
      assert.strictEqual(missing.exitCode, 66)
    })
  )

  it.live("takes the token from the environment or a file, and sends it to nobody in clear", () =>
    Effect.gen(function* () {
      const { server, token } = yield* setUp
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "token-"))),
        (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true }))
      )
      const file = Path.join(folder, "token")
      Fs.writeFileSync(file, `${token}\n`)
      const byFile = yield* toehold(["session", "list", "--api", server.url, "--api-token-file", file])
      assert.strictEqual(byFile.exitCode, 0)
      const without = yield* toehold(["session", "list", "--api", server.url])
      assert.strictEqual(without.exitCode, 64)
      assert.include(without.stderr, "TOEHOLD_API_TOKEN")
      const wrong = yield* toeholdJson<Failed>(["session", "list", "--api", server.url, "--json"], {
        platform: { env: { TOEHOLD_API_TOKEN: "wrong" } }
      })
      assert.deepStrictEqual([wrong.exitCode, wrong.json.error.reason], [77, "Unauthorized"])
      const clear = yield* toehold([
        "session",
        "list",
        "--api",
        "http://sessions.example.com",
        "--api-token-file",
        file
      ])
      assert.strictEqual(clear.exitCode, 65)
      assert.include(clear.stderr, "unencrypted")
      assert.notInclude([byFile, without, wrong, clear].map(({ stderr, stdout }) => stdout + stderr).join(""), token)
    })
  )

  it.live("says that nobody answers, and that there is nothing to list", () =>
    Effect.gen(function* () {
      const platform = { env: { TOEHOLD_API_TOKEN: "x" } }
      const nobody = yield* toeholdJson<Failed>(
        ["session", "create", "web", repoUrl, "--api", `http://127.0.0.1:${yield* FreePort.onLoopback}`, "--json"],
        { platform }
      )
      assert.deepStrictEqual(
        [nobody.exitCode, nobody.json.error.reason, nobody.json.error.outcome],
        [69, "Unreachable", "did-not-run"]
      )
      const nothing = yield* toehold(["session", "list"])
      assert.strictEqual(nothing.exitCode, 64)
      assert.include(nothing.stderr, "--api URL")
      const bad = yield* toeholdJson<Failed>(["session", "create", "web", "ext::sh -c id", "--json"], yield* setUp)
      assert.deepStrictEqual([bad.exitCode, bad.json.error.reason], [65, "InvalidRequest"])
    })
  )
})
