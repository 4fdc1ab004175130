/** Reads so many bytes of output of one command, and checks that they all came. */
import { NodeServices } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { readFileSync } from "node:fs"
import * as ClientPlatform from "@toehold/ssh-core/ClientPlatform"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import type { SshServer } from "@toehold/lab/SshServer"
import * as Peers from "./peers.ts"
import * as Toehold from "./toehold.ts"

const [contender, size = "0", path = ""] = process.argv.slice(2)
// Written by the bench itself, with what a connection needs of the server.
const server = JSON.parse(readFileSync(path, "utf8"), (key, value: unknown) =>
  key === "blob" && typeof value === "string" ? Buffer.from(value, "base64") : value
) as SshServer

const check = (total: number): Effect.Effect<void> =>
  total === Number(size) ? Effect.void : Effect.die(new Error(`${total} bytes came`))

const read = Effect.gen(function* () {
  if (contender === "toehold") {
    const ssh = yield* Toehold.connect(server, { spareSessions: 0 })
    const command = SshCommand.argv(["head", "-c", size, "/dev/zero"])
    const { stdout } = yield* ssh.exec(command, { maxOutput: 65_536 })
    return yield* check(stdout.totalBytes)
  }
  const raw = yield* Peers.rawConnect(server)
  return yield* Effect.callback<void>((resume) => {
    raw.exec(`head -c ${size} /dev/zero`, (_error, channel) => {
      let total = 0
      channel.on("data", (chunk: Buffer) => void (total += chunk.length))
      channel.stderr.resume()
      channel.on("close", () => resume(check(total)))
    })
  })
})

await Effect.runPromise(Effect.scoped(read).pipe(Effect.provide(Layer.merge(NodeServices.layer, ClientPlatform.layer))))
