import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { randomBytes } from "node:crypto"
import * as DropbearServer from "@toehold/lab/DropbearServer"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import { keep } from "./support/kept.ts"
import { services } from "./support/machine.ts"
import { leavesNothing } from "./support/sockets.ts"
import * as Streams from "./support/streams.ts"

for (const { make, name, parts } of [
  { name: "OpenSSH", parts: ["sshd"] as const, make: OpenSshServer.make() },
  {
    name: "dropbear",
    parts: ["dropbear", "dropbearconvert", "private-accounts"] as const,
    make: DropbearServer.make()
  }
]) {
  describeWith(parts, `SshForward cut anywhere, ${name}`, () => {
    it.layer(services, { excludeTestServices: true })((it) => {
      for (const direction of ["toClient", "toServer"] as const) {
        it.effect(`never lets a part pass for the whole, ${direction}`, () =>
          leavesNothing(
            Effect.gen(function* () {
              const server = yield* make
              const whole = randomBytes(90_000)
              const echo = yield* Streams.serve(Streams.echo)
              const big = yield* Streams.serve((socket) => {
                socket.resume()
                socket.end(whole)
              })
              const total = yield* Effect.gen(function* () {
                const { port, proxy } = yield* keep(server, [["local", `0:127.0.0.1:${echo.port}`]])
                yield* Streams.exchange(port(0), whole)
                return (yield* proxy.bytes)[direction]
              }).pipe(Effect.scoped)
              const ends = yield* Effect.forEach(
                // The most of them at the start, which has the handshake in it.
                Array.from({ length: 24 }, (_, at) => Math.floor(total * 1.1 * ((at + 0.5) / 24) ** 2)),
                (bytes) =>
                  Effect.gen(function* () {
                    const { port, proxy } = yield* keep(
                      server,
                      [
                        ["local", `0:127.0.0.1:${echo.port}`],
                        ["local", `0:127.0.0.1:${big.port}`]
                      ],
                      {
                        faults: { [direction]: { cutAfter: { bytes, by: bytes % 2 === 0 ? "fin" : "rst" } } },
                        keep: { waitLimit: "1 seconds" }
                      }
                    )
                    const got = yield* Effect.forEach([port(0), port(1)], (to) => Streams.exchange(to, whole), {
                      concurrency: 2
                    })
                    for (const { bytes, end } of got) {
                      assert.isTrue(bytes.equals(whole.subarray(0, bytes.length)))
                      if (end === "end") assert.strictEqual(bytes.length, whole.length)
                    }
                    yield* proxy.heal
                    const after = yield* Streams.exchange(port(0), whole)
                    assert.deepStrictEqual([after.end, after.bytes.equals(whole)], ["end", true])
                    return got.map(({ end }) => end).join()
                  }).pipe(
                    Effect.scoped,
                    Effect.catchTag("SshError", ({ isRetryable, reason }) => {
                      assert.isTrue(isRetryable)
                      return Effect.succeed<string>(reason._tag)
                    })
                  ),
                { concurrency: 3 }
              )
              // The places were spread well.
              assert.includeMembers(ends, ["ConnectionClosed"])
              assert.isTrue(
                ends.some((end) => end.includes("reset")),
                ends.join(" ")
              )
            })
          )
        )
      }
    })
  })
}
