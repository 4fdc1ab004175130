/** Waits for all instances of a plan at once, and says when each let in over SSH, and how much memory it took. */
import { NodeHttpClient, NodeServices } from "@effect/platform-node"
import { Clock, Effect, FileSystem, Layer, Schema, Semaphore } from "effect"
import * as ClientPlatform from "@toehold/ssh-core/ClientPlatform"
import * as HostKeys from "@toehold/ssh-core/HostKeys"
import * as SshClient from "@toehold/ssh-core/SshClient"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import type { SshAddress } from "@toehold/vast-api/Instance"
import * as InstanceWait from "@toehold/vast-api/InstanceWait"
import * as VastClient from "@toehold/vast-api/VastClient"

const Plan = Schema.fromJsonString(
  Schema.Struct({
    url: Schema.String,
    apiKey: Schema.RedactedFromValue(Schema.String),
    key: Schema.String,
    ids: Schema.Array(Schema.Int)
  })
)

/** How many logins are tried at the same time. */
const logins = 16

const [path = ""] = process.argv.slice(2)

const run = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const plan = yield* Schema.decodeEffect(Plan)(yield* fs.readFileString(path))
  const hostKeys = yield* HostKeys.make({ policy: "off", userFiles: [], globalFiles: [] })
  const vast = yield* VastClient.make({ apiKey: plan.apiKey, baseUrl: plan.url })

  const slots = yield* Semaphore.make(logins)
  const letsIn = ({ host, port }: SshAddress) =>
    SshClient.make({ host, port, user: "root", identities: [{ path: plan.key, origin: "required" }] }).pipe(
      Effect.flatMap((ssh) => ssh.exec(SshCommand.argv(["true"]))),
      Effect.map(({ exitCode }) => exitCode === 0),
      Effect.scoped,
      Effect.orElseSucceed(() => false),
      slots.withPermits(1)
    )

  const ready: Record<string, number> = {}
  const failed: Array<string> = []
  const wait = (id: number) =>
    InstanceWait.waitUntil(id, InstanceWait.sshReady(letsIn)).pipe(
      Effect.andThen(Clock.currentTimeMillis),
      Effect.match({
        onSuccess: (at) => {
          ready[id] = at
        },
        onFailure: (error) => void failed.push(`${id}: ${error.message}`)
      })
    )
  yield* Effect.forEach(plan.ids, wait, { concurrency: "unbounded" }).pipe(
    Effect.provideService(VastClient.VastClient, vast),
    Effect.provideService(HostKeys.HostKeys, hostKeys)
  )
  // In kilobytes, on every system.
  return { ready, failed, megabytes: (process.resourceUsage().maxRSS * 1024) / 1e6 }
})

const said = await Effect.runPromise(
  run.pipe(Effect.provide(Layer.mergeAll(NodeServices.layer, ClientPlatform.layer, NodeHttpClient.layerUndici)))
)
process.stdout.write(`${JSON.stringify(said)}\n`)
