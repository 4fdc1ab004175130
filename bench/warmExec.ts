/** One `true` over a connection that is there: Toehold, raw ssh2, node-ssh, ssh2-promise; and OpenSSH started anew. */
import { Effect } from "effect"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import type { SshServer } from "@toehold/lab/SshServer"
import * as Peers from "./peers.ts"
import { ratioOf, report } from "./report.ts"
import { rounds } from "./rounds.ts"
import * as Toehold from "./toehold.ts"

export const warmExec = Effect.fnUntraced(function* (server: SshServer) {
  const toehold = yield* Toehold.connect(server)
  const pooled = yield* Toehold.pooled(server)
  const raw = yield* Peers.rawConnect(server)
  const nodeSsh = yield* Peers.nodeSsh(server)
  const ssh2Promise = yield* Peers.ssh2Promise(server)
  const figures = yield* rounds<never>(
    [
      { name: "toehold", run: Effect.orDie(toehold.exec(SshCommand.argv(["true"]))) },
      { name: "toehold, pooled", run: Effect.orDie(pooled.exec(SshCommand.argv(["true"]))) },
      { name: "raw ssh2, no-delay", run: Peers.rawExec(raw, "true") },
      { name: "node-ssh", run: Effect.promise(() => nodeSsh.execCommand("true")) },
      { name: "ssh2-promise", run: Effect.promise(() => ssh2Promise.exec("true")) },
      { name: "ssh, cold", run: Peers.coldSsh(server, "true") }
    ],
    { count: 41, warmup: 5 }
  )
  const against = (name: string) => 1 / ratioOf(figures, "toehold", name)
  return yield* report("warm-exec", figures, [
    { what: "toehold / raw ssh2", ratio: ratioOf(figures, "toehold", "raw ssh2, no-delay"), atMost: 1 },
    { what: "toehold, pooled / raw ssh2", ratio: ratioOf(figures, "toehold, pooled", "raw ssh2, no-delay"), atMost: 1 },
    { what: "node-ssh / toehold", ratio: against("node-ssh"), atLeast: 10 },
    { what: "ssh2-promise / toehold", ratio: against("ssh2-promise"), atLeast: 10 },
    { what: "cold ssh / toehold", ratio: against("ssh, cold"), atLeast: 10 }
  ])
})
