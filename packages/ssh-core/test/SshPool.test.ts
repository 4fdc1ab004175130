import { assert, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, FileSystem, Layer, Scope } from "effect"
import * as SshClient from "@toehold/ssh-core/SshClient"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import * as SshPool from "@toehold/ssh-core/SshPool"
import * as DropbearServer from "@toehold/lab/DropbearServer"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import * as Leaks from "@toehold/lab/Leaks"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import { listener, reasonOf } from "./support/failing.ts"
import { services } from "./support/machine.ts"
import { lineFor, linesOf, pooled, sh, soon, timed, trusting, until } from "./support/pool.ts"

/** How many connections the pool has, and how many sessions calls hold. */
const openIn = (pool: SshPool.SshPool["Service"]) => Effect.map(pool.status, (status) => status.length)
const sessionsIn = (pool: SshPool.SshPool["Service"]) =>
  Effect.map(pool.status, (status) => status.reduce((sum, { sessions }) => sum + sessions, 0))

const echoes = (ssh: SshClient.SshClient["Service"], count: number, concurrency: number) =>
  Effect.forEach(
    Array.from({ length: count }, (_, index) => index),
    (index) => Effect.map(ssh.exec(SshCommand.argv(["echo", String(index)])), ({ stdout }) => stdout.text.trim()),
    { concurrency }
  )

const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index))

describeWith(["sshd"], "SshPool", () => {
  it.layer(OpenSshServer.layer().pipe(Layer.provideMerge(services)), { excludeTestServices: true })((it) => {
    it.effect("has one connection for all who name the same login, however they write it", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const before = yield* server.connectionCount
        const pool = yield* SshPool.make()
        const names = [lineFor(server), lineFor(server), lineFor(server).replace("ssh ", "ssh -v ")]
        const clients = yield* Effect.forEach(names, (name) => pool.client(name, trusting), { concurrency: 3 })
        for (const ssh of clients) assert.strictEqual((yield* ssh.exec(sh("echo $((6*7))"))).stdout.text, "42\n")
        assert.strictEqual(yield* openIn(pool), 1)
        assert.strictEqual(yield* server.connectionCount, before + 1)
        assert.strictEqual(clients[0]?.connection.user, server.user)
        // Another user is another login.
        const other = yield* Effect.flip(pool.client(lineFor(server).replace(`${server.user}@`, "nobody@"), trusting))
        reasonOf(other, "AuthRejected", { isRetryable: false })
      })
    )

    it.effect("logs in once for a crowd that comes at once", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const before = yield* server.connectionCount
        const pool = yield* SshPool.make()
        const results = yield* Effect.forEach(
          numbers(8),
          (word) =>
            Effect.flatMap(pool.client(lineFor(server), trusting), (ssh) => ssh.exec(SshCommand.argv(["echo", word]))),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(
          results.map(({ stdout }) => stdout.text.trim()),
          numbers(8)
        )
        assert.strictEqual(yield* server.connectionCount, before + 1)
      })
    )

    it.effect("tells everybody who waits that the login failed, and tries again for the next one only", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make({ authorizedKeys: [] })
        const stranger = yield* OpenSshServer.OpenSshServer
        const pool = yield* SshPool.make()
        const line = lineFor({ ...server, privateKeyPath: stranger.privateKeyPath })
        const login = Effect.flip(pool.client(line, trusting))
        const errors = yield* Effect.forEach(numbers(5), () => login, { concurrency: "unbounded" })
        for (const error of errors) reasonOf(error, "AuthRejected", { isRetryable: false })
        assert.strictEqual(yield* server.connectionCount, 1)
        yield* login
        assert.strictEqual(yield* server.connectionCount, 2)
        assert.strictEqual(yield* openIn(pool), 0)
      })
    )

    it.effect("gives the service that SshClient gives, as a layer", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const layer = SshPool.layerClient(lineFor(server), trusting).pipe(Layer.provide(SshPool.layer()))
        const program = SshClient.SshClient.use((ssh) =>
          Effect.gen(function* () {
            const running = yield* ssh.start(sh("echo started; exit 3"))
            yield* ssh.checkSftp
            assert.deepStrictEqual(yield* running.exit, { exitCode: 3, signal: null })
            const stream = yield* ssh.dial({ host: server.host, port: server.port })
            const [banner] = yield* Effect.promise(() => stream.take(1).toArray())
            assert.match(String(banner), /^SSH-2.0-/)
            return ssh
          })
        ).pipe(Effect.scoped, Effect.provide(layer))
        const { closed } = yield* program
        assert.strictEqual(yield* soon(closed), "the pool was closed")
      })
    )

    it.effect("opens a second connection for calls that need more sessions than one has, and closes idle ones", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const { pool, ssh } = yield* pooled(lineFor(server), { idleTimeout: "400 millis" })
        const scope = yield* Scope.fork(yield* Effect.scope)
        // Each waits for the last one, as the stages of a pipeline do.
        yield* soon(
          Effect.forEach(numbers(14), () => Scope.provide(ssh.start(sh("exec sleep 60")), scope), {
            concurrency: "unbounded"
          })
        )
        assert.strictEqual(yield* openIn(pool), 2)
        assert.strictEqual(yield* sessionsIn(pool), 14)
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual(yield* sessionsIn(pool), 0)
        yield* until(Effect.map(openIn(pool), (open) => open === 0))
        assert.strictEqual((yield* ssh.exec(sh("echo again"))).stdout.text, "again\n")
      })
    )

    it.effect("frees the session of a command that has ended, though its scope goes on", () =>
      Effect.gen(function* () {
        const { pool, ssh } = yield* pooled(lineFor(yield* OpenSshServer.OpenSshServer), { maxConnections: 1 })
        for (const word of numbers(25)) {
          const running = yield* soon(ssh.start(sh(`exit ${word}`)))
          assert.strictEqual((yield* running.exit).exitCode, Number(word))
        }
        yield* until(Effect.map(sessionsIn(pool), (sessions) => sessions === 0))
        assert.strictEqual(yield* openIn(pool), 1)
      })
    )

    it.effect("gives back what an interrupted call held or waited for", () =>
      Effect.gen(function* () {
        const { pool, ssh } = yield* pooled(lineFor(yield* OpenSshServer.OpenSshServer), { maxConnections: 1 })
        const marker = Leaks.marker()
        const crowd = yield* Effect.forEach(numbers(15), () => Effect.forkChild(ssh.exec(sh(`sleep 600; : ${marker}`))))
        yield* Leaks.awaitProcesses(marker, 9)
        yield* soon(Fiber.interruptAll(crowd), 20_000)
        assert.strictEqual(yield* sessionsIn(pool), 0)
        yield* Leaks.awaitProcesses(marker, 0)
        assert.deepStrictEqual(yield* echoes(ssh, 12, 12), numbers(12))
      })
    )

    it.effect("gives up a login that nobody waits for any more", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const silent = yield* listener((socket) => void socket.resume())
        const pool = yield* SshPool.make()
        const login = yield* Effect.forkChild(pool.client(lineFor(server, [], silent.port), trusting))
        yield* until(Effect.sync(() => silent.open() === 1))
        yield* Fiber.interrupt(login)
        yield* until(Effect.sync(() => silent.open() === 0))
      })
    )

    it.effect("goes through jump hosts that many machines share", () =>
      Effect.gen(function* () {
        const hop = yield* OpenSshServer.OpenSshServer
        const before = yield* hop.connectionCount
        const servers = yield* Effect.forEach(numbers(3), () => OpenSshServer.make())
        const scope = yield* Scope.fork(yield* Effect.scope)
        const pool = yield* Scope.provide(SshPool.make({ idleTimeout: "2 seconds" }), scope)
        const jump = `${hop.user}@${hop.host}:${hop.port}`
        // The key of a hop comes from the configuration.
        const config = `${hop.tempDir}/jump_config`
        const fs = yield* FileSystem.FileSystem
        yield* fs.writeFileString(config, `IdentityFile ${hop.privateKeyPath}\nIdentitiesOnly yes\n`)
        const clients = yield* Effect.forEach(
          servers,
          (server) =>
            pool.client(
              `ssh -F ${config} -i ${server.privateKeyPath} -J ${jump} -p ${server.port} ${server.user}@${server.host}`,
              trusting
            ),
          { concurrency: 3 }
        )
        for (const ssh of clients) assert.strictEqual((yield* ssh.exec(sh("echo far"))).stdout.text, "far\n")
        assert.strictEqual(yield* hop.connectionCount, before + 1)
        assert.strictEqual(yield* openIn(pool), 4)
        // The hop is in use for as long as a connection goes through it, and no longer.
        yield* until(Effect.map(openIn(pool), (open) => open === 0))
        assert.strictEqual((yield* clients[1]?.exec(sh("echo again")) ?? Effect.die("three clients")).exitCode, 0)
        yield* Scope.close(scope, Exit.void)
      })
    )

    it.effect("runs warm commands in one round trip, back to back", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const proxy = yield* FaultProxy.make({ target: server })
        const { ssh } = yield* pooled(lineFor(server, [], proxy.port))
        yield* proxy.setRoundTrip("200 millis")
        yield* ssh.exec(sh("true"))
        yield* Effect.sleep("700 millis")
        const { ms } = yield* timed(echoes(ssh, 5, 1))
        assert.isAtLeast(ms, 5 * 195)
        assert.isBelow(ms, 5 * 300)
      })
    )
  })
})

describeWith(["sshd"], "SshPool where sessions are short", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    it.effect("still keeps one ready, so that a command costs one round trip", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make({ config: ["MaxSessions 3"] })
        const proxy = yield* FaultProxy.make({ target: server })
        const { pool, ssh } = yield* pooled(lineFor(server, [], proxy.port))
        assert.deepStrictEqual(yield* echoes(ssh, 4, 4), numbers(4))
        yield* proxy.setRoundTrip("200 millis")
        for (let round = 0; round < 3; round++) {
          yield* Effect.sleep("900 millis")
          const { ms } = yield* timed(ssh.exec(sh("true")))
          assert.isAtLeast(ms, 195)
          if (round > 0) assert.isBelow(ms, 350)
        }
        assert.isAtMost(yield* openIn(pool), 2)
      })
    )

    it.effect("counts the wait for a session as a part of the time limit, and runs nothing after it", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make({ config: ["MaxSessions 1"] })
        const trace = `${server.tempDir}/late`
        const { ssh } = yield* pooled(lineFor(server), { maxConnections: 1 })
        const running = yield* Effect.forkChild(ssh.exec(sh("sleep 4; echo end")))
        yield* Effect.sleep("500 millis")
        const { ms, value } = yield* timed(Effect.flip(ssh.exec(sh(`echo ran >>${trace}`), { timeout: "400 millis" })))
        const reason = reasonOf(value, "CommandTimeout", { isRetryable: true, outcome: "did-not-run" })
        assert.strictEqual(reason.timeoutMs, 400)
        assert.isBelow(ms, 3000)
        // What is left after the wait is what the command has.
        const second = ssh.exec(sh("echo begun; sleep 30"), { timeout: "5 seconds" })
        const [took, error] = yield* Effect.timed(Effect.flip(second))
        const late = reasonOf(error, "CommandTimeout", { isRetryable: false, outcome: "may-have-run" })
        assert.strictEqual(late.timeoutMs, 5000)
        assert.isBelow(Duration.toMillis(took), 7500)
        assert.strictEqual((yield* Fiber.join(running)).stdout.text, "end\n")
        assert.deepStrictEqual(linesOf(trace), [])
      })
    )
  })
})

for (const [part, make] of [
  ["sshd", (sessions: number) => OpenSshServer.make({ config: [`MaxSessions ${sessions}`] })],
  ["dropbear", () => DropbearServer.make()]
] as const) {
  for (const sessions of part === "sshd" ? [1, 2, 10] : [1]) {
    describeWith([part, "private-accounts"], `SshPool to ${part} with ${sessions} sessions a connection`, () => {
      it.layer(services, { excludeTestServices: true })((it) => {
        it.effect("runs many commands at once, each once", () =>
          Effect.gen(function* () {
            const server = yield* make(sessions)
            const trace = `${server.tempDir}/trace`
            const { pool, ssh } = yield* pooled(lineFor(server), { maxConnections: 2 })
            const codes = yield* soon(
              Effect.forEach(
                numbers(40),
                (word) => Effect.map(ssh.exec(sh(`echo ${word} >>${trace}; exit ${word}`)), ({ exitCode }) => exitCode),
                { concurrency: 20 }
              ),
              25_000
            )
            assert.deepStrictEqual(codes, numbers(40).map(Number))
            assert.deepStrictEqual(
              linesOf(trace)
                .map(Number)
                .toSorted((a, b) => a - b),
              codes
            )
            assert.isAtMost(yield* openIn(pool), 2)
            yield* until(Effect.map(sessionsIn(pool), (held) => held === 0))
          })
        )

        it.effect("opens connections for a pipeline whose stages need each other", () =>
          Effect.gen(function* () {
            const server = yield* make(sessions)
            const { pool, ssh } = yield* pooled(lineFor(server))
            const stages = yield* soon(
              Effect.forEach(numbers(3), () => ssh.start(sh("exec sleep 60")), { concurrency: "unbounded" })
            )
            assert.strictEqual(stages.length, 3)
            assert.strictEqual(yield* openIn(pool), Math.ceil(3 / Math.min(3, sessions)))
          })
        )
      })
    })
  }
}
