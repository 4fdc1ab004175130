import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, FileSystem, Layer, Redacted, Ref, Stream } from "effect"
import { createHash, randomBytes } from "node:crypto"
import * as SshClient from "@toehold/ssh-core/SshClient"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import * as SshError from "@toehold/ssh-core/SshError"
import * as HostKeys from "@toehold/ssh-core/HostKeys"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import * as InProcessServer from "@toehold/lab/InProcessServer"
import * as Leaks from "@toehold/lab/Leaks"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import type { SshServer } from "@toehold/lab/SshServer"
import { connect, optionsFor, services } from "./support/machine.ts"

const server = OpenSshServer.layer({ account: { loginShell: "bash" } }).pipe(Layer.provideMerge(services))

const machine = Layer.effect(
  SshClient.SshClient,
  Effect.flatMap(OpenSshServer.OpenSshServer, (server) => connect(server))
).pipe(Layer.provideMerge(server))

/** A server as it is reached through a proxy, its host keys known there. */
const behindProxy = Effect.fnUntraced(function* (server: SshServer, proxy: FaultProxy.FaultProxy["Service"]) {
  const fs = yield* FileSystem.FileSystem
  const lines = server.knownHosts.map((known) => known.replace(`:${server.port} `, `:${proxy.port} `))
  const knownHostsPath = `${server.tempDir}/known_hosts.${proxy.port}`
  yield* fs.writeFileString(knownHostsPath, `${lines.join("\n")}\n`)
  return { ...server, port: proxy.port, knownHostsPath }
})

const sh = SshCommand.shell
const argv = SshCommand.argv

const reasonOf = (error: unknown): SshError.Reason =>
  error instanceof SshError.SshError ? error.reason : assert.fail(String(error))

describeWith(["sshd"], "SshClient", () => {
  it.layer(machine, { excludeTestServices: true })((it) => {
    it.effect("runs a command and tells its output streams and exit code apart", () =>
      Effect.gen(function* () {
        const ssh = yield* SshClient.SshClient
        const result = yield* ssh.exec(sh("echo out; echo err >&2; exit 7"))
        assert.strictEqual(result.stdout.text, "out\n")
        assert.strictEqual(result.stderr.text, "err\n")
        assert.strictEqual(result.exitCode, 7)
        assert.isNull(result.signal)
        assert.isAbove(result.durationMs, 0)
      })
    )

    it.effect("tells a signal from an exit code", () =>
      Effect.gen(function* () {
        const ssh = yield* SshClient.SshClient
        const result = yield* ssh.exec(sh("kill -KILL $$"))
        assert.strictEqual(result.signal, "SIGKILL")
        assert.isNull(result.exitCode)
      })
    )

    it.effect("keeps every byte of binary input and output", () =>
      Effect.gen(function* () {
        const ssh = yield* SshClient.SshClient
        const bytes = new Uint8Array(randomBytes(3_000_000))
        const whole = yield* ssh.exec(argv(["cat"]), { stdin: bytes })
        assert.isTrue(Buffer.from(whole.stdout.bytes).equals(bytes))
        const chunks = Stream.fromIterable([bytes.subarray(0, 1), bytes.subarray(1, 70_000), bytes.subarray(70_000)])
        const hash = yield* ssh.exec(argv(["sha256sum"]), { stdin: chunks })
        assert.strictEqual(hash.stdout.text.split(" ")[0], createHash("sha256").update(bytes).digest("hex"))
        const invalid = yield* ssh.exec(sh("printf '\\377\\000\\376'"))
        assert.deepStrictEqual([...invalid.stdout.bytes], [255, 0, 254])
      })
    )

    it.effect("keeps every byte with each cipher, however it is cut on the way", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const proxy = yield* FaultProxy.make({ target: server })
        const behind = yield* behindProxy(server, proxy)
        const text = 'f=$(mktemp); head -c 4000000 /dev/urandom >"$f"; sha256sum <"$f" >&2; cat "$f"; rm "$f"'
        for (const cipher of ["aes128-gcm@openssh.com", "aes256-ctr", "chacha20-poly1305@openssh.com"]) {
          const algorithms = { ciphers: { mode: "replace", names: [cipher] } } as const
          for (const chunkSize of [700, 5000, 300_000]) {
            yield* proxy.set("toClient", { chunkSize })
            const ssh = yield* connect(behind, { algorithms, spareSessions: 0 })
            assert.include(ssh.connection.algorithms.cipher, cipher)
            const { stderr, stdout } = yield* ssh.exec(sh(text))
            assert.strictEqual(createHash("sha256").update(stdout.bytes).digest("hex"), stderr.text.split(" ")[0])
          }
        }
      }).pipe(Effect.scoped)
    )

    it.effect("gives a command an empty input unless told otherwise", () =>
      Effect.gen(function* () {
        const ssh = yield* SshClient.SshClient
        assert.strictEqual((yield* ssh.exec(argv(["wc", "-c"]))).stdout.text.trim(), "0")
        assert.strictEqual((yield* ssh.exec(argv(["wc", "-c"]), { stdin: "four" })).stdout.text.trim(), "4")
      })
    )

    it.effect("ends when the command ends, though its input goes on", () =>
      Effect.gen(function* () {
        const ssh = yield* SshClient.SshClient
        const endless = Stream.forever(Stream.succeed(new Uint8Array(65_536)))
        const result = yield* ssh.exec(argv(["head", "-c", "3"]), { stdin: endless })
        assert.strictEqual(result.stdout.totalBytes, 3)
      })
    )

    it.effect("fails with the error of its input, and kills the command", () =>
      Effect.gen(function* () {
        const ssh = yield* SshClient.SshClient
        const mark = Leaks.marker()
        const broken = Stream.concat(Stream.succeed(new Uint8Array([1])), Stream.fail("input broke" as const))
        const error = yield* Effect.flip(ssh.exec(argv(["sh", "-c", "cat; sleep 600", mark]), { stdin: broken }))
        assert.strictEqual(error, "input broke")
        yield* Leaks.awaitProcesses(mark, 0)
      })
    )

    it.effect("keeps head and tail of a flood, and counts the rest", () =>
      Effect.gen(function* () {
        const ssh = yield* SshClient.SshClient
        const result = yield* ssh.exec(argv(["seq", "1", "200000"]), { maxOutput: 20 })
        assert.strictEqual(Buffer.from(result.stdout.head).toString(), "1\n2\n3\n4\n5\n")
        assert.strictEqual(Buffer.from(result.stdout.tail).toString(), "99\n200000\n")
        assert.strictEqual(result.stdout.totalBytes, 1_288_895)
        assert.strictEqual(result.stdout.omittedBytes, 1_288_875)
      })
    )

    it.effect("does not stall on a flood of stderr", () =>
      Effect.gen(function* () {
        const ssh = yield* SshClient.SshClient
        const result = yield* ssh.exec(sh("head -c 8000000 /dev/zero >&2; echo done"))
        assert.strictEqual(result.stdout.text, "done\n")
        assert.strictEqual(result.stderr.totalBytes, 8_000_000)
      })
    )

    it.effect("sets folder and environment, secret values off every command line", () =>
      Effect.gen(function* () {
        const ssh = yield* SshClient.SshClient
        const secret = `s3cret ${Leaks.marker()}\nsecond 'line'`
        const env = { PLAIN: "a b\n'c'", TOKEN: Redacted.make(secret) }
        const look =
          'pwd; printf %s "$PLAIN|$TOKEN" | od -An -v -tx1 | tr -d " \\n"; echo; tr "\\0" "\\n" </proc/$$/cmdline'
        for (const spareSessions of [0, 3]) {
          const server = yield* OpenSshServer.OpenSshServer
          const own = spareSessions === 3 ? ssh : yield* connect(server, { spareSessions })
          const result = yield* own.exec(sh(look, { cwd: "/usr/share", env }))
          const [folder, hex] = result.stdout.text.split("\n")
          assert.strictEqual(folder, "/usr/share")
          assert.strictEqual(Buffer.from(hex ?? "", "hex").toString(), `a b\n'c'|${secret}`)
          assert.notInclude(result.stdout.text, "s3cret")
        }
        const watched = yield* Effect.forkChild(ssh.exec(sh("sleep 600", { env })))
        yield* Effect.sleep("200 millis")
        assert.deepStrictEqual(yield* Leaks.processes("s3cret"), [])
        yield* Fiber.interrupt(watched)
      })
    )

    it.effect("kills the whole process group when the time is up, and hands over what there was", () =>
      Effect.gen(function* () {
        const ssh = yield* SshClient.SshClient
        const mark = Leaks.marker()
        const text = `echo begun; sh -c 'sleep 600; :' ${mark} & sh -c 'trap "" TERM; sleep 600; :' ${mark}`
        const error = yield* Effect.flip(ssh.exec(sh(text), { timeout: "400 millis", killGrace: "300 millis" }))
        const reason = reasonOf(error)
        assert.strictEqual(reason._tag, "CommandTimeout")
        if (reason._tag !== "CommandTimeout") return
        assert.isTrue(reason.killed)
        assert.strictEqual(reason.timeoutMs, 400)
        assert.strictEqual(reason.stdout.text, "begun\n")
        assert.strictEqual(reason.outcome, "may-have-run")
        assert.isFalse(reason.isRetryable)
        yield* Leaks.awaitProcesses(mark, 0)
      })
    )

    it.effect("kills a command that prints nothing for too long, and no other", () =>
      Effect.gen(function* () {
        const ssh = yield* SshClient.SshClient
        const chatty = sh("for i in 1 2 3 4 5 6; do echo $i; sleep 0.2; done")
        const done = yield* ssh.exec(chatty, { idleTimeout: "900 millis" })
        assert.strictEqual(done.exitCode, 0)
        const mark = Leaks.marker()
        const error = yield* Effect.flip(
          ssh.exec(argv(["sh", "-c", "echo one; sleep 600; :", mark]), { idleTimeout: "300 millis" })
        )
        const reason = reasonOf(error)
        assert.strictEqual(reason._tag, "IdleTimeout")
        if (reason._tag === "IdleTimeout") assert.strictEqual(reason.stdout.text, "one\n")
        yield* Leaks.awaitProcesses(mark, 0)
      })
    )

    it.effect("kills the process group when it is interrupted", () =>
      Effect.gen(function* () {
        const ssh = yield* SshClient.SshClient
        const mark = Leaks.marker()
        const fiber = yield* Effect.forkChild(
          ssh.exec(sh(`sh -c 'sleep 600; :' ${mark} & sh -c 'sleep 600; :' ${mark}`))
        )
        yield* Leaks.awaitProcesses(mark, 3)
        yield* Fiber.interrupt(fiber)
        yield* Leaks.awaitProcesses(mark, 0)
        assert.strictEqual((yield* ssh.exec(argv(["echo", "alive"]))).stdout.text, "alive\n")
      })
    )

    it.effect("streams output as it comes, in order, with the remote process id", () =>
      Effect.gen(function* () {
        const ssh = yield* SshClient.SshClient
        const running = yield* ssh.start(sh("echo $$; sleep 0.1; echo err >&2; sleep 0.1; echo last; exit 4"))
        const chunks = yield* Stream.runCollect(running.output)
        const text = chunks.map(({ data, stream }) => [stream, Buffer.from(data).toString()])
        assert.deepStrictEqual(text, [
          ["stdout", `${running.pid}\n`],
          ["stderr", "err\n"],
          ["stdout", "last\n"]
        ])
        assert.deepStrictEqual(yield* running.exit, { exitCode: 4, signal: null })
      }).pipe(Effect.scoped)
    )

    it.effect("holds a flood back while nobody reads, and loses nothing", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const proxy = yield* FaultProxy.make({ target: server })
        const ssh = yield* connect(yield* behindProxy(server, proxy))
        const size = 60_000_000
        const running = yield* ssh.start(argv(["head", "-c", String(size), "/dev/zero"]))
        // Until as much has come as the window and our own limit allow, and then no more.
        let came = 0
        for (;;) {
          yield* Effect.sleep("200 millis")
          const { toClient } = yield* proxy.bytes
          if (toClient === came) break
          came = toClient
        }
        assert.isBelow(came, 20_000_000)
        const total = yield* Ref.make(0)
        yield* Stream.runForEach(running.output, ({ data }) => Ref.update(total, (sum) => sum + data.length))
        assert.strictEqual(yield* Ref.get(total), size)
        assert.strictEqual((yield* running.exit).exitCode, 0)
      }).pipe(Effect.scoped)
    )

    it.effect("kills a started command with its scope, and with a signal on demand", () =>
      Effect.gen(function* () {
        const ssh = yield* SshClient.SshClient
        const mark = Leaks.marker()
        yield* Effect.scoped(
          Effect.gen(function* () {
            yield* ssh.start(argv(["sh", "-c", "sleep 600; :", mark]))
            yield* Leaks.awaitProcesses(mark, 1)
          })
        )
        yield* Leaks.awaitProcesses(mark, 0)
        // Again and again, for the signal may come before the shell has read what to run.
        for (let times = 0; times < 5; times++) {
          const running = yield* ssh.start(argv(["sleep", "600"]))
          assert.isTrue(yield* running.kill("INT"))
          assert.deepStrictEqual(yield* running.exit, { exitCode: null, signal: "SIGINT" })
        }
      }).pipe(Effect.scoped)
    )

    it.effect("runs many commands at once over one connection, beyond the server's sessions", () =>
      Effect.gen(function* () {
        const ssh = yield* SshClient.SshClient
        const numbers = Array.from({ length: 40 }, (_, index) => index)
        const results = yield* Effect.forEach(numbers, (index) => ssh.exec(sh(`sleep 0.05; echo ${index}`)), {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(
          results.map((result) => result.stdout.text),
          numbers.map((index) => `${index}\n`)
        )
      })
    )

    it.effect("takes arguments of a megabyte in all", () =>
      Effect.gen(function* () {
        const ssh = yield* SshClient.SshClient
        const words = Array.from({ length: 15 }, (_, index) => String(index).repeat(50_000))
        const result = yield* ssh.exec(argv(["sh", "-c", 'printf %s "$@" | wc -c', "sh", ...words]))
        assert.strictEqual(result.stdout.text.trim(), String(words.join("").length))
      })
    )

    it.effect("tells what the connection is made of", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const { connection, checkSftp } = yield* SshClient.SshClient
        assert.match(connection.serverVersion, /^SSH-2\.0-OpenSSH/)
        assert.strictEqual(connection.hostKey.fingerprint, server.hostKeys[0]?.fingerprint)
        assert.strictEqual(connection.authAttempts.at(-1)?.result, "accepted")
        assert.deepStrictEqual(connection.algorithms.compression, ["none", "none"])
        yield* checkSftp
      })
    )
  })

  it.layer(services, { excludeTestServices: true })((it) => {
    it.effect("kills on a server that has one session only", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make({ config: ["MaxSessions 1"] })
        const ssh = yield* connect(server)
        const mark = Leaks.marker()
        const command = argv(["sh", "-c", "sleep 600; :", mark])
        const reason = reasonOf(yield* Effect.flip(ssh.exec(command, { timeout: "300 millis" })))
        assert.strictEqual(reason._tag, "CommandTimeout")
        if (reason._tag === "CommandTimeout") assert.isTrue(reason.killed)
        yield* Leaks.awaitProcesses(mark, 0)
        assert.strictEqual((yield* ssh.exec(argv(["echo", "next"]))).stdout.text, "next\n")
      })
    )

    it.effect("learns how many sessions a server allows, and waits for one", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make({ config: ["MaxSessions 2"] })
        const ssh = yield* connect(server)
        const numbers = Array.from({ length: 12 }, (_, index) => index)
        // In all longer than any wait for a slot that is about to come free.
        const results = yield* Effect.forEach(numbers, (index) => ssh.exec(sh(`sleep 1; echo ${index}`)), {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(
          results.map((result) => result.stdout.text),
          numbers.map((index) => `${index}\n`)
        )
      })
    )

    it.effect("says when the connection is over, and that nothing ran after it", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make()
        const own = yield* connect(server)
        const running = yield* Effect.forkChild(Effect.flip(own.exec(sh("sleep 600"))))
        yield* own.exec(argv(["true"]))
        yield* server.endSessions
        const lost = reasonOf(yield* Fiber.join(running))
        assert.strictEqual(lost._tag, "ConnectionLost")
        assert.strictEqual(lost.outcome, "may-have-run")
        assert.isString(yield* own.closed)
        const after = reasonOf(yield* Effect.flip(own.exec(argv(["true"]))))
        assert.strictEqual(after._tag, "ConnectionLost")
        assert.strictEqual(after.outcome, "did-not-run")
        assert.isTrue(after.isRetryable)
      })
    )

    it.effect("drops what a noisy login prints, and waits for a slow one", () =>
      Effect.gen(function* () {
        const noise = "echo noise; echo more noise >&2; printf 'no newline'"
        const server = yield* OpenSshServer.make({
          account: { loginShell: "bash", homeFiles: { ".bashrc": `${noise}; sleep 0.2\n` } }
        })
        const ssh = yield* connect(server)
        for (let i = 0; i < 3; i++) {
          const result = yield* ssh.exec(sh("echo out; echo err >&2"))
          assert.strictEqual(result.stdout.text, "out\n")
          assert.strictEqual(result.stderr.text, "err\n")
        }
      })
    )

    it.effect("opens the connection that its layer describes, and closes it with the scope", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make()
        const layer = SshClient.layer(optionsFor(server)).pipe(
          Layer.provide(HostKeys.layer({ policy: "strict", userFiles: [server.knownHostsPath], globalFiles: [] }))
        )
        const text = yield* SshClient.SshClient.use((ssh) => ssh.exec(argv(["echo", "layered"]))).pipe(
          Effect.map((result) => result.stdout.text),
          Effect.provide(layer)
        )
        assert.strictEqual(text, "layered\n")
        yield* server.awaitLog(/Disconnected from user|Connection closed/)
      })
    )
  })
})

// sshd gives the terminal to its user, which only root can do.
describeWith(["sshd", "root"], "SshClient in a terminal", () => {
  it.layer(machine, { excludeTestServices: true })((it) => {
    it.effect("opens a terminal only when asked", () =>
      Effect.gen(function* () {
        const ssh = yield* SshClient.SshClient
        const without = yield* ssh.exec(sh("tty"))
        assert.include(without.stdout.text, "not a tty")
        const within = yield* ssh.exec(sh("stty size; echo err >&2; printf '%s' \"$TERM\""), {
          pty: { rows: 33, cols: 99, term: "vt100" }
        })
        assert.strictEqual(within.stdout.text, "33 99\r\nerr\r\nvt100")
        const hard = yield* ssh.exec(argv(["printf", "%s", 'it\'s \\ "!x" é']), { pty: true })
        assert.strictEqual(hard.stdout.text, 'it\'s \\ "!x" é')
      })
    )
  })
})

describe("SshClient's spare sessions", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    it.effect("are opened ahead, but not to a dropbear server, which would lose the connection", () =>
      Effect.gen(function* () {
        const asked = Effect.fnUntraced(function* (ident: string) {
          const server = yield* InProcessServer.make({ ssh2: { ident } })
          const ssh = yield* connect(server)
          yield* ssh.exec(argv(["true"]))
          yield* ssh.exec(argv(["true"]))
          return (yield* server.commands).length
        })
        // Each command has its own session, and the keeper has one.
        assert.isAbove(yield* asked("OpenSSH_9.2p1"), 3)
        assert.strictEqual(yield* asked("dropbear_2022.83"), 3)
      })
    )
  })
})
