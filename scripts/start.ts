/**
 * `npm start`: goes through the way to a machine stage by stage and runs a command there, with the program itself. The
 * machine is a private SSH server that lives as long as this demonstration, or the one that is named:
 * `npm start -- root@host`.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, type Scope } from "effect"
import * as InProcessServer from "@toehold/lab/InProcessServer"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import * as RealPart from "@toehold/lab/RealPart"
import type { SshServer } from "@toehold/lab/SshServer"
import { readFileSync } from "node:fs"
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

/** A server of our own: the real sshd where there is one that can be started here, else one inside this process. */
const startServer = Effect.gen(function* () {
  if (RealPart.find("sshd") !== undefined) {
    const real = yield* Effect.option(OpenSshServer.make())
    if (real._tag === "Some") {
      yield* Console.log(
        `A private SSH server runs on ${real.value.host}:${real.value.port} (this machine's own sshd).`
      )
      return real.value
    }
  }
  const server: SshServer = yield* InProcessServer.make()
  yield* Console.log(`A private SSH server runs on ${server.host}:${server.port} (inside this process: no sshd here).`)
  return server
})

const own: Effect.Effect<number, never, Scope.Scope | NodeServices.NodeServices> = Effect.gen(function* () {
  const server = yield* Effect.orDie(startServer)
  const machine = `${server.user}@${server.host}:${server.port}`
  const code = yield* tour(machine, ["-F", "none", "-i", server.privateKeyPath, "--known-hosts", server.knownHostsPath])
  yield* Console.log(`
The same on a machine of yours (any form that ssh takes, a whole ssh command line in quotes too):
  npm start -- root@host
The program as one file:
  npm run build && node apps/cli/dist/toehold.mjs --help`)
  return code
})

const [machine, ...flags] = process.argv.slice(2)

Effect.scoped(machine === undefined ? own : tour(machine, flags)).pipe(
  Effect.flatMap((code) => Effect.sync(() => void (process.exitCode = code))),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain
)
