/** Connect, log in with a public key, and disconnect: Toehold against raw ssh2. */
import { Effect } from "effect"
import type { SshServer } from "@toehold/lab/SshServer"
import * as Peers from "./peers.ts"
import { ratioOf, report } from "./report.ts"
import { rounds } from "./rounds.ts"
import * as Toehold from "./toehold.ts"

export const connect = Effect.fnUntraced(function* (server: SshServer) {
  const figures = yield* rounds<Toehold.Services>(
    [
      { name: "toehold", run: Effect.scoped(Toehold.connect(server, { spareSessions: 0 })) },
      { name: "raw ssh2, no-delay, publickey first", run: Effect.scoped(Peers.rawConnect(server)) }
    ],
    { count: 41, warmup: 5 }
  )
  return yield* report("connect", figures, [
    {
      what: "toehold / raw ssh2",
      ratio: ratioOf(figures, "toehold", "raw ssh2, no-delay, publickey first"),
      atMost: 1.1
    }
  ])
})
