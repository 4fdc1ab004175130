import { Effect } from "effect"
import type * as Ssh2 from "ssh2"

/** The parts of the driver that are used at run time. */
export interface Driver {
  readonly Client: typeof Ssh2.Client
  readonly parseKey: typeof Ssh2.utils.parseKey
  readonly createAgent: typeof Ssh2.createAgent
  readonly BaseAgent: typeof Ssh2.BaseAgent
}

/**
 * Loads the driver when it is first needed, file by file: commands without a machine should not pay for it, and its main
 * entry brings a server, a key generator and Node's whole HTTP and TLS with it.
 */
export const load: Effect.Effect<Driver> = Effect.promise(async () => {
  const [client, agent, keyParser] = await Promise.all([
    import("ssh2/lib/client.js"),
    import("ssh2/lib/agent.js"),
    import("ssh2/lib/protocol/keyParser.js")
  ])
  return {
    Client: client.default,
    parseKey: keyParser.default.parseKey,
    createAgent: agent.default.createAgent,
    BaseAgent: agent.default.BaseAgent
  }
})
