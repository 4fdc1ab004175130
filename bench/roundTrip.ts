/** One `true` over a connection that is there, at a round trip of 100 ms: how many of them it takes. */
import { Effect } from "effect"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import type { SshServer } from "@toehold/lab/SshServer"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import * as Peers from "./peers.ts"
import { report } from "./report.ts"
import { median, timed } from "./rounds.ts"
import * as Toehold from "./toehold.ts"

const roundTripMs = 100
const count = 15

export const roundTrip = Effect.fnUntraced(function* (server: SshServer) {
  const proxy = yield* FaultProxy.make({ target: server })
  const behind = { ...server, port: proxy.port }
  const ssh = yield* Toehold.pooled(behind)
  const raw = yield* Peers.rawConnect(behind)
  const master = yield* Peers.controlMaster(behind)
  yield* proxy.setRoundTrip(roundTripMs)
  const exec = Effect.orDie(ssh.exec(SshCommand.argv(["true"])))
  yield* exec
  yield* Effect.sleep("1 second")
  const figures: Record<string, Array<number>> = {}
  const note = (name: string, milliseconds: number) => (figures[name] ??= []).push(milliseconds / roundTripMs)
  for (let round = 0; round < count; round++) {
    note("toehold", yield* timed(exec))
    note("raw ssh2, no-delay", yield* timed(Peers.rawExec(raw, "true")))
    note("ssh by ControlMaster", yield* timed(Peers.program("ssh", [...master, "true"])))
  }
  for (let round = 0; round < count; round++) note("toehold, back to back", yield* timed(exec))
  const of = (name: string) => median(figures[name] ?? [])
  return yield* report(
    "round-trip",
    figures,
    [
      { what: "toehold", ratio: of("toehold"), atMost: 1.1 },
      { what: "toehold, back to back", ratio: of("toehold, back to back"), atMost: 1.1 },
      { what: "ssh by ControlMaster", ratio: of("ssh by ControlMaster"), atLeast: 2 }
    ],
    "round trips"
  )
})
