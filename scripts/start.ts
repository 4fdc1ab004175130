/**
 * `npm start`: brings a rented GPU machine from its number to a URL that answers, with the program itself. The service is
 * a simulator that lives as long as this demonstration; the machine, its SSH and the app behind the URL are real. With
 * `npm start -- vast:ID` and `VAST_API_KEY` it is the real service; `npm start -- root@host` goes through the way to a
 * machine of yours stage by stage, and runs a command there.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, FileSystem, Redacted, type Scope } from "effect"
import * as KeyPair from "@toehold/lab/KeyPair"
import * as VastSimulator from "@toehold/lab/VastSimulator"
import { readFileSync } from "node:fs"
import * as Net from "node:net"
import { main as toehold } from "../apps/cli/src/main.ts"

const { version }: { readonly version: string } = JSON.parse(
  readFileSync(new URL("../packages/cli/package.json", import.meta.url), "utf8")
)

/** A word as a shell would want it, for the reader to copy. */
const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)

/** Shows a command line, runs it, and gives back its exit code. */
const show = (words: ReadonlyArray<string>): Effect.Effect<number> =>
  Effect.gen(function* () {
    yield* Console.log(`\n$ toehold ${words.map(quoted).join(" ")}`)
    return yield* Effect.promise(() => toehold(words, version))
  })

const command = ["sh", "-c", 'echo "Hello from $(hostname), $(uname -sm), as $(id -un)"; date']

/** Doctor, and a command if the way is clear. */
const tour = Effect.fnUntraced(function* (machine: string, flags: ReadonlyArray<string>) {
  const checked = yield* show(["doctor", machine, ...flags])
  if (checked !== 0) return checked
  return yield* show(["exec", machine, ...flags, "--", ...command])
})

const freePort = Effect.callback<number>((resume) => {
  const server = Net.createServer().listen(0, "127.0.0.1", () => {
    const address = server.address()
    const port = address === null || typeof address === "string" ? 0 : address.port
    server.close(() => resume(Effect.succeed(port)))
  })
})

/** What stands for the app: a page, after the moment that a real one takes. */
const appOf = (port: number): string =>
  `exec ${process.execPath} -e 'setTimeout(() => require("http").createServer((_, answer) => answer.end("Hello from the app behind the tunnel")).listen(${port}, "127.0.0.1"), 300)'`

/** What the environment and the network of a program have, for as long as the simulator is there. */
const enterWorld = (simulator: VastSimulator.VastSimulator["Service"], home: string) =>
  Effect.sync(() => {
    const { fetch } = globalThis
    globalThis.fetch = (input, init) => fetch(VastSimulator.edgeUrl(simulator, String(input)), init)
    Object.assign(process.env, {
      VAST_URL: simulator.url,
      VAST_API_KEY: Redacted.value(simulator.apiKey),
      TOEHOLD_HOME: home,
      HF_TOKEN: "hf_for_the_demonstration"
    })
  })

const simulated: Effect.Effect<number, never, Scope.Scope | NodeServices.NodeServices> = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* fs.makeTempDirectoryScoped({ prefix: "toehold-start-" })
  const { privateKey } = yield* KeyPair.generate()
  const keyFile = `${folder}/id_vast`
  yield* fs.writeFileString(keyFile, privateKey, { mode: 0o600 })
  const simulator = yield* VastSimulator.make({ delays: { load: 500, ssh: 700, keys: 1500 } })
  yield* enterWorld(simulator, `${folder}/toehold`)
  const { id } = yield* simulator.rent({ workspace: "home" })
  yield* Console.log(`A simulator of Vast.ai runs at ${simulator.url}; instance ${id} was just rented there, and loads.

The same on the real service, with VAST_API_KEY in the environment:
  npm start -- vast:ID --register
A machine of yours (any form that ssh takes, a whole ssh command line in quotes too):
  npm start -- root@host
The program as one file:
  npm run build && node apps/cli/dist/toehold.mjs --help`)
  const port = yield* freePort
  const login = ["-F", "none", "-i", keyFile, "--known-hosts", `${folder}/known_hosts`]
  const app = ["--app-port", String(port), "--app-command", appOf(port)]
  // The token is in the environment: --secret takes its name alone.
  return yield* show([
    "up",
    `vast:${id}`,
    "--register",
    "--secret",
    "HF_TOKEN",
    "--retry-every",
    "1s",
    ...app,
    ...login
  ])
}).pipe(Effect.orDie)

const [machine, ...flags] = process.argv.slice(2)

const chosen = (): Effect.Effect<number, never, Scope.Scope | NodeServices.NodeServices> => {
  if (machine === undefined) return simulated
  return machine.startsWith("vast:") ? show(["up", machine, ...flags]) : tour(machine, flags)
}

Effect.scoped(chosen()).pipe(
  Effect.flatMap((code) => Effect.sync(() => void (process.exitCode = code))),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain
)
