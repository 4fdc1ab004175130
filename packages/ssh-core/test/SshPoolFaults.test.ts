import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import * as Net from "node:net"
import type * as SshClient from "@toehold/ssh-core/SshClient"
import * as SshError from "@toehold/ssh-core/SshError"
import * as SshPool from "@toehold/ssh-core/SshPool"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import * as Leaks from "@toehold/lab/Leaks"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import type { SshServer } from "@toehold/lab/SshServer"
import { listener, reasonOf } from "./support/failing.ts"
import { services } from "./support/machine.ts"
import { lineFor, linesOf, pooled, sh, soon, timed, trusting, until } from "./support/pool.ts"

const behindProxy = Effect.fnUntraced(function* (
  server: SshServer,
  settings: { readonly ssh?: ReadonlyArray<string>; readonly pool?: SshPool.Options } = {}
) {
  const proxy = yield* FaultProxy.make({ target: server })
  return { proxy, ...(yield* pooled(lineFor(server, settings.ssh, proxy.port), settings.pool)) }
})

/** Runs commands that each leave a trace, and compares what is said of each with what it left. */
const tracing = (ssh: SshClient.SshClient["Service"], trace: string, count: number, concurrency: number) =>
  Effect.gen(function* () {
    const results = yield* Effect.forEach(
      Array.from({ length: count }, (_, index) => index),
      (index) =>
        Effect.result(ssh.exec(sh(`echo ${index} >>${trace}; sleep 0.0${index % 10}; echo end`))).pipe(
          Effect.map((result) => ({ index, result }))
        ),
      { concurrency }
    )
    // What goes on without us gets the time to show.
    yield* Effect.sleep("300 millis")
    const lines = linesOf(trace).map(Number)
    for (const { index, result } of results) {
      const runs = lines.filter((line) => line === index).length
      if (result._tag === "Success") {
        assert.deepStrictEqual([result.success.exitCode, result.success.stdout.text, runs], [0, "end\n", 1])
      } else {
        assert.isAtMost(runs, result.failure.outcome === "did-not-run" ? 0 : 1, result.failure.message)
      }
    }
    return results.map(({ result }) => (result._tag === "Success" ? "finished" : result.failure.outcome))
  })

const isEmpty = (pool: SshPool.SshPool["Service"]) =>
  Effect.map(pool.status, (status) => status.every(({ sessions }) => sessions === 0))

describeWith(["sshd"], "SshPool on a bad network", () => {
  it.layer(OpenSshServer.layer().pipe(Layer.provideMerge(services)), { excludeTestServices: true })((it) => {
    for (const by of ["fin", "rst"] as const) {
      it.effect(`says rightly what became of each command when its connection is cut again and again (${by})`, () =>
        Effect.gen(function* () {
          const server = yield* OpenSshServer.OpenSshServer
          const { pool, proxy, ssh } = yield* behindProxy(server)
          yield* Effect.forkChild(
            Effect.repeat(Effect.andThen(Effect.sleep("250 millis"), proxy.cut(by)), { times: 7 })
          )
          const outcomes = yield* soon(tracing(ssh, `${server.tempDir}/cut-${by}`, 150, 12), 25_000)
          assert.includeMembers(outcomes, ["finished", "may-have-run"])
          // Nothing that certainly did not run is left to the caller.
          assert.notInclude(outcomes, "did-not-run")
          yield* until(isEmpty(pool))
          assert.strictEqual((yield* ssh.exec(sh("echo after"))).stdout.text, "after\n")
          const { length } = yield* pool.status
          yield* until(Effect.map(proxy.connections, ({ open }) => open === length))
        })
      )
    }

    it.effect("replaces a connection that died while it was idle", () =>
      Effect.gen(function* () {
        const { pool, proxy, ssh } = yield* behindProxy(yield* OpenSshServer.OpenSshServer)
        for (const by of ["fin", "rst"] as const) {
          yield* proxy.cut(by)
          yield* Effect.sleep("50 millis")
          assert.strictEqual((yield* ssh.exec(sh("echo back"))).stdout.text, "back\n")
        }
        assert.strictEqual((yield* pool.status).length, 1)
      })
    )

    it.effect("replaces a connection whose other side is gone without a word", () =>
      Effect.gen(function* () {
        const { pool, proxy, ssh } = yield* behindProxy(yield* OpenSshServer.OpenSshServer, {
          ssh: ["ServerAliveInterval=1", "ServerAliveCountMax=1"]
        })
        const first = ssh.connection
        const running = yield* Effect.forkChild(Effect.flip(ssh.exec(sh("echo begun; sleep 30"))))
        yield* Effect.sleep("500 millis")
        yield* proxy.set("both", { swallow: true })
        const { ms, value } = yield* timed(soon(Fiber.join(running)))
        const reason = reasonOf(value, "ConnectionLost", { isRetryable: false, outcome: "may-have-run" })
        assert.strictEqual(reason.stdout.text, "begun\n")
        assert.isBelow(ms, 2500)
        yield* proxy.heal
        assert.strictEqual((yield* soon(ssh.exec(sh("echo back")))).stdout.text, "back\n")
        assert.notStrictEqual(ssh.connection, first)
        assert.strictEqual((yield* pool.status).length, 1)
      })
    )

    it.effect("never calls a slow link dead that is busy with what goes out, though nothing comes back", () =>
      Effect.gen(function* () {
        const { proxy, ssh } = yield* behindProxy(yield* OpenSshServer.OpenSshServer, {
          ssh: ["ServerAliveInterval=1", "ServerAliveCountMax=1"]
        })
        const before = ssh.connection
        yield* proxy.set("toServer", { bytesPerSecond: 200_000 })
        const input = new Uint8Array(600_000)
        const { stdout } = yield* soon(ssh.exec(sh("sleep 3.2; wc -c"), { stdin: input }), 20_000)
        assert.strictEqual(stdout.text.trim(), "600000")
        assert.strictEqual(ssh.connection, before)
      })
    )

    it.effect("stands by a machine that it has reached before, and not by one that was never there", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const { proxy, ssh } = yield* behindProxy(server, { pool: { retryFor: "5 seconds" } })
        yield* proxy.welcome("refuse")
        yield* proxy.cut("rst")
        const running = yield* Effect.forkChild(ssh.exec(sh("echo back")))
        yield* Effect.sleep("700 millis")
        yield* proxy.welcome("forward")
        assert.strictEqual((yield* soon(Fiber.join(running))).stdout.text, "back\n")

        yield* proxy.welcome("refuse")
        const { ms, value } = yield* timed(
          Effect.flip(Effect.flatMap(SshPool.make(), (pool) => pool.client(lineFor(server, [], proxy.port), trusting)))
        )
        reasonOf(value, "ConnectionRefused", { isRetryable: true })
        assert.isBelow(ms, 1000)
      })
    )

    it.effect("gives up on a machine that stays away", () =>
      Effect.gen(function* () {
        const { proxy, ssh } = yield* behindProxy(yield* OpenSshServer.OpenSshServer, {
          pool: { retryFor: "600 millis" }
        })
        yield* proxy.welcome("refuse")
        yield* proxy.cut("rst")
        const { ms, value } = yield* timed(Effect.flip(soon(ssh.exec(sh("true")))))
        reasonOf(value, "ConnectionRefused", { isRetryable: true })
        assert.isAtLeast(ms, 500)
      })
    )

    it.effect("fails those who wait when it is closed, and whoever comes later", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const marker = Leaks.marker()
        const ssh = yield* Effect.gen(function* () {
          const { ssh } = yield* pooled(lineFor(server), { maxConnections: 1 })
          yield* Effect.forEach(Array.from({ length: 11 }), () =>
            Effect.forkChild(Effect.result(ssh.exec(sh(`sleep 600; : ${marker}`))))
          )
          yield* Leaks.awaitProcesses(marker, 9)
          return ssh
        }).pipe(Effect.scoped)
        const error = yield* soon(Effect.flip(ssh.exec(sh("true"))))
        reasonOf(error, "ConnectionLost", { isRetryable: true })
        assert.include(error.message, "the pool was closed")
      })
    )
  })

  it.layer(services, { excludeTestServices: true })((it) => {
    it.effect("goes on under load while sshd is restarted, and runs nothing twice", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make()
        const { pool, ssh } = yield* pooled(lineFor(server))
        const load = yield* Effect.forkChild(tracing(ssh, `${server.tempDir}/restart`, 200, 10))
        for (let round = 0; round < 2; round++) {
          yield* Effect.sleep("300 millis")
          yield* server.restart
        }
        const outcomes = yield* soon(Fiber.join(load), 25_000)
        assert.includeMembers(outcomes, ["finished", "may-have-run"])
        assert.notInclude(outcomes, "did-not-run")
        yield* until(isEmpty(pool))
      })
    )

    it.effect("comes back until a server with MaxStartups lets it in", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make({ config: ["MaxStartups 3:60:6", "LoginGraceTime 20"] })
        // Those who log in and never do are in everybody's way.
        const idlers = yield* Effect.forEach(Array.from({ length: 6 }), () =>
          Effect.acquireRelease(
            Effect.sync(() =>
              Net.connect(server.port, server.host)
                .on("error", () => {})
                .resume()
            ),
            (socket) => Effect.sync(() => socket.destroy())
          )
        )
        yield* Effect.sleep("300 millis")
        const pools = yield* Effect.forEach(Array.from({ length: 12 }), () => SshPool.make())
        const logins = yield* Effect.forkChild(
          Effect.forEach(
            pools,
            (pool) => Effect.flatMap(pool.client(lineFor(server), trusting), (ssh) => ssh.exec(sh("echo in"))),
            { concurrency: "unbounded" }
          )
        )
        yield* Effect.sleep("500 millis")
        assert.match(yield* server.log, /MaxStartups/)
        for (const socket of idlers) socket.destroy()
        const results = yield* soon(Fiber.join(logins), 25_000)
        assert.deepStrictEqual(
          results.map(({ stdout }) => stdout.text),
          results.map(() => "in\n")
        )
      })
    )
  })
})

describe("SshPool", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    it.effect("does not knock again and again where there is no SSH server", () =>
      Effect.gen(function* () {
        let knocks = 0
        const web = yield* listener((socket) => {
          knocks += 1
          socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")
        })
        const pool = yield* SshPool.make()
        const error = yield* Effect.flip(pool.client(`ssh -F none -p ${web.port} nobody@127.0.0.1`, trusting))
        assert.strictEqual(error.reason._tag, "NotSsh")
        assert.instanceOf(error, SshError.SshError)
        assert.strictEqual(knocks, 1)
      })
    )
  })
})
