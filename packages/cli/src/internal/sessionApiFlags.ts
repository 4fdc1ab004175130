/** The flags that say where the session API is and who asks it. */
import type { FlagSpec } from "./commandSpec.ts"

export const urlVariable = "TOEHOLD_API"
export const tokenVariable = "TOEHOLD_API_TOKEN"

/** Where the API is and who asks it. */
export const apiFlags: ReadonlyArray<FlagSpec> = [
  { name: "api", value: "URL", summary: `The session API (default: ${urlVariable} of the environment)` },
  {
    name: "api-token-file",
    value: "FILE",
    isFile: true,
    summary: `File with its token in the first line (default: ${tokenVariable} of the environment)`
  },
  { name: "plain-http", summary: "Send the token to an http URL beyond this machine and private networks too" }
]
