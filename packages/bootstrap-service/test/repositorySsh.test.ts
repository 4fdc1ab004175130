import { NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted } from "effect"
import * as KeyPair from "@toehold/lab/KeyPair"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import * as RealPart from "@toehold/lab/RealPart"
import { knownHostsLine } from "@toehold/lab/SshServer"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import type { SessionConfig } from "../src/SessionConfig.ts"
import { SessionSteps } from "../src/SessionSteps.ts"
import * as Namespace from "./support/namespace.ts"
import { layerLocal, Place } from "./support/place.ts"

/** Slow enough to be looked at meanwhile. */
const config = ['ForceCommand sleep 0.5; exec sh -c "$SSH_ORIGINAL_COMMAND"']

/** A repository `repo` in the home folder of the server's account, and its commit. */
const repositoryOf = (server: OpenSshServer.OpenSshServer["Service"]): string => {
  const git = (...words: ReadonlyArray<string>) =>
    ChildProcess.execFileSync("git", words, { cwd: server.homeDir, encoding: "utf8", stdio: "pipe" }).trim()
  if (!Fs.existsSync(Path.join(server.homeDir, "repo"))) {
    git("init", "-q", "-b", "main", "repo")
    git(
      "-C",
      "repo",
      "-c",
      "user.name=a",
      "-c",
      "user.email=a@example.org",
      "commit",
      "-q",
      "--allow-empty",
      "-m",
      "one"
    )
  }
  return git("-C", "repo", "rev-parse", "HEAD")
}

const urlOf = (server: OpenSshServer.OpenSshServer["Service"], path: string): string =>
  `ssh://${server.user}@${server.host}:${server.port}${server.homeDir}/${path}`

let count = 0

const cloned = Effect.fnUntraced(function* (changes: Partial<SessionConfig> & Pick<SessionConfig, "repoUrl">) {
  const steps = yield* SessionSteps
  const { folder } = yield* Place
  const whole = { sessionId: `g${++count}`, vmId: "vm-1", workspaceBasePath: `${folder}/workspaces`, ...changes }
  const console = yield* steps.console(whole, {})
  yield* Effect.addFinalizer(() => Effect.ignore(steps.stop(whole, { console })))
  const workspace = yield* steps.workspace(whole, { console })
  return yield* steps.repository(whole, { console, workspace })
})

const reasonOf = (changes: Partial<SessionConfig> & Pick<SessionConfig, "repoUrl">) =>
  Effect.map(Effect.flip(cloned(changes)), ({ reason }) => reason)

const linesOf = (server: OpenSshServer.OpenSshServer["Service"]): string => server.knownHosts.join("\n")

const contentOf = (path: string): string => {
  try {
    // A pipe would be waited for.
    return Fs.statSync(path).isFile() ? Fs.readFileSync(path, "latin1") : ""
  } catch {
    return ""
  }
}

/** The command lines of processes, and the files below a folder, that have a text. */
const whereabouts = (text: string, folder: string): ReadonlyArray<string> =>
  [
    ...Fs.readdirSync("/proc").flatMap((name) => (/^[0-9]+$/.test(name) ? [`/proc/${name}/cmdline`] : [])),
    ...Fs.readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => Path.join(folder, name))
  ].filter((path) => contentOf(path).includes(text))

const parts: ReadonlyArray<RealPart.PartName> = [
  "sshd",
  "ssh",
  "ssh-keygen",
  "ssh-agent",
  "private-accounts",
  "git",
  "busybox"
]

RealPart.describeWith(parts, "A session's repository behind SSH", () => {
  const server = OpenSshServer.layer({ config })

  it.layer(Layer.merge(layerLocal(), server.pipe(Layer.provide(NodeServices.layer))), { excludeTestServices: true })(
    (it) => {
      it.effect("is read with a key, which no file and no command line has", () =>
        Effect.gen(function* () {
          const server = yield* OpenSshServer.OpenSshServer
          const { folder } = yield* Place
          const commit = repositoryOf(server)
          const secret = server.key.privateKey.split("\n")[2] ?? ""
          const access = { sshKey: Redacted.make(server.key.privateKey), knownHosts: linesOf(server) }
          const clone = yield* Effect.forkChild(cloned({ repoUrl: urlOf(server, "repo"), ...access }))
          let looks = 0
          const seen = new Set<string>()
          while (clone.pollUnsafe() === undefined) {
            looks++
            // A job has what is secret in a file of its own until it begins.
            for (const place of whereabouts(secret, folder)) if (!place.endsWith("/d/spec")) seen.add(place)
            yield* Effect.sleep("50 millis")
          }
          assert.deepStrictEqual(yield* Fiber.join(clone), { commit, branch: "main" })
          assert.isAbove(looks, 2)
          assert.deepStrictEqual([...seen], [])
          assert.deepStrictEqual(whereabouts(secret, folder), [])
          Fs.writeFileSync(Path.join(folder, "kept"), secret)
          assert.deepStrictEqual(whereabouts(secret, folder), [Path.join(folder, "kept")])
          const more = { branch: "main", shallow: true, ...access }
          assert.deepStrictEqual(yield* cloned({ repoUrl: urlOf(server, "repo"), ...more }), { commit, branch: "main" })
        }).pipe(Effect.scoped)
      )

      it.effect("is told apart from one that can't be read, each with what to do", () =>
        Effect.gen(function* () {
          const server = yield* OpenSshServer.OpenSshServer
          repositoryOf(server)
          const repoUrl = urlOf(server, "repo")
          const knownHosts = linesOf(server)
          const sshKey = Redacted.make(server.key.privateKey)
          const port = String(server.port)

          const unknown = yield* reasonOf({ repoUrl, sshKey })
          assert.deepInclude(unknown, { _tag: "RepositoryHostUnknown", host: server.host, port })
          assert.include(unknown.fix, `ssh-keyscan -p ${port} ${server.host}`)
          assert.strictEqual(
            (yield* reasonOf({
              repoUrl,
              sshKey,
              knownHosts: `other.example ${knownHosts.split(" ", 3).slice(1).join(" ")}`
            }))._tag,
            "RepositoryHostUnknown"
          )

          const other = yield* KeyPair.generate()
          const changed = yield* reasonOf({
            repoUrl,
            sshKey,
            knownHosts: knownHostsLine(server.host, server.port, other)
          })
          assert.deepInclude(changed, { _tag: "RepositoryHostChanged", host: server.host, port })

          assert.deepInclude(yield* reasonOf({ repoUrl, knownHosts }), { _tag: "RepositoryPrivate", refused: false })
          const wrong = yield* reasonOf({ repoUrl, knownHosts, sshKey: Redacted.make(other.privateKey) })
          assert.deepInclude(wrong, { _tag: "RepositoryPrivate", refused: true })
          assert.include(wrong.message, "Permission denied")

          const locked = `${(yield* Place).folder}/locked`
          ChildProcess.execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "passphrase", "-f", locked])
          const encrypted = yield* reasonOf({
            repoUrl,
            knownHosts,
            sshKey: Redacted.make(Fs.readFileSync(locked, "utf8"))
          })
          assert.deepInclude(encrypted, { _tag: "RepositoryPrivate", refused: true })
          assert.include(encrypted.message, "the key can't be used")

          const access = { knownHosts, sshKey }
          assert.strictEqual((yield* reasonOf({ repoUrl: urlOf(server, "none"), ...access }))._tag, "RepositoryMissing")
          assert.strictEqual((yield* reasonOf({ repoUrl, branch: "none", ...access }))._tag, "BranchUnknown")
          assert.strictEqual(
            (yield* reasonOf({ repoUrl: "ssh://git@127.0.0.1:1/x", ...access }))._tag,
            "RepositoryUnreachable"
          )
          const nowhere = { repoUrl: "git@no-such-host.invalid:x", ...access }
          assert.strictEqual((yield* reasonOf(nowhere))._tag, "RepositoryUnreachable")
        }).pipe(Effect.scoped)
      )
    }
  )

  it.layer(layerLocal({ busyboxWith: ["git"] }), { excludeTestServices: true })((it) => {
    it.effect("needs an ssh", () =>
      Effect.gen(function* () {
        const repoUrl = "git@127.0.0.1:x"
        assert.strictEqual((yield* reasonOf({ repoUrl }))._tag, "SshMissing")
        const { privateKey } = yield* KeyPair.generate()
        assert.strictEqual((yield* reasonOf({ repoUrl, sshKey: Redacted.make(privateKey) }))._tag, "SshMissing")
      }).pipe(Effect.scoped)
    )
  })
})

RealPart.describeWith(
  [...parts, "root", "nsenter", "setpriv"],
  "A session's repository behind SSH, of root's console",
  () => {
    const server = OpenSshServer.layer({ config })

    it.layer(Layer.merge(Namespace.layer(), server.pipe(Layer.provide(NodeServices.layer))), {
      excludeTestServices: true
    })((it) => {
      it.effect("is read as the agent's account, with the session's key or the machine's own", () =>
        Effect.gen(function* () {
          const server = yield* OpenSshServer.OpenSshServer
          const place = yield* Place
          const commit = repositoryOf(server)
          const key = { sshKey: Redacted.make(server.key.privateKey), knownHosts: linesOf(server) }
          const done = { commit, branch: "main" }
          assert.deepStrictEqual(yield* cloned({ repoUrl: urlOf(server, "repo"), ...key }), done)

          // Names as people have them in ~/.ssh/config.
          const write = (name: string, text: string) =>
            place.sh('umask 077; mkdir -p "$1/.ssh"; printf "%s\\n" "$3" >"$1/.ssh/$2"', place.folder, name, text)
          const lines = ["Host gitbox", `HostName ${server.host}`, `Port ${server.port}`, "IdentityFile ~/.ssh/key"]
          yield* write("config", lines.join("\n"))
          yield* write("key", server.key.privateKey)
          const own = { repoUrl: `${server.user}@gitbox:repo` }
          const unknown = yield* reasonOf(own)
          assert.deepInclude(unknown, { _tag: "RepositoryHostUnknown", host: "gitbox", port: "" })
          assert.include(unknown.fix, "ssh-keyscan gitbox")
          yield* write("known_hosts", linesOf(server))
          assert.deepStrictEqual(yield* cloned(own), done)
        }).pipe(Effect.scoped)
      )
    })
  }
)
