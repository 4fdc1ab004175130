import { assert, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Redacted } from "effect"
import * as ClientPlatform from "@toehold/ssh-core/ClientPlatform"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import * as SshLogin from "@toehold/ssh-core/SshLogin"
import * as KeyPair from "@toehold/lab/KeyPair"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import type { SshServer } from "@toehold/lab/SshServer"
import { agent } from "./support/agent.ts"
import { hasUnansweredPorts, listener, reasonOf, unansweredPort } from "./support/failing.ts"
import { services } from "./support/machine.ts"

const no = { isRetryable: false }

/** Lines of a Host block that leads to a server, with keys of its own on both sides. */
const hostBlock = (alias: string, server: SshServer, ...lines: ReadonlyArray<string>): string =>
  [
    `Host ${alias}`,
    ...lines,
    `HostName ${server.host}`,
    `Port ${server.port}`,
    `User ${server.user}`,
    `IdentityFile ${server.privateKeyPath}`,
    `UserKnownHostsFile ${server.knownHostsPath}`,
    "StrictHostKeyChecking yes",
    ""
  ].join("\n")

/** Logs in by the alias `target`, or as the words say, with these configuration blocks. */
const login = Effect.fnUntraced(function* (
  blocks: ReadonlyArray<string>,
  options: SshLogin.Options & { readonly words?: string } = {}
) {
  const fs = yield* FileSystem.FileSystem
  const config = `${yield* fs.makeTempDirectoryScoped()}/config`
  yield* fs.writeFileString(config, `${blocks.join("\n")}\nHost *\nGlobalKnownHostsFile none\nIdentityAgent none\n`)
  const { words = "target", ...rest } = options
  return yield* SshLogin.connect(`ssh -F ${config} ${words}`, { spareSessions: 0, ...rest })
})

const refusal = (...args: Parameters<typeof login>) => Effect.flip(Effect.scoped(login(...args)))

const echo = SshCommand.shell("echo $SSH_CONNECTION")

describeWith(["sshd"], "SshLogin through jump hosts", () => {
  it.layer(OpenSshServer.layer().pipe(Layer.provideMerge(services)), { excludeTestServices: true })((it) => {
    it.effect("goes through one, with a host key and a user key of its own", () =>
      Effect.gen(function* () {
        const target = yield* OpenSshServer.OpenSshServer
        const hop = yield* OpenSshServer.make({ hostKeyTypes: ["ecdsa"], userKeyType: "ecdsa" })
        const ssh = yield* login([hostBlock("target", target, "ProxyJump hop"), hostBlock("hop", hop)])
        const { stdout } = yield* ssh.exec(echo)
        assert.match(stdout.text, new RegExp(` ${target.port}\n$`))
        assert.strictEqual(yield* hop.connectionCount, 1)
        assert.strictEqual(ssh.connection.hostKey.fingerprint, target.hostKeys[0]?.fingerprint)
      })
    )

    it.effect("goes through two, named at the target or each by the next", () =>
      Effect.gen(function* () {
        const target = yield* OpenSshServer.OpenSshServer
        const first = yield* OpenSshServer.make()
        const second = yield* OpenSshServer.make()
        // A jump host of a later hop does not count, as with OpenSSH.
        const named = [
          hostBlock("target", target, "ProxyJump first,second"),
          hostBlock("first", first),
          hostBlock("second", second, "ProxyJump nowhere")
        ]
        const chained = [
          hostBlock("target", target, "ProxyJump second"),
          hostBlock("second", second, "ProxyJump first"),
          hostBlock("first", first)
        ]
        for (const [round, blocks] of [named, chained].entries()) {
          const ssh = yield* login(blocks)
          assert.match((yield* ssh.exec(echo)).stdout.text, new RegExp(` ${target.port}\n$`))
          assert.deepStrictEqual([yield* first.connectionCount, yield* second.connectionCount], [round + 1, round + 1])
        }
      })
    )

    it.effect("names the jump host that fails, and gives it no password", () =>
      Effect.gen(function* () {
        const target = yield* OpenSshServer.OpenSshServer
        const hop = yield* OpenSshServer.make({ address: "::1" })
        const stranger = yield* KeyPair.generate()
        const fs = yield* FileSystem.FileSystem
        const key = `${hop.tempDir}/stranger`
        yield* fs.writeFileString(key, stranger.privateKey, { mode: 0o600 })
        const to = hostBlock("target", target, "ProxyJump hop")

        const password = Redacted.make("for the target alone")
        const rejected = yield* refusal([to, hostBlock("hop", hop).replace(hop.privateKeyPath, key)], { password })
        const reason = reasonOf(rejected, "AuthRejected", no)
        assert.deepInclude(reason, { host: "::1", port: hop.port })
        assert.include(rejected.message, "::1")
        assert.deepStrictEqual([...new Set(reason.attempts.map(({ method }) => method))], ["publickey"])

        const unknown = yield* refusal([to, hostBlock("hop", hop).replace(hop.knownHostsPath, "/nowhere")])
        assert.strictEqual(reasonOf(unknown, "HostKeyUnknown", no).port, hop.port)

        const { host, port } = yield* Effect.scoped(listener(() => {}))
        const refused = yield* refusal([to, hostBlock("hop", { ...hop, host, port })])
        assert.strictEqual(reasonOf(refused, "ConnectionRefused", { isRetryable: true }).port, port)
      })
    )

    it.effect("names the jump host that can't reach the target, or may not", () =>
      Effect.gen(function* () {
        const target = yield* OpenSshServer.OpenSshServer
        const { port } = yield* Effect.scoped(listener(() => {}))
        for (const [config, to, words] of [
          [[], { ...target, port }, "could not reach"],
          [["AllowTcpForwarding no"], target, "does not allow a connection to"]
        ] as const) {
          const hop = yield* OpenSshServer.make({ config })
          const error = yield* refusal([hostBlock("target", to, "ProxyJump hop"), hostBlock("hop", hop)])
          assert.strictEqual(reasonOf(error, "ChannelRefused", no).request, "direct-tcpip")
          assert.include(error.message, `${hop.host} ${words} ${target.host} port ${to.port}`)
        }
      })
    )

    if (hasUnansweredPorts) {
      it.effect("keeps the time limit where the jump host gets no answer from the target", () =>
        Effect.gen(function* () {
          const hop = yield* OpenSshServer.OpenSshServer
          const silent = { ...hop, port: yield* unansweredPort }
          const error = yield* refusal([hostBlock("target", silent, "ProxyJump hop"), hostBlock("hop", hop)], {
            connectTimeout: "800 millis"
          })
          assert.deepInclude(reasonOf(error, "ConnectTimeout", { isRetryable: true }), {
            stage: "tcp",
            port: silent.port
          })
        })
      )
    }

    it.effect("ends with its jump host", () =>
      Effect.gen(function* () {
        const target = yield* OpenSshServer.OpenSshServer
        const hop = yield* OpenSshServer.make()
        const ssh = yield* login([hostBlock("target", target, "ProxyJump hop"), hostBlock("hop", hop)])
        yield* hop.stop
        yield* ssh.closed.pipe(Effect.timeout("3 seconds"))
        reasonOf(yield* Effect.flip(ssh.exec(echo)), "ConnectionLost", { isRetryable: true })
      })
    )

    it.effect("refuses a circle of jump hosts before it connects to any", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make()
        const error = yield* refusal([
          hostBlock("target", server, "ProxyJump a"),
          hostBlock("a", server, "ProxyJump b"),
          hostBlock("b", server, "ProxyJump a")
        ])
        assert.include(reasonOf(error, "InvalidTarget", no).detail, "circle")
        assert.strictEqual(yield* server.connectionCount, 0)
      })
    )
  })
})

const withOptions = (...lines: ReadonlyArray<string>) =>
  Effect.flatMap(OpenSshServer.OpenSshServer, (server) => login([hostBlock("target", server, ...lines)]))

describeWith(["sshd", "private-accounts"], "SshLogin by the configuration", () => {
  const server = OpenSshServer.layer({ hostKeyTypes: ["ed25519", "ecdsa", "rsa"], userKeyType: "rsa" })
  it.layer(server.pipe(Layer.provideMerge(services)), { excludeTestServices: true })((it) => {
    it.effect("offers the algorithms that it names", () =>
      Effect.gen(function* () {
        const { connection } = yield* withOptions(
          "Ciphers aes256-ctr",
          "MACs hmac-sha2-512",
          "KexAlgorithms ecdh-sha2-nistp384",
          "HostKeyAlgorithms ecdsa-sha2-nistp256",
          "Compression yes"
        )
        assert.deepStrictEqual(connection.algorithms, {
          kex: ["ecdh-sha2-nistp384"],
          serverHostKey: ["ecdsa-sha2-nistp256"],
          cipher: ["aes256-ctr", "aes256-ctr"],
          mac: ["hmac-sha2-512", "hmac-sha2-512"],
          compression: ["zlib@openssh.com", "zlib@openssh.com"]
        })
        assert.strictEqual(connection.hostKey.keyType, "ecdsa-sha2-nistp256")
      })
    )

    it.effect("compresses both ways, and only when it is asked to", () =>
      Effect.gen(function* () {
        const ssh = yield* withOptions("Compression yes")
        const text = "all work and no play ".repeat(20_000)
        const result = yield* ssh.exec(SshCommand.argv(["cat"]), { stdin: text })
        assert.strictEqual(result.stdout.text, text)
        const plain = yield* withOptions()
        assert.deepStrictEqual([...plain.connection.algorithms.compression], ["none", "none"])
      })
    )

    it.effect("passes RSA keys over that are smaller than RequiredRSASize, the host's too", () =>
      Effect.gen(function* () {
        const target = yield* OpenSshServer.OpenSshServer
        const small = yield* refusal([hostBlock("target", target, "RequiredRSASize 3072")])
        const [attempt] = reasonOf(small, "AuthRejected", no).attempts
        assert.deepInclude(attempt, { source: target.privateKeyPath, result: "skipped" })
        assert.include(attempt?.detail ?? "", "RequiredRSASize")
        const host = yield* refusal([
          hostBlock("target", target, "RequiredRSASize 3072", "HostKeyAlgorithms rsa-sha2-512")
        ])
        assert.deepInclude(reasonOf(host, "NoCommonAlgorithm", no), {
          kind: "host-key",
          offered: ["ssh-rsa of at least 3072 bits (RequiredRSASize)"],
          serverOffers: ["ssh-rsa of 2048 bits"]
        })
      })
    )

    it.effect("tries methods in the preferred order, and none that is forbidden", () =>
      Effect.gen(function* () {
        const target = yield* OpenSshServer.make({ account: { password: Redacted.make("right") } })
        const with_ = (...lines: ReadonlyArray<string>) =>
          login([hostBlock("target", target, ...lines)], { password: Redacted.make("right") })
        const methods = (lines: ReadonlyArray<string>) =>
          Effect.map(with_(...lines), ({ connection }) => connection.authAttempts.map(({ method }) => method))
        assert.deepStrictEqual(yield* methods([]), ["publickey"])
        assert.deepStrictEqual(yield* methods(["PreferredAuthentications password,publickey"]), ["password"])
        assert.deepStrictEqual(yield* methods(["PreferredAuthentications toString,password"]), ["password"])
        assert.deepStrictEqual(yield* methods(["PubkeyAuthentication no"]), ["password"])
        const error = yield* Effect.flip(with_("PubkeyAuthentication no", "PasswordAuthentication no"))
        assert.notInclude(
          reasonOf(error, "AuthRejected", no).attempts.map(({ method, result }) => `${method} ${result}`),
          "password rejected"
        )
      })
    )

    it.effect("checks host keys as StrictHostKeyChecking says", () =>
      Effect.gen(function* () {
        const target = yield* OpenSshServer.OpenSshServer
        const fs = yield* FileSystem.FileSystem
        const file = `${yield* fs.makeTempDirectoryScoped()}/known_hosts`
        const block = (checking: string) =>
          hostBlock("target", { ...target, knownHostsPath: file }, `StrictHostKeyChecking ${checking}`)
        for (const checking of ["yes", "ask"]) {
          const error = yield* refusal([block(checking)])
          assert.deepStrictEqual([...reasonOf(error, "HostKeyUnknown", no).files], [file])
        }
        yield* Effect.scoped(login([block("no")]))
        assert.isFalse(yield* fs.exists(file))
        yield* Effect.scoped(login([block("accept-new")]))
        assert.include(yield* fs.readFileString(file), `[${target.host}]:${target.port} ssh-ed25519 `)
        yield* Effect.scoped(login([block("yes")]))
        yield* fs.writeFileString(file, "")
        yield* Effect.scoped(login([block("yes")], { hostKeyPolicy: "accept-new" }))
      })
    )

    it.effect("looks the host key up under its alias", () =>
      Effect.gen(function* () {
        const target = yield* OpenSshServer.OpenSshServer
        const fs = yield* FileSystem.FileSystem
        const file = `${yield* fs.makeTempDirectoryScoped()}/known_hosts`
        yield* fs.writeFileString(file, `the-machine ssh-ed25519 ${target.hostKeys[0]?.blob.toString("base64")}\n`)
        const known = { ...target, knownHostsPath: file }
        const ssh = yield* login([hostBlock("target", known, "HostKeyAlias the-machine")])
        assert.strictEqual(ssh.connection.hostKey.keyType, "ssh-ed25519")
        reasonOf(yield* refusal([hostBlock("target", known)]), "HostKeyUnknown", no)
      })
    )

    it.effect("uses the agent as IdentityAgent and IdentitiesOnly say", () =>
      Effect.gen(function* () {
        const target = yield* OpenSshServer.OpenSshServer
        const { add, path } = yield* agent
        yield* add(target.privateKeyPath)
        // The private half is not at hand, only in the agent.
        const block = (key: string, ...lines: ReadonlyArray<string>) =>
          hostBlock("target", target, ...lines).replace(target.privateKeyPath, key)
        const platform = Layer.succeed(ClientPlatform.ClientPlatform, {
          os: "linux",
          homeDir: target.tempDir,
          userName: "me",
          hostName: "client",
          uid: process.getuid?.(),
          env: { SSH_AUTH_SOCK: path }
        })
        const sources = (...args: Parameters<typeof login>) =>
          login(...args).pipe(
            Effect.map(({ connection }) => connection.authAttempts.map(({ source }) => source)),
            Effect.provide(platform),
            Effect.scoped
          )
        assert.deepStrictEqual(yield* sources([block("none", `IdentityAgent ${path}`)]), ["agent:lab"])
        assert.deepStrictEqual(yield* sources([block("none", "IdentityAgent SSH_AUTH_SOCK")]), ["agent:lab"])
        const half = `${target.privateKeyPath}.pub`
        const only = [block(half, `IdentityAgent ${path}`, "IdentitiesOnly yes")]
        assert.deepStrictEqual(yield* sources(only), [`${half} (agent)`])
        for (const lines of [["IdentityAgent none"], [`IdentityAgent ${path}`, "IdentitiesOnly yes"]]) {
          const error = yield* refusal([block("none", ...lines)]).pipe(Effect.provide(platform))
          assert.deepStrictEqual([...reasonOf(error, "AuthRejected", no).attempts], [])
        }
      })
    )

    it.effect("gives up after ConnectTimeout", () =>
      Effect.gen(function* () {
        const silent = yield* listener(() => {})
        const target = { ...(yield* OpenSshServer.OpenSshServer), ...silent }
        const error = yield* refusal([hostBlock("target", target, "ConnectTimeout 1")])
        assert.deepInclude(reasonOf(error, "ConnectTimeout", { isRetryable: true }), {
          stage: "banner",
          timeoutMs: 1000
        })
      })
    )
  })
})
