/** Runs so many commands on each host of a configuration file through one pool, and says what failed and what it took. */
import { NodeServices } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import * as ClientPlatform from "@toehold/ssh-core/ClientPlatform"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import * as SshPool from "@toehold/ssh-core/SshPool"

const [config = "", hosts = "0", commands = "0"] = process.argv.slice(2)

/** What is really in use: the garbage of the handshakes is not. */
const megabytes = (): number => {
  globalThis.gc?.()
  globalThis.gc?.()
  return process.memoryUsage.rss() / 1e6
}

const run = Effect.gen(function* () {
  const pool = yield* SshPool.make()
  let failed = 0
  const work = (host: string) =>
    Effect.gen(function* () {
      const ssh = yield* pool.client(`ssh -F ${config} ${host}`)
      for (let count = 0; count < Number(commands); count++) {
        const { exitCode, stdout } = yield* ssh.exec(SshCommand.argv(["echo", `${host} ${count}`]))
        if (exitCode !== 0 || stdout.text !== `${host} ${count}\n`) failed += 1
      }
    }).pipe(
      Effect.catch((error) => {
        failed += 1
        return Effect.logError(error)
      })
    )
  const names = Array.from({ length: Number(hosts) }, (_, index) => `h${index}`)
  const [first = "", ...others] = names
  yield* work(first)
  const one = megabytes()
  yield* Effect.forEach(others, work, { concurrency: "unbounded" })
  const all = megabytes()
  const connections = (yield* pool.status).length
  return { failed, connections, megabytesEach: (all - one) / Math.max(1, connections - 1) }
})

const report = await Effect.runPromise(
  Effect.scoped(run).pipe(Effect.provide(Layer.merge(NodeServices.layer, ClientPlatform.layer)))
)
process.stdout.write(`${JSON.stringify(report)}\n`)
