import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import * as DropbearServer from "@toehold/lab/DropbearServer"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import type { SshServer } from "@toehold/lab/SshServer"
import { reasonOf } from "./support/failing.ts"
import { services } from "./support/machine.ts"
import { lineFor, pooled, sh, soon, timed, until } from "./support/pool.ts"

/** A connection is dead after two seconds of silence, in place of nine. */
const watchful = ["ServerAliveInterval=1", "ServerAliveCountMax=2"]

const servers = [
  { name: "sshd", parts: ["sshd"], uploads: [1, 2, 3], make: OpenSshServer.make() },
  {
    name: "dropbear",
    parts: ["dropbear", "dropbearconvert", "private-accounts"],
    uploads: [1],
    make: DropbearServer.make()
  }
] as const

const behindProxy = Effect.fnUntraced(function* (server: SshServer) {
  const proxy = yield* FaultProxy.make({ target: server })
  return { proxy, ...(yield* pooled(lineFor(server, watchful, proxy.port), { maxConnections: 1 })) }
})

const zeros = Stream.fromEffectRepeat(Effect.sync(() => new Uint8Array(64 * 1024)))

for (const { make, name, parts, uploads: each } of servers) {
  describeWith(parts, `A connection that is busy with what goes out, to ${name}`, () => {
    it.layer(services, { excludeTestServices: true })((it) => {
      it.effect("is found dead in time however much is on its way, and leaves nothing behind", () =>
        Effect.gen(function* () {
          const { pool, proxy, ssh } = yield* behindProxy(yield* make)
          yield* proxy.set("toServer", { bytesPerSecond: 4_000_000 })
          // More than all windows and buffers on the way together.
          const upload = ssh.start(sh("cat >/dev/null"), { stdin: zeros })
          const uploads = yield* Effect.forEach(each, () => upload, { concurrency: 3 })
          const sent = Effect.map(proxy.bytes, ({ toServer }) => toServer)
          yield* until(Effect.map(sent, (bytes) => bytes > 3_000_000))
          const running = yield* Effect.forkChild(
            Effect.forEach(uploads, ({ exit }) => Effect.flip(exit), { concurrency: 3 })
          )
          yield* proxy.set("both", { swallow: true })
          const { ms, value } = yield* timed(soon(Fiber.join(running)))
          for (const error of value) reasonOf(error, "ConnectionLost", { isRetryable: false, outcome: "may-have-run" })
          assert.isBelow(ms, 4500)
          yield* proxy.heal
          assert.strictEqual((yield* soon(ssh.exec(sh("echo back")))).stdout.text, "back\n")
          assert.isAtMost((yield* pool.status).length, 1)
        }).pipe(Effect.scoped)
      )

      it.effect("is never called dead on a way of 200 kB/s, though nobody reads what comes", () =>
        Effect.gen(function* () {
          const { proxy, ssh } = yield* behindProxy(yield* make)
          const before = ssh.connection
          yield* proxy.set("toServer", { bytesPerSecond: 200_000 })
          const count = "sleep 4; wc -c"
          const each = ssh.exec(sh(count), { stdin: new Uint8Array(450_000) })
          const results = yield* soon(Effect.all([each, each], { concurrency: 2 }), 30_000)
          assert.deepStrictEqual(
            results.map(({ stdout }) => stdout.text.trim()),
            ["450000", "450000"]
          )
          assert.strictEqual(ssh.connection, before)
          assert.strictEqual((yield* proxy.connections).accepted, 1)
        })
      )
    })
  })
}
