import { assert, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Layer, type PlatformError, Scope, Stream } from "effect"
import { ChildProcess, type ChildProcessSpawner } from "effect/process"
import { existsSync } from "node:fs"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import type * as SshClient from "@toehold/ssh-core/SshClient"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import * as SshError from "@toehold/ssh-core/SshError"
import * as SshProcess from "@toehold/ssh-core/SshProcess"
import { connectTo, reasonOf } from "./support/failing.ts"
import { connect, optionsFor, services } from "./support/machine.ts"

const sh = (script: string, options: ChildProcess.CommandOptions = {}) =>
  ChildProcess.make("/bin/sh", ["-c", script], options)

/** The typed error that an error of Effect's was made of. */
const causeOf = ({ reason }: PlatformError.PlatformError): SshError.SshError =>
  reason.cause instanceof SshError.SshError ? reason.cause : assert.fail(`not an SshError: ${String(reason.cause)}`)

const behindProxy = Effect.fnUntraced(function* (options: Partial<SshClient.Options> = {}) {
  const server = yield* OpenSshServer.OpenSshServer
  const proxy = yield* FaultProxy.make({ target: server })
  const ssh = yield* connectTo({ ...optionsFor(server, options), port: proxy.port })
  return { proxy, ssh, processes: SshProcess.fromClient(ssh) }
})

const spawned = (processes: ChildProcessSpawner.ChildProcessSpawner["Service"], command: ChildProcess.Command) =>
  processes.spawn(command)

describeWith(["sshd"], "SshProcess on a bad network", () => {
  it.layer(OpenSshServer.layer().pipe(Layer.provideMerge(services)), { excludeTestServices: true })((it) => {
    it.effect("fails everything of a process whose connection is lost, with what came before", () =>
      Effect.gen(function* () {
        const { processes, proxy } = yield* behindProxy()
        const command = sh("echo before; cat >&2; exec sleep 600", { stdin: { stream: "pipe", endOnDone: false } })
        const handle = yield* spawned(processes, command)
        const seen: Array<string> = []
        const reading = yield* Effect.forkChild(
          Effect.flip(Stream.runForEach(Stream.decodeText(handle.stdout), (text) => Effect.sync(() => seen.push(text))))
        )
        const waiting = yield* Effect.forkChild(Effect.flip(handle.exitCode))
        while (seen.length === 0) yield* Effect.sleep("10 millis")
        yield* proxy.cut("rst")
        const lost = { isRetryable: false, outcome: "may-have-run" } as const
        reasonOf(causeOf(yield* Fiber.join(waiting)), "ConnectionLost", lost)
        reasonOf(causeOf(yield* Fiber.join(reading)), "ConnectionLost", lost)
        assert.deepStrictEqual(seen, ["before\n"])
        const written = yield* Effect.flip(Stream.run(Stream.make(new Uint8Array(1)), handle.stdin))
        reasonOf(causeOf(written), "InputClosed", lost)
        reasonOf(causeOf(yield* Effect.flip(handle.kill())), "SignalFailed", lost)
        assert.isFalse(yield* handle.isRunning)
        const next = yield* Effect.flip(spawned(processes, sh("true")))
        reasonOf(causeOf(next), "ConnectionLost", { isRetryable: true })
      })
    )

    it.effect("starts a process in one round trip, and ends one in none", () =>
      Effect.gen(function* () {
        const { processes, proxy } = yield* behindProxy({ spareSessions: 3 })
        yield* processes.string(sh("true"))
        yield* proxy.setRoundTrip("300 millis")
        yield* Effect.sleep("1500 millis")
        const start = yield* Clock.currentTimeMillis
        assert.strictEqual(yield* processes.string(sh("echo warm")), "warm\n")
        const ms = (yield* Clock.currentTimeMillis) - start
        assert.isAtLeast(ms, 295)
        assert.isBelow(ms, 570)
      })
    )

    it.effect("says what can't be started, by the typed error as well", () =>
      Effect.gen(function* () {
        const ssh = yield* connect(yield* OpenSshServer.OpenSshServer)
        const processes = SshProcess.fromClient(ssh)
        const fails = (command: ChildProcess.Command) => Effect.flip(Effect.scoped(spawned(processes, command)))
        const program = yield* fails(ChildProcess.make("no-such-program", ["a b"]))
        assert.strictEqual(reasonOf(causeOf(program), "NotFound", { isRetryable: false }).path, "no-such-program")
        assert.include(program.message, "no-such-program 'a b'")
        const folder = yield* fails(sh("true", { cwd: "/etc/passwd" }))
        assert.strictEqual(folder.reason._tag, "BadResource")
        reasonOf(causeOf(folder), "FileFailed", { isRetryable: false })
        for (const [options, words] of [
          [{ stdout: "inherit" }, /another machine/],
          [{ additionalFds: { fd10: { type: "output" } } }, /fd9/],
          [{ additionalFds: { fd3: { type: "duplex" } } }, /both directions/],
          [{ env: { "a-b": "c" } }, /"a-b"/]
        ] as const) {
          const error = yield* fails(sh("true", options))
          assert.strictEqual(error.reason._tag, "BadArgument")
          assert.match(error.message, words)
        }
        const killed = yield* Effect.scoped(
          Effect.flatMap(spawned(processes, sh("exec sleep 600")), (handle) =>
            Effect.flip(handle.kill({ killSignal: "SIGINFO" }))
          )
        )
        reasonOf(causeOf(killed), "SignalFailed", { isRetryable: false, outcome: "may-have-run" })
      })
    )

    it.effect("leaves no named pipe, not even of a process that never got its other ends", () =>
      Effect.gen(function* () {
        const ssh = yield* connect(yield* OpenSshServer.OpenSshServer)
        const dir = `/tmp/toehold-test-${process.pid}`
        yield* Effect.scoped(
          Effect.gen(function* () {
            const fifos = [{ fd: 3, direction: "write", path: `${dir}/3` }] as const
            yield* ssh.spawn(SshCommand.shell("echo never"), { fifos })
            assert.isTrue(existsSync(dir))
          })
        )
        while (existsSync(dir)) yield* Effect.sleep("20 millis")
      })
    )

    it.effect("says that nothing ran when the connection ends before a session is free", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const scope = yield* Scope.make()
        const ssh = yield* Scope.provide(connect(server, { maxSessions: 2, spareSessions: 0 }), scope)
        yield* ssh.start(SshCommand.shell("exec sleep 600"))
        const waiting = yield* Effect.forkChild(Effect.flip(ssh.exec(SshCommand.argv(["true"]))))
        yield* Effect.sleep("200 millis")
        yield* Scope.close(scope, Exit.void)
        const error = yield* Effect.timeout(Fiber.join(waiting), "5 seconds")
        reasonOf(error, "ConnectionLost", { isRetryable: true, outcome: "did-not-run" })
      })
    )

    it.effect("says that nothing ran when the time is up before a session is free", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        // One of the two is the keeper's.
        const ssh = yield* connect(server, { maxSessions: 2, spareSessions: 0 })
        const running = yield* ssh.start(SshCommand.shell("exec sleep 600"))
        const trace = `${server.tempDir}/never`
        const error = yield* Effect.flip(ssh.exec(SshCommand.argv(["touch", trace]), { timeout: "300 millis" }))
        const reason = reasonOf(error, "CommandTimeout", { isRetryable: true, outcome: "did-not-run" })
        assert.include(reason.message, "had not begun")
        yield* running.kill()
        assert.strictEqual((yield* ssh.exec(SshCommand.argv(["true"]))).exitCode, 0)
        assert.isFalse(existsSync(trace))
      })
    )
  })
})
