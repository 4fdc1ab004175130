/** Reads so many bytes of output of one command, and prints how long it took and the most memory that was resident. */
import { NodeServices } from "@effect/platform-node"
import { Console, Effect, Layer } from "effect"
import { readFileSync } from "node:fs"
import * as ClientPlatform from "@toehold/ssh-core/ClientPlatform"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import type { SshServer } from "@toehold/lab/SshServer"
import * as Peers from "./peers.ts"
import { timed } from "./rounds.ts"
import * as Toehold from "./toehold.ts"

const [contender, size = "0", path = ""] = process.argv.slice(2)
// Written by the bench itself, with what a connection needs of the server.
const server = JSON.parse(readFileSync(path, "utf8"), (key, value: unknown) =>
  key === "blob" && typeof value === "string" ? Buffer.from(value, "base64") : value
) as SshServer

const read = Effect.gen(function* () {
  if (contender === "toehold") {
    const ssh = yield* Toehold.connect(server, { spareSessions: 0 })
    const command = SshCommand.argv(["head", "-c", size, "/dev/zero"])
    return yield* timed(
      Effect.flatMap(ssh.exec(command, { maxOutput: 65_536 }), ({ stdout }) =>
        stdout.totalBytes === Number(size) ? Effect.void : Effect.die(new Error(`${stdout.totalBytes} bytes came`))
      )
    )
  }
  const raw = yield* Peers.rawConnect(server)
  return yield* timed(
    Effect.callback<void>((resume) => {
      raw.exec(`head -c ${size} /dev/zero`, (_error, channel) => {
        let total = 0
        channel.on("data", (chunk: Buffer) => void (total += chunk.length))
        channel.stderr.resume()
        channel.on("close", () =>
          resume(total === Number(size) ? Effect.void : Effect.die(new Error(`${total} bytes came`)))
        )
      })
    })
  )
})

const main = Effect.gen(function* () {
  const milliseconds = yield* Effect.scoped(read)
  yield* Console.log(JSON.stringify({ milliseconds, maxRssKiB: process.resourceUsage().maxRSS }))
})

await Effect.runPromise(main.pipe(Effect.provide(Layer.merge(NodeServices.layer, ClientPlatform.layer))))
