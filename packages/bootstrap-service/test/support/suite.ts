/** What the steps of a session must do on every machine. */
import { assert, it } from "@effect/vitest"
import { Effect, type Layer, Redacted } from "effect"
import type { BootstrapError } from "../../src/BootstrapError.ts"
import type { SessionConfig } from "../../src/SessionConfig.ts"
import { SessionSteps } from "../../src/SessionSteps.ts"
import type { NetworkReady } from "../../src/SessionStep.ts"
import { Place } from "./place.ts"

/** A repository on the machine itself: two branches, a tag, and three commits, of which the second is only in the history. */
const making = `
set -e
export HOME="$1" GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org
mkdir -p "$1"
cd "$1"
git init -q -b main repo
cd repo
echo one >file; git add file; git commit -qm one
git tag v1
echo two >file; git commit -qam two
git rev-parse HEAD
echo three >file; git commit -qam three
git rev-parse HEAD
git checkout -q -b feature/x; echo feature >file; git commit -qam feature
git branch cafe123
git checkout -q main
git init -q --bare ../empty
`

let count = 0

const prepared = Effect.gen(function* () {
  const place = yield* Place
  const steps = yield* SessionSteps
  const name = `t${process.pid}-${++count}`
  const folder = `${place.folder}/${name}`
  yield* Effect.addFinalizer(() => place.sh('rm -rf "$1" "$HOME/mode" "$HOME/starts" "$HOME/started-in"', folder))
  const [second = "", last = ""] = (yield* place.sh(making, folder)).trim().split("\n")
  const opencodePort = yield* place.freePort
  const config: SessionConfig = {
    sessionId: name,
    repoUrl: `file://${folder}/repo`,
    vmId: "vm-1",
    vmIp: place.ip,
    workspaceBasePath: `${folder}/workspaces`,
    opencodePort,
    healthPollIntervalMs: 50,
    healthPollTimeoutMs: 20_000
  }
  const said: Array<string> = []
  const report = (message: string) => Effect.sync(() => void said.push(message))
  const console = yield* steps.console(config, {})
  const network = yield* steps.network(config, { machine: { ip: place.ip }, console }, report)
  yield* Effect.addFinalizer(() => Effect.ignore(steps.stop(config, { console })))
  const file = (path: string) => place.sh('cat "$1"', path)
  const starts = Effect.map(place.sh('cat "$HOME/starts" 2>/dev/null || :'), (text) => text.split("\n").length - 1)
  return { place, steps, config, console, network, folder, second, last, said, report, file, starts }
})

type Prepared = Effect.Success<typeof prepared>

const workspaceOf = ({ config, console, steps }: Prepared) => steps.workspace(config, { console })

const cloned = Effect.fnUntraced(function* (on: Prepared, changes: Partial<SessionConfig>) {
  const config = { ...on.config, ...changes }
  const workspace = yield* on.steps.workspace(config, { console: on.console })
  return yield* on.steps.repository(config, { console: on.console, workspace }, on.report)
})

const reasonOf = <A, R>(effect: Effect.Effect<A, BootstrapError, R>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason)

export interface Options {
  /** Whether a unit of systemd's stands ready for OpenCode. */
  readonly by?: "systemd" | "job"
  readonly network?: NetworkReady["_tag"]
}

/** The whole of it once, for machines on which everything takes its time. */
export const flow = <E>(
  layer: Layer.Layer<Place | SessionSteps, E>,
  { by = "job", network = "Skipped" }: Options = {}
): void => {
  it.layer(layer, { excludeTestServices: true, timeout: "3 minutes" })((it) => {
    it.effect(
      "goes from a machine to an OpenCode that answers, and does nothing twice",
      () =>
        Effect.gen(function* () {
          const on = yield* prepared
          const { config, report, said, steps } = on
          assert.strictEqual(on.network._tag, network)
          const machine = yield* steps.machine(config, {}, report)
          assert.deepStrictEqual(machine, { ip: on.place.ip })
          const console = yield* steps.console(config, {}, report)
          assert.isTrue(console.home.startsWith("/"))
          const workspace = yield* steps.workspace(config, { console }, report)
          assert.deepStrictEqual(workspace, { path: `${on.folder}/workspaces/${config.sessionId}`, isFallback: false })
          const repository = yield* steps.repository(config, { console, workspace }, report)
          assert.deepStrictEqual(repository, { commit: on.last, branch: "main" })
          const openCode = yield* steps.openCode(config, { console, workspace }, report)
          assert.deepStrictEqual([openCode.by, openCode.wasRunning], [by, false])
          const healthy = yield* steps.health(config, { machine, console, openCode }, report)
          assert.deepStrictEqual(healthy, {
            url: `http://${on.place.ip}:${config.opencodePort}/global/health`,
            version: "1.2.3"
          })
          assert.strictEqual((yield* on.place.sh('cat "$HOME/started-in"')).trim(), workspace.path)
          assert.isTrue(said.every((line) => line !== "" && !line.includes("\n")))

          // What a worker would do that knows of nothing; and work that is done meanwhile stays.
          yield* on.place.sh('echo mine >"$1/file"', workspace.path)
          assert.deepStrictEqual(yield* steps.workspace(config, { console }), workspace)
          assert.deepStrictEqual(yield* steps.repository(config, { console, workspace }), repository)
          assert.deepStrictEqual(yield* steps.openCode(config, { console, workspace }), {
            ...openCode,
            wasRunning: true
          })
          assert.deepStrictEqual(yield* steps.health(config, { machine, console, openCode }), healthy)
          assert.strictEqual(yield* on.file(`${workspace.path}/file`), "mine\n")
          assert.strictEqual(yield* on.starts, 1)

          yield* steps.stop(config, { console }, report)
          const gone = yield* reasonOf(
            steps.health({ ...config, healthPollTimeoutMs: 200 }, { machine, console, openCode })
          )
          assert.oneOf(gone._tag, ["OpenCodeFailed", "HealthTimeout"])
          yield* steps.stop(config, { console })
        }).pipe(Effect.scoped),
      300_000
    )
  })
}

export const suite = <E>(layer: Layer.Layer<Place | SessionSteps, E>): void => {
  flow(layer)
  it.layer(layer, { excludeTestServices: true, timeout: "2 minutes" })((it) => {
    it.effect("checks out a branch, a tag and a commit, with and without the history", () =>
      Effect.gen(function* () {
        const on = yield* prepared
        const rev = (name: string) =>
          Effect.map(on.place.sh('git -C "$1/repo" rev-parse "$2^{commit}"', on.folder, name), (text) => text.trim())
        const feature = yield* rev("feature/x")
        const v1 = { commit: yield* rev("v1") }
        const expected = [
          ["feature/x", false, { commit: feature, branch: "feature/x" }],
          [on.second.slice(0, 10), false, { commit: on.second }],
          ["main", true, { commit: on.last, branch: "main" }],
          // A branch that could be a commit.
          ["cafe123", true, { commit: feature, branch: "cafe123" }],
          ["v1", true, v1],
          [on.second, true, { commit: on.second }]
        ] as const
        for (const [number, [branch, shallow, result]] of expected.entries()) {
          const sessionId = `${on.config.sessionId}-${number}`
          assert.deepStrictEqual(yield* cloned(on, { sessionId, branch, shallow }), result, branch)
        }
        const depth = yield* on.place.sh(
          'git -C "$1" rev-list --count HEAD',
          `${on.folder}/workspaces/${on.config.sessionId}-2`
        )
        assert.strictEqual(depth.trim(), "1")
      }).pipe(Effect.scoped)
    )

    it.effect("tells apart why there is no repository", () =>
      Effect.gen(function* () {
        const on = yield* prepared
        const reason = (changes: Partial<SessionConfig>) => reasonOf(cloned(on, changes))
        const unknown = yield* reason({ branch: "no/such" })
        assert.deepInclude(unknown, { _tag: "BranchUnknown", branch: "no/such", step: "repository" })
        assert.strictEqual((yield* reason({ branch: "0123456789abcdef" }))._tag, "BranchUnknown")
        assert.strictEqual((yield* reason({ repoUrl: `file://${on.folder}/none` }))._tag, "RepositoryMissing")
        assert.strictEqual((yield* reason({ repoUrl: `file://${on.folder}/empty` }))._tag, "RepositoryEmpty")
        assert.strictEqual((yield* reason({ repoUrl: "http://127.0.0.1:1/x.git" }))._tag, "RepositoryUnreachable")
        // And after all these it is there at once when what was wrong is mended.
        assert.strictEqual((yield* cloned(on, {})).commit, on.last)
        assert.strictEqual((yield* reason({ repoUrl: `file://${on.folder}/other` }))._tag, "WorkspaceTaken")
      }).pipe(Effect.scoped)
    )

    it.effect("resets what an earlier try left half done, and nobody else's", () =>
      Effect.gen(function* () {
        const on = yield* prepared
        const { path } = yield* workspaceOf(on)
        yield* on.place.sh('mkdir "$1/.git"; echo half >"$1/.git/HEAD"; echo half >"$1/half"', path)
        assert.strictEqual((yield* cloned(on, {})).commit, on.last)
        assert.strictEqual(yield* on.place.sh('ls "$1"', path), "file\n")

        // One that was ready once is not emptied, whatever became of it.
        yield* on.place.sh('rm -rf "$1/.git"; echo work >"$1/work"', path)
        assert.strictEqual((yield* reasonOf(cloned(on, {})))._tag, "RepositoryFailed")
        assert.strictEqual(yield* on.file(`${path}/work`), "work\n")

        const base = `${on.folder}/workspaces`
        yield* on.place.sh(
          'mkdir "$1/theirs"; echo work >"$1/theirs/work"; ln -s "$1/theirs" "$1/link"; mkdir "$1/free"',
          base
        )
        for (const sessionId of ["theirs", "link"]) {
          const reason = yield* reasonOf(cloned(on, { sessionId }))
          assert.deepInclude(reason, { _tag: "WorkspaceTaken", path: `${base}/${sessionId}` })
        }
        assert.strictEqual(yield* on.file(`${base}/theirs/work`), "work\n")
        assert.strictEqual((yield* cloned(on, { sessionId: "free" })).commit, on.last)
      }).pipe(Effect.scoped)
    )

    it.effect("goes elsewhere where nothing can be written, and stays there", () =>
      Effect.gen(function* () {
        const on = yield* prepared
        const config = { ...on.config, workspaceBasePath: "/proc/self/workspaces" }
        const workspace = yield* on.steps.workspace(config, { console: on.console }, on.report)
        assert.isTrue(workspace.isFallback)
        assert.strictEqual(workspace.path, `${on.console.home}/workspaces/${config.sessionId}`)
        assert.include(on.said.at(-1), "/proc/self/workspaces")
        assert.deepStrictEqual(yield* on.steps.workspace(config, { console: on.console }), workspace)
        const done = yield* on.steps.repository(config, { console: on.console, workspace })
        assert.strictEqual(done.commit, on.last)
        yield* on.place.sh('rm -rf "$1/workspaces"', on.console.home)
      }).pipe(Effect.scoped)
    )

    it.effect("takes nobody else who has the port for its OpenCode, and starts none then", () =>
      Effect.gen(function* () {
        const on = yield* prepared
        const { config, console, steps } = on
        const machine = { ip: on.place.ip }
        const workspace = yield* workspaceOf(on)
        // The OpenCode of another session, which is healthy.
        const other = { ...config, sessionId: `${config.sessionId}-other` }
        yield* Effect.addFinalizer(() => Effect.ignore(steps.stop(other, { console })))
        const theirs = yield* steps.openCode(other, {
          console,
          workspace: yield* steps.workspace(other, { console })
        })
        yield* steps.health(other, { machine, console, openCode: theirs })
        const taken = yield* reasonOf(steps.openCode(config, { console, workspace }))
        assert(taken._tag === "PortTaken", taken.message)
        assert.deepStrictEqual([taken.step, taken.port, taken.isRetryable], ["openCode", config.opencodePort, false])
        assert.strictEqual(yield* on.starts, 1)
        yield* steps.stop(other, { console })
        const openCode = yield* steps.openCode(config, { console, workspace })
        assert.strictEqual((yield* steps.health(config, { machine, console, openCode })).version, "1.2.3")
        yield* steps.stop(config, { console })
      }).pipe(Effect.scoped)
    )

    it.effect("says what OpenCode said last when it ends", () =>
      Effect.gen(function* () {
        const on = yield* prepared
        const { console, steps } = on
        const machine = { ip: on.place.ip }
        const workspace = yield* workspaceOf(on)
        const config = { ...on.config, openCodePassword: Redacted.make("open sesame $1 \"'`\\") }
        yield* on.place.sh('echo crash >"$HOME/mode"')
        const crashed = yield* reasonOf(
          Effect.flatMap(steps.openCode(config, { console, workspace }), (openCode) =>
            steps.health({ ...config, healthPollTimeoutMs: 3000 }, { machine, console, openCode })
          )
        )
        assert(crashed._tag === "OpenCodeFailed", crashed.message)
        assert.include(crashed.log, "Error: the configuration is broken <redacted>")
        assert.notInclude(JSON.stringify(crashed), "sesame")

        yield* on.place.sh('echo mute >"$HOME/mode"')
        const openCode = yield* steps.openCode(config, { console, workspace })
        const mute = yield* reasonOf(
          steps.health({ ...config, healthPollTimeoutMs: 1500 }, { machine, console, openCode })
        )
        assert(mute._tag === "HealthTimeout", mute.message)
        assert.isTrue(mute.log.some((line) => line.includes("listening on")))
        yield* steps.stop(config, { console })
      }).pipe(Effect.scoped)
    )

    it.effect("gives OpenCode its password, and asks with it", () =>
      Effect.gen(function* () {
        const on = yield* prepared
        const { console, steps } = on
        const machine = { ip: on.place.ip }
        const config = { ...on.config, openCodePassword: Redacted.make("open $sesame") }
        const workspace = yield* workspaceOf(on)
        const openCode = yield* steps.openCode(config, { console, workspace })
        const given = { machine, console, openCode }
        assert.strictEqual((yield* steps.health(config, given)).version, "1.2.3")
        const wrong = yield* reasonOf(steps.health({ ...config, openCodePassword: Redacted.make("other") }, given))
        assert.deepInclude(wrong, { _tag: "PasswordRejected", given: true })
        const none = yield* reasonOf(steps.health(on.config, given))
        assert.deepInclude(none, { _tag: "PasswordRejected", given: false })
      }).pipe(Effect.scoped)
    )
  })
}
