/**
 * Sends files to a machine, and shows how far they are.
 *
 *     node examples/send-files.ts "ssh -p 2222 root@host" /srv/data model.bin config/
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Machine } from "@toehold/machines"
import { ClientPlatform, SshPool } from "@toehold/ssh-core"
import { Transfer } from "@toehold/transfer"
import { Console, Effect, Layer } from "effect"

const [name = "local:", target = ".", ...sources] = process.argv.slice(2)

const main = Effect.gen(function* () {
  const machine = yield* Machine.open(name)
  const sent = yield* Transfer.put(machine, {
    sources,
    target,
    parents: true,
    verify: true,
    onProgress: ({ bytes, totalBytes }) => Console.error(`${bytes} of ${totalBytes} bytes`)
  })
  yield* Console.log(`${sent.files} files sent, ${sent.skipped} were there`)
}).pipe(
  Effect.scoped,
  // Each reason has a tag of its own; message and fix are for people.
  Effect.catchReason("TransferError", "NoSpace", (reason) =>
    Console.error(`${reason.message} ${reason.fix}`).pipe(Effect.andThen(Effect.sync(() => (process.exitCode = 74))))
  )
)

const services = Layer.merge(NodeServices.layer, ClientPlatform.layer)

main.pipe(Effect.provide(SshPool.layer().pipe(Layer.provideMerge(services))), NodeRuntime.runMain)
