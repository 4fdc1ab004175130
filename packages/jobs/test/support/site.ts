/** A server behind a proxy that breaks connections, and jobs there whose output is known. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { ChildProcessSpawner } from "effect/process"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as Path from "node:path"
import type { JobEvent } from "../../src/JobOutput.ts"
import * as Jobs from "../../src/Jobs.ts"
import * as JobSpec from "../../src/JobSpec.ts"
import * as Ssh from "./ssh.ts"

export const sha256 = (bytes: Uint8Array): string => Crypto.createHash("sha256").update(bytes).digest("hex")

/** A job that has printed `whole`, a file in the home folder, after a while: so many pieces with a pause after each. */
export const printing = (id: string, pieces: number) =>
  JobSpec.shell(
    `i=0; while [ $i -lt ${pieces} ]; do head -c 70000 /dev/urandom; sleep 0.05; i=$((i+1)); done | tee "$HOME/${id}"`,
    { id }
  )

export const collect = () => {
  const chunks: Array<Uint8Array> = []
  return {
    add: (event: JobEvent) =>
      Effect.sync(() => {
        assert.notStrictEqual(event._tag, "Gap")
        if (event._tag === "Output") chunks.push(event.data.slice())
      }),
    bytes: () => Buffer.concat(chunks)
  }
}

/** A server behind a proxy, and its jobs over connections that are made anew. */
export const site = Effect.gen(function* () {
  const server = yield* OpenSshServer.OpenSshServer
  const proxy = yield* FaultProxy.make({ target: server })
  const spawner = yield* Ssh.spawner(server, proxy.port)
  const jobs = yield* Jobs.make({ reconnectFor: "25 seconds" }).pipe(
    Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, spawner)
  )
  const read = (name: string) => Fs.readFileSync(Path.join(server.homeDir, name))
  return { jobs, proxy, read, server }
})
