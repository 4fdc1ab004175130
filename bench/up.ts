/** From the login to a URL that answers, on a simulated instance whose SSH, app and tunnel are real. */
import { Effect, FileSystem, Redacted } from "effect"
import { spawn } from "node:child_process"
import * as FreePort from "@toehold/lab/FreePort"
import * as KeyPair from "@toehold/lab/KeyPair"
import * as VastSimulator from "@toehold/lab/VastSimulator"
import { report } from "./report.ts"
import { type Figures, median } from "./rounds.ts"

const count = 5
const program = new URL("../test/programs/toehold.ts", import.meta.url).pathname

/** Runs the program, and says when each of its events came. */
const run = (words: ReadonlyArray<string>, env: Readonly<Record<string, string>>) =>
  Effect.callback<ReadonlyMap<string, number>>((resume) => {
    const times = new Map<string, number>()
    const child = spawn(process.execPath, [program, ...words], { env: { ...process.env, ...env } })
    let rest = ""
    child.stdout.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split("\n")
      rest = lines.pop() ?? ""
      for (const line of lines) {
        const { event, step }: { readonly event: string; readonly step?: string } = JSON.parse(line)
        times.set(`${event} ${step ?? ""}`.trim(), performance.now())
      }
    })
    child.once("close", (code) => resume(code === 0 ? Effect.succeed(times) : Effect.die(`up ended with ${code}`)))
  })

export const up = Effect.fnUntraced(function* () {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* fs.makeTempDirectoryScoped({ prefix: "toehold-bench-up-" })
  const { privateKey, publicKey } = yield* KeyPair.generate()
  yield* fs.writeFileString(`${folder}/id_vast`, privateKey, { mode: 0o600 })
  const simulator = yield* VastSimulator.make({ publicKeys: [publicKey] })
  const env = {
    ...VastSimulator.edgeEnvironment(simulator),
    VAST_API_KEY: Redacted.value(simulator.apiKey),
    VAST_URL: simulator.url,
    TOEHOLD_HOME: `${folder}/toehold`,
    HF_TOKEN: "hf_of_the_bench"
  }
  const login = ["-F", "none", "-i", `${folder}/id_vast`, "--known-hosts", `${folder}/known_hosts`]
  const figures: Record<string, Array<number>> = { "login to URL, all to be done": [], "login to URL, all done": [] }
  for (let round = 0; round < count; round++) {
    const instance = yield* simulator.rent({ workspace: "home" })
    yield* instance.settled
    const port = yield* FreePort.onLoopback
    // It is there at once: what an app takes to start is its own.
    const app = `exec ${process.execPath} -e 'require("http").createServer((_, r) => r.end()).listen(${port}, "127.0.0.1")'`
    const words = ["up", `vast:${instance.id}`, "--register", "--secret", "HF_TOKEN", "--ndjson"]
    const flags = ["--retry-every", "50ms", "--app-port", String(port), "--app-command", app, ...login]
    for (const name of Object.keys(figures)) {
      const times = yield* run([...words, ...flags], env)
      figures[name]?.push((times.get("ready") ?? Infinity) - (times.get("started login") ?? 0))
    }
  }
  const measured: Figures = figures
  const own = median(figures["login to URL, all to be done"] ?? [])
  return yield* report("up", measured, [{ what: "all to be done / 3 s", ratio: own / 3000, atMost: 1 }])
})
