import { Effect } from "effect"
import * as Net from "node:net"
import { LabError } from "../LabError.ts"

/** A TCP port that nobody listens on right now. Another process may take it before it is used: retry then. */
export const freePort = (address: string): Effect.Effect<number, LabError> =>
  Effect.callback<number, LabError>((resume) => {
    const server = Net.createServer()
    server.once("error", (cause) => resume(Effect.fail(new LabError({ message: `No free port on ${address}`, cause }))))
    server.listen(0, address, () => {
      const bound = server.address()
      server.close(() => resume(Effect.succeed(bound === null || typeof bound === "string" ? 0 : bound.port)))
    })
  })
