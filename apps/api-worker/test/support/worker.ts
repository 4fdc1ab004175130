/** The program as a process, on a machine of the test's own: this one, with a home folder and a stand-in for OpenCode. */
import { Effect, Redacted, type Scope } from "effect"
import { FetchHttpClient } from "effect/http"
import * as RunningProcesses from "@toehold/lab/RunningProcesses"
import * as SessionApiClient from "@toehold/session-api/SessionApiClient"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"

const app = Path.join(import.meta.dirname, "..", "..")
const builds = Fs.mkdtempSync(Path.join(Os.tmpdir(), "worker-bundle-"))
/** Away from the workspace, so that nothing of it can be found by accident. */
export const program = Path.join(builds, "api-worker.mjs")

export const build = (): void => {
  const built = ChildProcess.spawnSync("npm", ["run", "--silent", "build"], {
    cwd: app,
    encoding: "utf8",
    shell: process.platform === "win32"
  })
  if (built.status !== 0) throw new Error(built.stdout + built.stderr)
  Fs.copyFileSync(Path.join(app, "dist", "api-worker.mjs"), program)
}

export const removeBuild = (): void => Fs.rmSync(builds, { recursive: true, force: true })

/** Counts its starts in `~/starts`, and answers as OpenCode does. */
export const openCode = `#!/bin/sh
while [ $# -gt 0 ]; do
  [ "$1" = --port ] && port=$2
  shift
done
echo "$port" >>"$HOME/starts"
d=$(mktemp -d "$HOME/www.XXXXXX")
mkdir "$d/global"
printf '{"healthy":true,"version":"1.2.3"}' >"$d/global/health"
exec busybox httpd -f -p "$port" -h "$d"
`

/** Git as it is, slow enough to be caught at it, and with a line for each clone that it makes. */
const slowGit = (git: string) => `#!/bin/sh
case " $* " in *" clone "* | *" fetch "*) echo "$*" >>"$HOME/fetches"; sleep 0.3 ;; esac
exec ${git} "$@"
`

export interface Site {
  readonly folder: string
  readonly home: string
  readonly repoUrl: string
  readonly env: Readonly<Record<string, string>>
}

const shell = (text: string, cwd: string): string =>
  ChildProcess.execFileSync("sh", ["-c", text], { cwd, encoding: "utf8" })

/** A folder with all that a session needs; what the sessions left running ends with the scope. */
export const site = Effect.acquireRelease(
  Effect.sync((): Site => {
    const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "worker-"))
    const [home, bin, repo] = ["home", "bin", "repo"].map((name) => Path.join(folder, name)) as [string, string, string]
    for (const path of [home, bin, repo]) Fs.mkdirSync(path)
    Fs.writeFileSync(Path.join(bin, "opencode"), openCode, { mode: 0o755 })
    const git = shell("command -v git", folder).trim()
    Fs.writeFileSync(Path.join(bin, "git"), slowGit(git), { mode: 0o755 })
    shell(
      "git init -q -b main && echo hello >README && git add . && git -c user.name=t -c user.email=t@t commit -qm first",
      repo
    )
    Fs.writeFileSync(
      Path.join(folder, "machines.json"),
      JSON.stringify({
        machines: { here: { target: "local:", ip: "127.0.0.1" }, other: { target: "local:", ip: "127.0.0.1" } }
      })
    )
    const env = {
      HOME: home,
      PATH: `${bin}:${process.env["PATH"] ?? ""}`,
      TOEHOLD_HOME: Path.join(folder, "state"),
      XDG_RUNTIME_DIR: Path.join(folder, "run")
    }
    return { folder, home, env, repoUrl: `file://${repo}` }
  }),
  ({ folder }) =>
    Effect.andThen(
      RunningProcesses.endWithVariable("HOME", Path.join(folder, "home")),
      Effect.sync(() => Fs.rmSync(folder, { recursive: true, force: true }))
    )
)

export interface Ran {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the program to its end. */
export const apiWorker = ({ env }: Pick<Site, "env">, ...words: ReadonlyArray<string>): Effect.Effect<Ran> =>
  Effect.callback((resume) => {
    ChildProcess.execFile(process.execPath, [program, ...words], { env, encoding: "utf8" }, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === "number" ? error.code : null
      resume(Effect.succeed({ status, stdout, stderr }))
    })
  })

export interface Worker {
  readonly url: string
  readonly pid: number
  readonly log: () => string
  readonly kill: (signal: NodeJS.Signals) => Effect.Effect<number | null>
}

/** Serves, at a free port, until the scope closes or it is killed. */
export const serve = Effect.fnUntraced(function* (
  { env, folder }: Site,
  ...words: ReadonlyArray<string>
): Effect.fn.Return<Worker, never, Scope.Scope> {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      ChildProcess.spawn(
        process.execPath,
        [
          program,
          "serve",
          ...(words.includes("--port") ? [] : ["--port", "0"]),
          "--json",
          "--machines",
          Path.join(folder, "machines.json"),
          ...words
        ],
        { env, stdio: ["ignore", "pipe", "pipe"] }
      )
    ),
    (started) => Effect.sync(() => void started.kill("SIGKILL"))
  )
  let printed = ""
  let log = ""
  child.stdout.on("data", (data: Buffer) => (printed += data.toString()))
  child.stderr.on("data", (data: Buffer) => (log += data.toString()))
  while (!printed.includes("\n") && child.exitCode === null) yield* Effect.sleep("20 millis")
  if (child.exitCode !== null) return yield* Effect.die(new Error(`api-worker ended with ${child.exitCode}: ${log}`))
  const { listen }: { readonly listen: string } = JSON.parse(printed)
  return {
    url: listen,
    pid: child.pid ?? 0,
    log: () => log,
    kill: (signal) =>
      Effect.callback((resume) => {
        child.once("exit", (code) => resume(Effect.succeed(code)))
        child.kill(signal)
      })
  }
})

/** The text of a new token. */
export const newToken = (at: Site, ...words: ReadonlyArray<string>) =>
  Effect.map(apiWorker(at, "token", "create", "test", ...words), ({ stdout }) => stdout.trim())

export const clientOf = (url: string, token: string) =>
  SessionApiClient.make({ url, token: Redacted.make(token) }).pipe(Effect.orDie, Effect.provide(FetchHttpClient.layer))
