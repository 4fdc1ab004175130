import { assert, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Stream } from "effect"
import * as ChildProcess from "node:child_process"
import * as Net from "node:net"
import * as OpenSsh from "@toehold/ssh-core/OpenSsh"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import * as KeyPair from "@toehold/lab/KeyPair"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import * as RealPart from "@toehold/lab/RealPart"
import type { SshServer } from "@toehold/lab/SshServer"
import { connect, running } from "./support/openSsh.ts"
import { services } from "./support/machine.ts"
import { reasonOf } from "./support/failing.ts"

const sh = SshCommand.shell

const place = (at: SshServer): string => `${at.user}@${at.host}:${at.port}`

/** A key, and what `ssh-keygen -s` makes of it. */
const certificate = Effect.fnUntraced(function* (folder: string, user: string) {
  const fs = yield* FileSystem.FileSystem
  const write = (name: string, text: string) =>
    Effect.as(fs.writeFileString(`${folder}/${name}`, text, { mode: 0o600 }), `${folder}/${name}`)
  const authority = yield* KeyPair.generate()
  const key = yield* KeyPair.generate()
  const signer = yield* write("authority", authority.privateKey)
  const path = yield* write("signed", key.privateKey)
  yield* write("signed.pub", `${key.publicKey}\n`)
  yield* Effect.sync(() =>
    ChildProcess.execFileSync(
      RealPart.path("ssh-keygen"),
      ["-q", "-s", signer, "-I", "somebody", "-n", user, "-V", "+1h", `${path}.pub`],
      { stdio: "pipe" }
    )
  )
  return { path, authority: yield* write("authority.pub", `${authority.publicKey}\n`) }
})

RealPart.describeWith(["ssh", "sshd", "ssh-keygen"], "OpenSsh", () => {
  it.layer(Layer.provideMerge(OpenSshServer.layer(), services), { excludeTestServices: true })((it) => {
    it.effect("says what it is connected to", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const { connection } = yield* connect(server)
        assert.deepInclude(connection, { host: server.host, port: server.port, user: server.user })
        assert.match(connection.serverVersion, /^SSH-2\.0-OpenSSH_/)
        assert.include(
          server.hostKeys.map(({ fingerprint }) => fingerprint),
          connection.hostKey.fingerprint
        )
        assert.match(connection.hostKey.keyType, /^(ssh-ed25519|ecdsa-sha2-nistp256)$/)
        assert.lengthOf(connection.algorithms.cipher, 2)
        assert.lengthOf(connection.algorithms.kex, 1)
        assert.deepStrictEqual(
          connection.authAttempts.map(({ fingerprint, keyType, result, source }) => [
            source,
            keyType,
            fingerprint,
            result
          ]),
          [[server.privateKeyPath, "ssh-ed25519", server.key.fingerprint, "accepted"]]
        )
      }).pipe(Effect.scoped)
    )

    it.effect("runs commands with their exit codes and signals, one connection for all of them", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const before = yield* server.connectionCount
        const ssh = yield* connect(server)
        const result = yield* ssh.exec(sh("cat; echo err >&2; exit 143"), { stdin: "a\0b" })
        assert.deepStrictEqual(
          [result.stdout.text, result.stderr.text, result.exitCode, result.signal],
          ["a\0b", "err\n", 143, null]
        )
        const killed = yield* ssh.exec(sh("kill -USR1 $$"))
        assert.deepStrictEqual([killed.exitCode, killed.signal], [null, "SIGUSR1"])
        const terminal = yield* ssh.exec(sh("tty; stty size"), { pty: { rows: 33, cols: 99 } })
        assert.match(terminal.stdout.text, /^\/dev\/\S+\r\n33 99\r\n$/)
        yield* Effect.forEach(
          Array.from({ length: 25 }, (_, index) => index),
          (index) =>
            Effect.map(ssh.exec(sh(`sleep 0.05; echo ${index}`)), ({ stdout }) =>
              assert.strictEqual(stdout.text, `${index}\n`)
            ),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(yield* server.connectionCount, before + 1)
      }).pipe(Effect.scoped)
    )

    it.effect("reaches ports of the machine", () =>
      Effect.gen(function* () {
        const ssh = yield* connect(yield* OpenSshServer.OpenSshServer)
        const echo = yield* Effect.acquireRelease(
          Effect.callback<Net.Server>((resume) => {
            const listener = Net.createServer((socket) => void socket.pipe(socket))
            listener.listen(0, "127.0.0.1", () => resume(Effect.succeed(listener)))
          }),
          (listener) => Effect.sync(() => listener.close())
        )
        const { port } = echo.address() as Net.AddressInfo // it listens on TCP
        const stream = yield* ssh.dial({ host: "127.0.0.1", port })
        const back = yield* Effect.callback<string>((resume) => {
          stream.once("data", (data: Buffer) => resume(Effect.succeed(data.toString())))
          stream.write("there and back")
        })
        assert.strictEqual(back, "there and back")
        const error = yield* Effect.flip(ssh.dial({ host: "127.0.0.1", port: 1 }))
        reasonOf(error, "ChannelRefused", { isRetryable: false })
      }).pipe(Effect.scoped)
    )

    it.effect("goes through jump hosts", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const fs = yield* FileSystem.FileSystem
        const hop = yield* OpenSshServer.make()
        // The ssh of a jump host reads the configuration alone.
        const config = `${server.tempDir}/jump.conf`
        const lines = [
          "Host *",
          `  UserKnownHostsFile ${server.knownHostsPath} ${hop.knownHostsPath}`,
          `  IdentityFile ${server.privateKeyPath}`,
          `  IdentityFile ${hop.privateKeyPath}`,
          "  IdentitiesOnly yes"
        ]
        yield* fs.writeFileString(config, `${lines.join("\n")}\n`)
        const ssh = yield* OpenSsh.connect(`ssh -F ${config} -J ${place(hop)} ssh://${place(server)}`)
        assert.strictEqual((yield* ssh.exec(sh("echo through"))).stdout.text, "through\n")
        assert.strictEqual(ssh.connection.port, server.port)
        assert.include(
          server.hostKeys.map(({ fingerprint }) => fingerprint),
          ssh.connection.hostKey.fingerprint
        )
        assert.strictEqual(yield* hop.connectionCount, 1)
      }).pipe(Effect.scoped)
    )

    it.effect("leaves no program, no socket and no folder behind", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const fs = yield* FileSystem.FileSystem
        const folder = yield* fs.makeTempDirectoryScoped()
        const files = { ...fs, makeTempDirectoryScoped: () => fs.makeTempDirectoryScoped({ directory: folder }) }
        yield* Effect.gen(function* () {
          const ssh = yield* Effect.provideService(connect(server), FileSystem.FileSystem, files)
          const command = yield* ssh.start(sh("sleep 600"))
          assert.isAbove(command.pid, 1)
          const [own = ""] = yield* fs.readDirectory(folder)
          assert.strictEqual((yield* fs.stat(`${folder}/${own}`)).mode & 0o777, 0o700)
          assert.lengthOf(yield* running(folder), 1)
        }).pipe(Effect.scoped)
        assert.deepStrictEqual(yield* fs.readDirectory(folder), [])
        assert.deepStrictEqual(yield* running(folder), [])
      }).pipe(Effect.scoped)
    )

    it.effect("streams 50 MB each way", () =>
      Effect.gen(function* () {
        const ssh = yield* connect(yield* OpenSshServer.OpenSshServer)
        const piece = new Uint8Array(1_000_000).fill(7)
        const stdin = Stream.fromIterable(Array.from({ length: 50 }, () => piece))
        const result = yield* ssh.exec(sh("tee /dev/stderr 2>/dev/null | cksum"), { stdin })
        assert.match(result.stdout.text, / 50000000\n$/)
        const down = yield* ssh.exec(sh("head -c 50000000 /dev/zero"), { maxOutput: 1000 })
        assert.strictEqual(down.stdout.totalBytes, 50_000_000)
      }).pipe(Effect.scoped)
    )
  })

  it.live("logs in with a certificate, which the driver can't", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped()
      const user = "root"
      const signed = yield* certificate(folder, user)
      const server = yield* OpenSshServer.make({
        config: [`TrustedUserCAKeys ${signed.authority}`, "AuthorizedKeysFile none"]
      })
      const certified = { ...server, privateKeyPath: signed.path }
      const ssh = yield* connect(certified)
      assert.strictEqual((yield* ssh.exec(sh("echo in"))).stdout.text, "in\n")
      assert.match(yield* server.log, /Accepted publickey .* ED25519-CERT .* ID somebody/)
      assert.strictEqual(ssh.connection.authAttempts.at(-1)?.keyType, "ssh-ed25519-cert-v01@openssh.com")
    }).pipe(Effect.scoped, Effect.provide(services))
  )
})
