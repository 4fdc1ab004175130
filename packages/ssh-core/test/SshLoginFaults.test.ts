import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import type { FileSystem, Path, Scope } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import * as DropbearServer from "@toehold/lab/DropbearServer"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import type { LabError } from "@toehold/lab/LabError"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith, type PartName } from "@toehold/lab/RealPart"
import type { ServerControls, SshServer } from "@toehold/lab/SshServer"
import { connectTo, endOf } from "./support/failing.ts"
import { optionsFor, services } from "./support/machine.ts"
import { leavesNothing } from "./support/sockets.ts"

const sh = SshCommand.shell

type Making = FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner | Scope.Scope

const servers: ReadonlyArray<{
  readonly name: string
  readonly parts: ReadonlyArray<PartName>
  readonly make: Effect.Effect<SshServer & ServerControls, LabError, Making>
}> = [
  { name: "OpenSSH", parts: ["sshd"], make: OpenSshServer.make({ config: ["MaxStartups 100"] }) },
  { name: "dropbear", parts: ["dropbear", "dropbearconvert", "private-accounts"], make: DropbearServer.make() }
]

/** So many places in a stream of bytes, the first and the last of them included, and each byte of the first line. */
const places = (total: number, count: number, shift: number): ReadonlyArray<number> => [
  ...Array.from({ length: 24 }, (_, at) => at),
  ...Array.from({ length: count }, (_, at) => Math.floor(24 + ((at + shift) * (total - 24)) / count))
]

for (const { make, name, parts } of servers) {
  describeWith(parts, `A login to ${name}`, () => {
    it.layer(services, { excludeTestServices: true })((it) => {
      for (const direction of ["toClient", "toServer"] as const) {
        it.effect(`that falls silent anywhere keeps its time limit, ${direction}`, () =>
          leavesNothing(
            Effect.gen(function* () {
              const server = yield* make
              const through = (silentAfter: number | undefined) =>
                Effect.gen(function* () {
                  const proxy = yield* FaultProxy.make({ target: server, [direction]: { silentAfter } })
                  const connectTimeout = silentAfter === undefined ? "10 seconds" : "600 millis"
                  yield* connectTo({ ...optionsFor(server), port: proxy.port, connectTimeout })
                  return (yield* proxy.bytes)[direction]
                })
              const total = yield* Effect.scoped(through(undefined))
              const ends = yield* Effect.forEach(
                [0, 1, 4, ...places(total, 11, 0.5).slice(23)],
                (bytes) => endOf(through(bytes)),
                // dropbear turns more than five clients away that have not logged in yet.
                { concurrency: 4 }
              )
              assert.isAbove(ends.filter((end) => end === "ConnectTimeout").length, 11, ends.join())
            })
          )
        )

        it.effect(`that is cut anywhere fails as one that may be tried again, ${direction}`, () =>
          leavesNothing(
            Effect.gen(function* () {
              const server = yield* make
              const through = (cutAfter: { readonly bytes: number; readonly by: FaultProxy.CutBy } | undefined) =>
                Effect.gen(function* () {
                  const proxy = yield* FaultProxy.make({ target: server, [direction]: { cutAfter } })
                  yield* connectTo({ ...optionsFor(server), port: proxy.port })
                  return (yield* proxy.bytes)[direction]
                })
              const total = yield* Effect.scoped(through(undefined))
              const cases = (["fin", "rst"] as const).flatMap((by) =>
                places(total, 26, by === "fin" ? 0 : 0.5).map((bytes) => ({ bytes, by }))
              )
              const ends = yield* Effect.forEach(cases, (cutAfter) => endOf(through(cutAfter)), { concurrency: 4 })
              assert.isAbove(ends.filter((end) => end === "ConnectionClosed").length, 80)
              const ssh = yield* connectTo(optionsFor(server))
              assert.strictEqual((yield* ssh.exec(sh("echo well"))).stdout.text, "well\n")
            })
          )
        )
      }
    })
  })
}
