import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, FileSystem, Layer, Stream } from "effect"
import { ChildProcess as ProcessCommand } from "effect/process"
import * as ChildProcess from "node:child_process"
import * as OpenSsh from "@toehold/ssh-core/OpenSsh"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import * as SshProcess from "@toehold/ssh-core/SshProcess"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import * as KeyPair from "@toehold/lab/KeyPair"
import * as Leaks from "@toehold/lab/Leaks"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import { knownHostsLine } from "@toehold/lab/SshServer"
import { listener, reasonOf, unansweredPort } from "./support/failing.ts"
import { services } from "./support/machine.ts"
import { connect, running } from "./support/openSsh.ts"

const sh = SshCommand.shell

const failure = (...args: Parameters<typeof connect>) => Effect.flip(Effect.scoped(connect(...args)))

const soon = <A, E, R>(effect: Effect.Effect<A, E, R>, within = 15_000) =>
  Effect.timeoutOrElse(effect, {
    duration: within,
    orElse: () => Effect.sync(() => assert.fail(`nothing within ${within} ms`))
  })

/** A dead connection is found within about a second. */
const watchful = { sshOptions: ["ServerAliveInterval=1", "ServerAliveCountMax=1"] }

describeWith(["ssh", "sshd"], "OpenSsh where something is wrong", () => {
  it.layer(Layer.provideMerge(OpenSshServer.layer(), services), { excludeTestServices: true })((it) => {
    const behindProxy = Effect.gen(function* () {
      const server = yield* OpenSshServer.OpenSshServer
      const proxy = yield* FaultProxy.make({ target: server })
      const lines = server.hostKeys.map((key) => `${knownHostsLine(proxy.host, proxy.port, key)}\n`)
      const knownHostsFile = `${server.tempDir}/known-${proxy.port}`
      yield* (yield* FileSystem.FileSystem).writeFileString(knownHostsFile, lines.join(""))
      return { proxy, connected: connect({ ...server, port: proxy.port }, { ...watchful, knownHostsFile }) }
    })

    it.effect("tells what is in the way of a connection", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const closed = yield* Effect.scoped(listener(() => undefined))
        const refused = reasonOf(yield* failure({ ...server, port: closed.port }), "ConnectionRefused", {
          isRetryable: true
        })
        assert.deepInclude(refused, { host: server.host, port: closed.port })
        const unknown = yield* failure({ ...server, host: "no-such-host.invalid" })
        assert.strictEqual(unknown.reason._tag, "DnsFailed")
        const web = yield* listener((socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"))
        reasonOf(yield* failure({ ...server, port: web.port }), "NotSsh", { isRetryable: false })
        const rude = yield* listener((socket) => void socket.destroy())
        const turnedAway = yield* failure({ ...server, port: rude.port })
        assert.strictEqual(reasonOf(turnedAway, "ConnectionClosed", { isRetryable: true }).stage, "banner")
        const silent = yield* listener(() => undefined)
        const waited = yield* failure({ ...server, port: silent.port }, { connectTimeout: "300 millis" })
        const timeout = reasonOf(waited, "ConnectTimeout", { isRetryable: true })
        assert.deepInclude(timeout, { stage: "banner", timeoutMs: 300 })
      }).pipe(Effect.scoped)
    )

    it.effect("tells what is wrong with the host key, with what is on file", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const fs = yield* FileSystem.FileSystem
        const file = `${server.tempDir}/other-hosts`
        const on = (lines: ReadonlyArray<string>) =>
          Effect.andThen(fs.writeFileString(file, `${lines.join("\n")}\n`), failure(server, { knownHostsFile: file }))
        const shown = server.hostKeys.map(({ fingerprint }) => fingerprint)

        const unknown = reasonOf(yield* on(["# none"]), "HostKeyUnknown", { isRetryable: false })
        assert.include(shown, unknown.fingerprint)
        assert.deepInclude(unknown, { host: server.host, port: server.port, files: [file], certAuthority: false })

        const stranger = yield* KeyPair.generate()
        const wrong = knownHostsLine(server.host, server.port, stranger)
        const changed = reasonOf(yield* on(["# first", wrong]), "HostKeyChanged", { isRetryable: false })
        assert.deepStrictEqual(changed.known, [
          { keyType: "ssh-ed25519", fingerprint: stranger.fingerprint, file, line: 2 }
        ])
        const revoked = server.hostKeys.map((key) => `@revoked ${knownHostsLine(server.host, server.port, key)}`)
        const refused = reasonOf(yield* on(revoked), "HostKeyRevoked", { isRetryable: false })
        assert.deepInclude(refused, { file, line: shown.indexOf(refused.fingerprint) + 1 })
        const anyKey = yield* Effect.flip(
          Effect.scoped(connect(server, { knownHostsFile: file, hostKeyPolicy: "off" }))
        )
        assert.strictEqual(anyKey.reason._tag, "HostKeyRevoked")
      })
    )

    it.effect("takes any host key where nobody looks, and writes a new one where that is asked for", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const fs = yield* FileSystem.FileSystem
        const file = `${server.tempDir}/a folder %h/new hosts`
        yield* fs.makeDirectory(`${server.tempDir}/a folder %h`)
        const wrong = knownHostsLine(server.host, server.port, yield* KeyPair.generate())
        yield* fs.writeFileString(file, `${wrong}\n`)
        yield* Effect.scoped(connect(server, { knownHostsFile: file, hostKeyPolicy: "off" }))
        assert.strictEqual(yield* fs.readFileString(file), `${wrong}\n`)
        yield* fs.remove(file)
        yield* Effect.scoped(connect(server, { knownHostsFile: file, hostKeyPolicy: "accept-new" }))
        assert.include(yield* fs.readFileString(file), `[${server.host}]:${server.port} `)
        yield* Effect.scoped(connect(server, { knownHostsFile: file, hostKeyPolicy: "strict" }))
      })
    )

    it.effect("tells why nobody was let in, key by key", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const fs = yield* FileSystem.FileSystem
        const key = yield* KeyPair.generate()
        const privateKeyPath = `${server.tempDir}/stranger`
        yield* fs.writeFileString(privateKeyPath, key.privateKey, { mode: 0o600 })
        const rejected = reasonOf(yield* failure({ ...server, privateKeyPath }), "AuthRejected", { isRetryable: false })
        assert.deepInclude(rejected, { host: server.host, user: server.user, serverOffers: ["publickey"] })
        assert.deepStrictEqual(
          rejected.attempts.map(({ fingerprint, result, source }) => [source, fingerprint, result]),
          [[privateKeyPath, key.fingerprint, "rejected"]]
        )
        yield* fs.writeFileString(privateKeyPath, server.key.privateKey)
        yield* fs.chmod(privateKeyPath, 0o644)
        const exposed = reasonOf(yield* failure({ ...server, privateKeyPath }), "AuthRejected", { isRetryable: false })
        assert.deepInclude(exposed.attempts[0], {
          source: privateKeyPath,
          result: "skipped",
          detail: "bad permissions"
        })
        const missing = yield* failure({ ...server, privateKeyPath: `${privateKeyPath}-none` })
        assert.deepInclude(reasonOf(missing, "AuthRejected", { isRetryable: false }).attempts[0], { result: "skipped" })
      })
    )

    it.effect("tells what both sides have no common word for", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        for (const [option, kind] of [
          ["Ciphers=aes128-cbc", "cipher"],
          ["KexAlgorithms=diffie-hellman-group1-sha1", "kex"]
        ] as const) {
          const none = reasonOf(yield* failure(server, { sshOptions: [option] }), "NoCommonAlgorithm", {
            isRetryable: false
          })
          assert.strictEqual(none.kind, kind)
          assert.isNotEmpty(none.serverOffers)
        }
        const odd = yield* Effect.flip(Effect.scoped(OpenSsh.connect("ssh -F /no/such/file h")))
        assert.include(["NotFound", "InvalidTarget"], odd.reason._tag)
      })
    )

    it.effect("says when there is no ssh, or none that shares its connection", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const none = yield* failure(server, { program: "no-such-ssh" })
        assert.strictEqual(reasonOf(none, "InvalidArgument", { isRetryable: false }).argument, "no-such-ssh")
        const fs = yield* FileSystem.FileSystem
        const program = `${server.tempDir}/old-ssh`
        yield* fs.writeFileString(
          program,
          "#!/bin/sh\necho debug1: Entering interactive session. >&2\nexec sleep 600\n",
          {
            mode: 0o755
          }
        )
        const old = yield* failure(server, { program, connectTimeout: "500 millis" })
        assert.strictEqual(old.reason._tag, "ConnectTimeout")
      })
    )

    it.effect("reports a connection that is cut in the middle, and runs nothing twice", () =>
      Effect.gen(function* () {
        const { connected, proxy } = yield* behindProxy
        for (const by of ["fin", "rst"] as const) {
          const mark = Leaks.marker()
          const ssh = yield* connected
          const processes = SshProcess.fromClient(ssh)
          const script = `echo started; sleep 600; : ${mark}`
          const exec = yield* Effect.forkScoped(Effect.flip(ssh.exec(sh(script))))
          const spawned = yield* processes.spawn(ProcessCommand.make("/bin/sh", ["-c", script]))
          yield* Stream.runHead(spawned.stdout)
          yield* Leaks.awaitProcesses(mark, 2)
          yield* proxy.cut(by)
          const lost = reasonOf(yield* soon(Fiber.join(exec)), "ConnectionLost", {
            isRetryable: false,
            outcome: "may-have-run"
          })
          assert.notStrictEqual(lost.detail, "")
          const exit = yield* soon(Effect.exit(spawned.exitCode))
          assert.isTrue(Exit.isFailure(exit))
          assert.notStrictEqual(yield* soon(ssh.closed), "")
          const later = yield* Effect.flip(ssh.exec(sh("echo never")))
          assert.strictEqual(later.outcome, "did-not-run")
          // The machine ends what the lost connection leaves.
          yield* soon(Leaks.awaitProcesses(mark, 0))
        }
      }).pipe(Effect.scoped)
    )

    it.effect("finds out that nobody is there any more", () =>
      Effect.gen(function* () {
        const { connected, proxy } = yield* behindProxy
        const ssh = yield* connected
        const exec = yield* Effect.forkScoped(Effect.flip(ssh.exec(sh("exec sleep 600"))))
        yield* ssh.exec(sh(":"))
        yield* proxy.set("both", { swallow: true })
        const lost = reasonOf(yield* soon(Fiber.join(exec)), "ConnectionLost", {
          isRetryable: false,
          outcome: "may-have-run"
        })
        assert.match(lost.detail, /not responding/)
      }).pipe(Effect.scoped)
    )

    it.effect("gives up a connection that does not come about, and leaves nothing", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const port = yield* unansweredPort
        const error = yield* failure({ ...server, port }, { connectTimeout: "300 millis" })
        assert.strictEqual(reasonOf(error, "ConnectTimeout", { isRetryable: true }).stage, "tcp")
        assert.deepStrictEqual(yield* running(`-p ${port}`), [])
      }).pipe(Effect.scoped)
    )

    it.effect("ends its ssh when the client is killed", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const script = new URL("./fixtures/openSshClient.ts", import.meta.url).pathname
        const args = [
          script,
          server.privateKeyPath,
          server.knownHostsPath,
          String(server.port),
          server.user,
          server.host
        ]
        const child = ChildProcess.spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] })
        yield* Effect.callback<void>((resume) => {
          child.stdout.once("data", () => resume(Effect.void))
        }).pipe((begun) => soon(begun, 25_000))
        assert.lengthOf(yield* running(`${server.port}`), 1)
        child.kill("SIGKILL")
        yield* soon(
          Effect.gen(function* () {
            while ((yield* running(`${server.port}`)).length > 0) yield* Effect.sleep("20 millis")
          })
        )
      })
    )
  })
})
