import { NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, FileSystem, Redacted } from "effect"
import * as FreePort from "@toehold/lab/FreePort"
import * as KeyPair from "@toehold/lab/KeyPair"
import { describeWith } from "@toehold/lab/RealPart"
import { commandLines } from "@toehold/lab/RunningProcesses"
import * as Simulator from "@toehold/lab/VastSimulator"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import { Step } from "../packages/bootstrap-service/src/ProvisionEvent.ts"

const program = new URL("./programs/toehold.ts", import.meta.url).pathname
const token = "hf_planted_secret_0123456789"

interface Ended {
  readonly code: number | null
  readonly output: string
  readonly wasKilled: boolean
  /** Command lines and environments of every process at that time, but for this program's own environment. */
  readonly seen: string
}

/** Runs the program; it is killed with -9 so long after it says that a step has started. */
const run = (
  words: ReadonlyArray<string>,
  env: Readonly<Record<string, string>>,
  kill?: { readonly step: string; readonly afterMs: number }
): Promise<Ended> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [program, ...words], { env: { ...process.env, ...env } })
    let output = ""
    let seen = ""
    let isDue = kill !== undefined
    child.stderr.on("data", (chunk: Buffer) => void (output += chunk.toString()))
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString()
      if (output.includes('"step":"tunnel"')) seen ||= commandLines().join("\n")
      if (!isDue || kill === undefined || !output.includes(`{"event":"started","step":"${kill.step}"`)) return
      isDue = false
      setTimeout(() => child.kill("SIGKILL"), kill.afterMs)
    })
    child.on("close", (code, signal) => resolve({ code, output, wasKilled: signal === "SIGKILL", seen }))
  })

/** The last three start something: they are killed while they are at it. */
const kills = Step.literals.map((step, index) => ({ step, afterMs: index < 6 ? 0 : 200 }))

const live = <A, E>(effect: Effect.Effect<A, E, NodeServices.NodeServices>) =>
  Effect.provide(effect, NodeServices.layer)

describeWith(["sshd", "private-accounts"], "toehold up, as a program", () => {
  it.live(
    "killed with -9 at every step and run again, ends as if it never had been, with nothing started twice",
    () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const folder = yield* fs.makeTempDirectoryScoped({ prefix: "toehold-killed-" })
        const { privateKey } = yield* KeyPair.generate()
        yield* fs.writeFileString(`${folder}/id_vast`, privateKey, { mode: 0o600 })
        const simulator = yield* Simulator.make()
        const port = yield* FreePort.onLoopback
        const { homeDir, id } = yield* simulator.rent({ workspace: "home" })
        const starts = `${folder}/starts`
        const page = `require("fs").appendFileSync("${starts}", "app\\n");require("http").createServer((q, r) => r.end("it")).listen(${port}, "127.0.0.1")`
        const login = ["-F", "none", "-i", `${folder}/id_vast`, "--known-hosts", `${folder}/known_hosts`]
        const app = ["--app-port", String(port), "--app-command", `exec ${process.execPath} -e '${page}'`]
        const flags = ["--register", "--secret", "HF_TOKEN", "--ndjson", "--retry-every", "200ms"]
        const words = ["up", `vast:${id}`, ...flags, ...app, ...login]
        const env = {
          ...Simulator.edgeEnvironment(simulator),
          VAST_API_KEY: Redacted.value(simulator.apiKey),
          VAST_URL: simulator.url,
          TOEHOLD_HOME: `${folder}/toehold`,
          HF_TOKEN: token
        }
        let killed = 0
        for (const kill of kills) {
          const { output, wasKilled } = yield* Effect.promise(() => run(words, env, kill))
          if (wasKilled) killed++
          else assert.include(output, '"event":"ready"', `${kill.step}: ${output}`)
        }
        assert.isAtLeast(killed, kills.length - 2)
        const last = yield* Effect.promise(() => run(words, env))
        assert.strictEqual(last.code, 0, last.output)
        const url = /"event":"ready".*"url":"([^"]+)"/.exec(last.output)?.[1] ?? ""
        const answer = yield* Effect.promise(() => fetch(Simulator.edgeUrl(simulator, url)))
        assert.strictEqual(yield* Effect.promise(() => answer.text()), "it")
        assert.strictEqual(Fs.readFileSync(starts, "utf8"), "app\n")
        assert.strictEqual(Fs.readFileSync(`${homeDir}/workspace/models/downloaded`, "utf8"), "done\n")
        assert.lengthOf(
          commandLines().filter((line) => line.includes("cloudflaredProgram.ts") && line.includes(`:${port}`)),
          1
        )

        // The token is in the environment that it came in, and nowhere else.
        assert.notInclude(last.seen, token)
        assert.notInclude(last.output, token)
        const leaks = [homeDir, folder].flatMap((place) =>
          Fs.readdirSync(place, { recursive: true, withFileTypes: true })
            .filter((entry) => entry.isFile())
            .map((entry) => `${entry.parentPath}/${entry.name}`)
            .filter((path) => Fs.readFileSync(path).includes(token))
        )
        assert.deepStrictEqual(leaks, [])
      }).pipe(Effect.scoped, live),
    240_000
  )
})
