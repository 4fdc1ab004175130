declare module "ssh2/lib/protocol/constants.js" {
  const constants: {
    readonly DEFAULT_KEX: ReadonlyArray<string>
    readonly SUPPORTED_KEX: ReadonlyArray<string>
    readonly DEFAULT_SERVER_HOST_KEY: ReadonlyArray<string>
    readonly DEFAULT_CIPHER: ReadonlyArray<string>
    readonly SUPPORTED_CIPHER: ReadonlyArray<string>
    readonly DEFAULT_MAC: ReadonlyArray<string>
    readonly SUPPORTED_MAC: ReadonlyArray<string>
  }
  export default constants
}

declare module "ssh2/lib/client.js" {
  import type { Client } from "ssh2"
  const client: typeof Client
  export default client
}

declare module "ssh2/lib/agent.js" {
  import type { BaseAgent, createAgent } from "ssh2"
  const agent: { readonly BaseAgent: typeof BaseAgent; readonly createAgent: typeof createAgent }
  export default agent
}

declare module "ssh2/lib/protocol/keyParser.js" {
  import type { utils } from "ssh2"
  const keyParser: { readonly parseKey: typeof utils.parseKey }
  export default keyParser
}
