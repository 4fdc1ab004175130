/** Starting the bundled program: `--version` against an empty Node, one `exec` against one cold `ssh`. */
import { Effect } from "effect"
import type { SshServer } from "@toehold/lab/SshServer"
import * as Peers from "./peers.ts"
import { bundle, execWords } from "./program.ts"
import { ratioOf, report } from "./report.ts"
import { rounds } from "./rounds.ts"

export const start = Effect.fnUntraced(function* (server: SshServer) {
  const node = process.execPath
  const figures = yield* rounds<never>(
    [
      { name: "toehold --version", run: Peers.program(node, [bundle(), "--version"]) },
      { name: "node -e 0", run: Peers.program(node, ["-e", "0"]) },
      { name: "toehold exec", run: Peers.program(node, execWords(server, "true")) },
      { name: "ssh, cold", run: Peers.coldSsh(server, "true") }
    ],
    { count: 31, warmup: 3 }
  )
  return yield* report("start", figures, [
    { what: "--version / node -e 0", ratio: ratioOf(figures, "toehold --version", "node -e 0"), atMost: 1.5 },
    { what: "exec / cold ssh", ratio: ratioOf(figures, "toehold exec", "ssh, cold"), atMost: 0.8 }
  ])
})
