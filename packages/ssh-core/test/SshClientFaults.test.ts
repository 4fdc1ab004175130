import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, FileSystem, Layer, Scope } from "effect"
import { randomBytes } from "node:crypto"
import * as Fs from "node:fs"
import * as HostKeys from "@toehold/ssh-core/HostKeys"
import * as SshClient from "@toehold/ssh-core/SshClient"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import * as SshError from "@toehold/ssh-core/SshError"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import * as InProcessServer from "@toehold/lab/InProcessServer"
import * as Leaks from "@toehold/lab/Leaks"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import type { SshServer } from "@toehold/lab/SshServer"
import { connectTo, failure, reasonOf } from "./support/failing.ts"
import { optionsFor, services } from "./support/machine.ts"

const sh = SshCommand.shell

/** A server behind a proxy, and the way to it. */
const behindProxy = Effect.fnUntraced(function* (server: SshServer, faults: Omit<FaultProxy.Options, "target"> = {}) {
  const proxy = yield* FaultProxy.make({ target: server, ...faults })
  const options = (more: Partial<SshClient.Options> = {}): SshClient.Options => ({
    ...optionsFor(server, { keepalive: { interval: "100 millis", countMax: 5 }, ...more }),
    port: proxy.port
  })
  return { proxy, options }
})

/** Milliseconds that an effect takes, with its result. */
const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const start = yield* Clock.currentTimeMillis
    const value = yield* effect
    return { value, ms: (yield* Clock.currentTimeMillis) - start }
  })

const soon = <A, E, R>(effect: Effect.Effect<A, E, R>, within = 5000) =>
  effect.pipe(
    Effect.timeoutOrElse({
      duration: within,
      orElse: () => Effect.sync(() => assert.fail(`nothing within ${within} ms`))
    })
  )

const until = (condition: Effect.Effect<boolean>) =>
  soon(
    Effect.gen(function* () {
      while (!(yield* condition)) yield* Effect.sleep("5 millis")
    })
  )

const openAt = (server: InProcessServer.InProcessServer["Service"]) =>
  Effect.map(server.connections, ({ open }) => open)

const spread = (total: number, count: number, shift: number): ReadonlyArray<number> =>
  Array.from({ length: count }, (_, index) => Math.floor(((index + shift) * total) / count))

describeWith(["sshd"], "SshClient on a bad network", () => {
  it.layer(OpenSshServer.layer().pipe(Layer.provideMerge(services)), { excludeTestServices: true })((it) => {
    /** One connection and one command that leaves a trace: how it ended, and how often the command ran. */
    const attempt = Effect.fnUntraced(function* (
      id: string,
      faults: Pick<FaultProxy.Options, "toServer" | "toClient">,
      spareSessions: number
    ) {
      const server = yield* OpenSshServer.OpenSshServer
      const trace = `${server.tempDir}/trace-${id}`
      const command = sh(`echo ${id} >>${trace}; head -c 3000 /dev/zero | tr '\\0' x; echo end-${id} >&2`)
      const { options } = yield* behindProxy(server, faults)
      const result = yield* Effect.gen(function* () {
        const ssh = yield* connectTo(options({ spareSessions, connectTimeout: "2 seconds" }))
        // What becomes of this one is not looked at.
        if (spareSessions > 0) yield* Effect.ignore(ssh.exec(sh(":")))
        return yield* ssh.exec(command, { timeout: "3 seconds", killGrace: "100 millis" })
      }).pipe(Effect.scoped, Effect.result, (effect) => soon(effect, 10_000))
      const runs = Effect.sync(() =>
        Fs.existsSync(trace) ? Fs.readFileSync(trace, "utf8").trim().split("\n").length : 0
      )
      if (result._tag === "Failure") {
        const { outcome, reason } = result.failure
        assert.isAtMost(yield* runs, outcome === "did-not-run" ? 0 : 1, id)
        return { id, end: reason._tag, outcome, runs }
      }
      const { exitCode, stderr, stdout } = result.success
      assert.deepStrictEqual([exitCode, stdout.text, stderr.text], [0, "x".repeat(3000), `end-${id}\n`], id)
      return { id, end: "success", outcome: "finished", runs }
    }, Effect.scoped)

    /** What must still hold when everything that might run has had the time to. */
    const neverTwice = Effect.fnUntraced(function* (
      attempts: ReadonlyArray<Effect.Success<ReturnType<typeof attempt>>>
    ) {
      yield* Effect.sleep("300 millis")
      for (const { id, outcome, runs } of attempts) {
        const count = yield* runs
        if (outcome === "finished") assert.strictEqual(count, 1, id)
        else assert.isAtMost(count, outcome === "did-not-run" ? 0 : 1, id)
      }
      return attempts.map(({ end }) => end)
    })

    /** How many bytes an undisturbed attempt takes each way. */
    const wholeRun = Effect.gen(function* () {
      const server = yield* OpenSshServer.OpenSshServer
      const { options, proxy } = yield* behindProxy(server)
      const ssh = yield* connectTo(options())
      yield* ssh.exec(sh("head -c 3000 /dev/zero"))
      return yield* proxy.bytes
    }).pipe(Effect.scoped)

    for (const direction of ["toClient", "toServer"] as const) {
      it.effect(`ends in a typed error wherever the connection is cut, ${direction}`, () =>
        Effect.gen(function* () {
          const total = (yield* wholeRun)[direction]
          const cases = (["fin", "rst"] as const).flatMap((by) =>
            spread(total * 1.2, 30, by === "fin" ? 0 : 0.5).map((bytes, index) => ({ by, bytes, spares: index % 2 }))
          )
          const attempts = yield* Effect.forEach(
            cases,
            ({ by, bytes, spares }) =>
              attempt(`cut-${direction}-${by}-${bytes}`, { [direction]: { cutAfter: { bytes, by } } }, spares),
            { concurrency: 4 }
          )
          // The places were spread well: before, in and after the command.
          assert.includeMembers(yield* neverTwice(attempts), ["ConnectionClosed", "ConnectionLost", "success"])
        })
      )

      it.effect(`ends in a typed error or rightly wherever a byte is corrupted, ${direction}`, () =>
        Effect.gen(function* () {
          const total = (yield* wholeRun)[direction]
          const attempts = yield* Effect.forEach(
            spread(total, 24, 0.3),
            (corruptAt, index) => attempt(`bad-${direction}-${corruptAt}`, { [direction]: { corruptAt } }, index % 2),
            { concurrency: 4 }
          )
          const ends = yield* neverTwice(attempts)
          assert.isAbove(ends.filter((end) => end !== "success").length, 12, ends.join())
        })
      )
    }

    it.effect("notices on an idle connection that the other side is gone", () =>
      Effect.gen(function* () {
        const { options, proxy } = yield* behindProxy(yield* OpenSshServer.OpenSshServer)
        const ssh = yield* connectTo(options())
        yield* Effect.sleep("300 millis")
        yield* proxy.set("both", { swallow: true })
        const { ms, value } = yield* timed(soon(ssh.closed, 2000))
        assert.include(value, "nothing was received")
        assert.isAtLeast(ms, 350)
        const error = yield* Effect.flip(ssh.exec(sh("true")))
        reasonOf(error, "ConnectionLost", { isRetryable: true })
      })
    )

    it.effect("notices during a command that the other side is gone, and keeps what was printed", () =>
      Effect.gen(function* () {
        const { options, proxy } = yield* behindProxy(yield* OpenSshServer.OpenSshServer)
        const ssh = yield* connectTo(options())
        const running = yield* Effect.forkChild(Effect.flip(ssh.exec(sh("echo begun; sleep 5"))))
        yield* Effect.sleep("400 millis")
        yield* proxy.set("both", { swallow: true })
        const error = yield* soon(Fiber.join(running), 3000)
        const reason = reasonOf(error, "ConnectionLost", { isRetryable: false, outcome: "may-have-run" })
        assert.strictEqual(reason.stdout.text, "begun\n")
      })
    )

    it.effect("keeps the time limit of a command where no answer comes and nobody looks for dead connections", () =>
      Effect.gen(function* () {
        const { options, proxy } = yield* behindProxy(yield* OpenSshServer.OpenSshServer)
        const ssh = yield* connectTo(options({ keepalive: false }))
        yield* proxy.set("both", { swallow: true })
        const exec = ssh.exec(sh("true"), { timeout: "200 millis", killGrace: "50 millis" })
        const error = yield* soon(Effect.flip(exec), 3000)
        reasonOf(error, "CommandTimeout", { isRetryable: true, outcome: "did-not-run" })
      })
    )

    it.effect("never calls a slow link dead while data comes", () =>
      Effect.gen(function* () {
        const { options, proxy } = yield* behindProxy(yield* OpenSshServer.OpenSshServer)
        const ssh = yield* connectTo(options({ keepalive: { interval: "100 millis", countMax: 2 } }))
        yield* proxy.set("toClient", { bytesPerSecond: 20_000 })
        const { ms, value } = yield* timed(ssh.exec(sh("head -c 40000 /dev/zero")))
        assert.strictEqual(value.stdout.totalBytes, 40_000)
        assert.isAbove(ms, 1000)
      })
    )

    it.effect("works where bytes come one by one", () =>
      Effect.gen(function* () {
        const one = { chunkSize: 1 }
        const server = yield* OpenSshServer.OpenSshServer
        const { options } = yield* behindProxy(server, { toServer: one, toClient: one })
        const ssh = yield* connectTo(options({ spareSessions: 1 }))
        for (const word of ["first", "second"]) {
          assert.strictEqual((yield* ssh.exec(sh(`echo ${word}`))).stdout.text, `${word}\n`)
        }
      })
    )

    it.effect("keeps every byte where they come in odd pieces", () =>
      Effect.gen(function* () {
        const { options, proxy } = yield* behindProxy(yield* OpenSshServer.OpenSshServer)
        const bytes = new Uint8Array(randomBytes(300_000))
        for (const cipher of ["aes128-gcm@openssh.com", "aes256-ctr", "chacha20-poly1305@openssh.com"]) {
          const algorithms = { ciphers: { mode: "replace", names: [cipher] } } as const
          const ssh = yield* connectTo(options({ algorithms }))
          assert.strictEqual(ssh.connection.algorithms.cipher[0], cipher)
          for (const chunkSize of [331, 1021, 16_381]) {
            yield* proxy.set("both", { chunkSize })
            const { stdout } = yield* ssh.exec(SshCommand.argv(["cat"]), { stdin: bytes })
            assert.isTrue(Buffer.from(stdout.bytes).equals(bytes), `${cipher} in pieces of ${chunkSize}`)
          }
        }
      })
    )

    it.effect("runs a warm command in one round trip", () =>
      Effect.gen(function* () {
        const { options, proxy } = yield* behindProxy(yield* OpenSshServer.OpenSshServer)
        const ssh = yield* connectTo(options({ spareSessions: 2 }))
        yield* proxy.setRoundTrip("300 millis")
        yield* ssh.exec(sh("true"))
        yield* Effect.sleep("900 millis")
        const { ms, value } = yield* timed(ssh.exec(sh("echo warm")))
        assert.strictEqual(value.stdout.text, "warm\n")
        assert.isAtLeast(ms, 295)
        assert.isBelow(ms, 550)
      })
    )

    it.effect("kills a command that is interrupted before the server has answered its request", () =>
      Effect.gen(function* () {
        const { options, proxy } = yield* behindProxy(yield* OpenSshServer.OpenSshServer)
        for (const spareSessions of [0, 1]) {
          const ssh = yield* connectTo(options({ spareSessions, keepalive: false }))
          yield* ssh.exec(sh("sleep 0.3"))
          const marker = Leaks.marker()
          yield* proxy.set("toClient", { delay: "400 millis" })
          const running = yield* Effect.forkChild(ssh.exec(sh(`trap '' PIPE; sleep 600; : ${marker}`)))
          yield* Effect.sleep("600 millis")
          yield* Fiber.interrupt(running)
          yield* soon(Leaks.awaitProcesses(marker, 0))
          yield* proxy.heal
          yield* Effect.sleep("500 millis")
          assert.deepStrictEqual(yield* Leaks.processes(marker), [])
          assert.strictEqual((yield* ssh.exec(sh("echo still here"))).stdout.text, "still here\n")
        }
      })
    )
  })

  it.layer(services, { excludeTestServices: true })((it) => {
    it.effect("loses a command with its server, and reaches the server that comes after", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make()
        for (const kill of [server.endSessions, server.restart]) {
          const ssh = yield* connectTo(optionsFor(server))
          const running = yield* Effect.forkChild(Effect.flip(ssh.exec(sh("echo begun; sleep 60"))))
          yield* Effect.sleep("300 millis")
          yield* kill
          const error = yield* soon(Fiber.join(running))
          const reason = reasonOf(error, "ConnectionLost", { isRetryable: false, outcome: "may-have-run" })
          assert.strictEqual(reason.stdout.text, "begun\n")
          yield* soon(ssh.closed)
          const next = yield* connectTo(optionsFor(server))
          assert.strictEqual((yield* next.exec(sh("echo back"))).stdout.text, "back\n")
        }
      })
    )
  })
})

describe("SshClient's connections", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    it.effect("are closed with their scope", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make()
        const scope = yield* Scope.fork(yield* Effect.scope)
        const ssh = yield* connectTo(optionsFor(server, { spareSessions: 3 })).pipe(Scope.provide(scope))
        yield* ssh.exec(sh("true"))
        assert.strictEqual(yield* openAt(server), 1)
        yield* Scope.close(scope, Exit.void)
        yield* until(Effect.map(openAt(server), (open) => open === 0))
        yield* soon(ssh.closed)
      })
    )

    it.effect("are closed when connecting fails, while the caller's scope goes on", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make()
        yield* Effect.flip(connectTo(optionsFor(server, { identities: [] })))
        yield* until(Effect.map(openAt(server), (open) => open === 0))
        yield* server.setFault({ at: "auth", by: "silence" })
        yield* Effect.flip(connectTo(optionsFor(server, { connectTimeout: "200 millis" })))
        yield* until(Effect.map(openAt(server), (open) => open === 0))
      })
    )

    it.effect("are closed when connecting is interrupted, at any stage", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make()
        const interrupted = Effect.fnUntraced(function* (connecting: Effect.Effect<unknown, SshError.SshError>) {
          const fiber = yield* Effect.forkChild(connecting)
          yield* until(Effect.map(openAt(server), (open) => open === 1))
          yield* Effect.sleep("80 millis")
          yield* soon(Fiber.interrupt(fiber), 500)
          yield* until(Effect.map(openAt(server), (open) => open === 0))
        })
        const context = yield* Effect.context<Layer.Success<typeof services>>()
        const connecting = Effect.scoped(connectTo(optionsFor(server))).pipe(Effect.provideContext(context))
        for (const at of ["connect", "ident", "kex", "auth"] as const) {
          yield* server.setFault({ at, by: "silence" })
          yield* interrupted(connecting)
        }
        yield* server.setFault(undefined)
        const service = yield* HostKeys.make({ policy: "off" })
        yield* interrupted(
          SshClient.make(optionsFor(server)).pipe(
            Effect.provideService(HostKeys.HostKeys, { ...service, verify: () => Effect.never }),
            Effect.scoped,
            Effect.provideContext(context)
          )
        )
      })
    )

    it.effect("are known to be over when they end during the last event", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make()
        const { options, proxy } = yield* behindProxy(server)
        const ssh = yield* connectTo(
          options({
            keepalive: false,
            onEvent: (event) =>
              event._tag === "StageDone" && event.stage === "auth"
                ? Effect.andThen(proxy.cut("rst"), Effect.sleep("50 millis"))
                : Effect.void
          })
        )
        yield* soon(ssh.closed, 1000)
        reasonOf(yield* Effect.flip(ssh.exec(sh("true"))), "ConnectionLost", { isRetryable: true })
      })
    )

    it.effect("take only so much from a machine that floods a session in which nothing runs yet", () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const folder = yield* fs.makeTempDirectoryScoped()
        const shell = `${folder}/flooding`
        // The first sessions are the command's and the keeper's.
        const count = `echo >>${folder}/sessions; [ "$(wc -l <${folder}/sessions)" -gt 2 ]`
        const script = `#!/bin/sh\nif ${count}; then yes & fi\nexec /bin/sh -c "$2"\n`
        yield* fs.writeFileString(shell, script, { mode: 0o755 })
        const server = yield* InProcessServer.make({ shell: shell as `/${string}` }) // a temporary folder is absolute
        const { options, proxy } = yield* behindProxy(server)
        const ssh = yield* connectTo(options({ spareSessions: 1 }))
        assert.strictEqual((yield* ssh.exec(sh("echo before"))).stdout.text, "before\n")
        yield* Effect.sleep("700 millis")
        assert.isBelow((yield* proxy.bytes).toClient, 8 * 1024 * 1024)
        assert.isAbove((yield* proxy.bytes).toClient, 1024 * 1024)
      })
    )

    it.effect("take no more than the time limit, through another machine as well", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make()
        const via = { ...(yield* connectTo(optionsFor(server))), dial: () => Effect.never }
        const error = yield* soon(failure(optionsFor(server, { via, connectTimeout: "200 millis" })), 1000)
        assert.strictEqual(reasonOf(error, "ConnectTimeout", { isRetryable: true }).stage, "tcp")
      })
    )
  })
})
