/** Runs the benches that are named, or all: `npm run bench -- warm-exec connect`. */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, Layer, type PlatformError, type Scope } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import type { LabError } from "@toehold/lab/LabError"
import type { SshServer } from "@toehold/lab/SshServer"
import * as ClientPlatform from "@toehold/ssh-core/ClientPlatform"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { api } from "./api.ts"
import { connect } from "./connect.ts"
import { files } from "./files.ts"
import { flood } from "./flood.ts"
import { forward } from "./forward.ts"
import { jobFollow } from "./jobFollow.ts"
import { pool } from "./pool.ts"
import { roundTrip } from "./roundTrip.ts"
import { session } from "./session.ts"
import { sessionKill } from "./sessionKill.ts"
import { serial } from "./serial.ts"
import { serialConsoles } from "./serialConsoles.ts"
import { serialFlood } from "./serialFlood.ts"
import { serialGuest } from "./serialGuest.ts"
import { serialOutput } from "./serialOutput.ts"
import { serialSoak } from "./serialSoak.ts"
import { start } from "./start.ts"
import type { Services } from "./toehold.ts"
import { transfer } from "./transfer.ts"
import { vast } from "./vast.ts"
import { up } from "./up.ts"
import { warmExec } from "./warmExec.ts"

type Bench = (
  server: SshServer
) => Effect.Effect<
  boolean,
  LabError | PlatformError.PlatformError,
  Services | ChildProcessSpawner.ChildProcessSpawner | Scope.Scope
>

const benches: Readonly<Record<string, Bench>> = {
  "warm-exec": warmExec,
  "round-trip": roundTrip,
  connect,
  start,
  flood,
  files,
  forward,
  "job-follow": jobFollow,
  pool,
  transfer,
  vast,
  up,
  session,
  "session-kill": sessionKill,
  api,
  serial,
  "serial-consoles": serialConsoles,
  "serial-flood": serialFlood,
  "serial-guest": serialGuest,
  "serial-output": serialOutput,
  "serial-soak": serialSoak
}

const main = Effect.gen(function* () {
  const named = process.argv.slice(2)
  const unknown = named.filter((name) => !(name in benches))
  if (unknown.length > 0) {
    yield* Console.error(`There is no bench ${unknown.join(", ")}. There are: ${Object.keys(benches).join(", ")}.`)
    process.exitCode = 64
    return
  }
  for (const [name, bench] of Object.entries(benches)) {
    if (named.length > 0 && !named.includes(name)) continue
    const met = yield* Effect.scoped(
      Effect.flatMap(OpenSshServer.make({ account: { loginShell: "bash" }, config: ["MaxStartups 1000"] }), bench)
    )
    if (!met) process.exitCode = 1
  }
})

main.pipe(
  Effect.provide(Layer.merge(NodeServices.layer, ClientPlatform.layer)),
  // Left to itself, Node 24 sometimes spins for ever at its end when so many processes and connections were there.
  Effect.tap(Effect.sync(() => process.exit())),
  NodeRuntime.runMain
)
