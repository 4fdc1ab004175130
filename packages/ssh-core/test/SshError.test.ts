import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import * as Http from "node:http"
import * as Net from "node:net"
import * as HostKeys from "@toehold/ssh-core/HostKeys"
import * as SshClient from "@toehold/ssh-core/SshClient"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import * as InProcessServer from "@toehold/lab/InProcessServer"
import * as KeyPair from "@toehold/lab/KeyPair"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import { knownHostsLine } from "@toehold/lab/SshServer"
import { connectTo, failure, hasUnansweredPorts, listener, reasonOf, unansweredPort } from "./support/failing.ts"
import { optionsFor, services } from "./support/machine.ts"

describe("SshError before SSH", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    it.effect("DnsFailed", () =>
      Effect.gen(function* () {
        const error = yield* failure({ host: "no-such-host.invalid" })
        const { code } = reasonOf(error, "DnsFailed", { isRetryable: error.message.includes("EAI_AGAIN") })
        assert.match(code, /^(ENOTFOUND|EAI_AGAIN|EAI_FAIL)$/)
        assert.include(error.message, "no-such-host.invalid")
      })
    )

    it.effect("ConnectionRefused", () =>
      Effect.gen(function* () {
        const { port } = yield* Effect.scoped(listener(() => {}))
        const error = yield* failure({ host: "127.0.0.1", port })
        assert.deepInclude(reasonOf(error, "ConnectionRefused", { isRetryable: true }), { host: "127.0.0.1", port })
      })
    )

    it.effect("HostUnreachable", () =>
      Effect.gen(function* () {
        // TCP to a broadcast address has no route, whatever networks the machine has.
        const error = yield* failure({ host: "127.255.255.255" })
        assert.match(
          reasonOf(error, "HostUnreachable", { isRetryable: true }).code,
          /^(ENETUNREACH|EACCES|EHOSTUNREACH|EADDRNOTAVAIL)$/
        )
      })
    )

    if (hasUnansweredPorts) {
      it.effect("ConnectTimeout at tcp, where packets vanish", () =>
        Effect.gen(function* () {
          const error = yield* failure({ host: "127.0.0.1", port: yield* unansweredPort, connectTimeout: "300 millis" })
          const reason = reasonOf(error, "ConnectTimeout", { isRetryable: true })
          assert.deepInclude(reason, { stage: "tcp", timeoutMs: 300 })
        })
      )
    }

    it.effect("ConnectTimeout at banner, where something accepts and stays silent", () =>
      Effect.gen(function* () {
        const silent = yield* listener(() => {})
        const error = yield* failure({ ...silent, connectTimeout: "200 millis" })
        assert.strictEqual(reasonOf(error, "ConnectTimeout", { isRetryable: true }).stage, "banner")
      })
    )

    const strangers: Readonly<Record<string, readonly [(socket: Net.Socket) => void, RegExp]>> = {
      "sends a line and waits": [(socket) => socket.write("220 mail.example.org ESMTP\r\n"), /^220 mail/],
      "sends half a line and waits": [(socket) => socket.write("login: "), /^login: $/],
      "sends binary": [(socket) => socket.write(Buffer.from([0x15, 3, 3, 0, 2, 2, 10, 0, 255])), /^\\u0015/],
      "sends binary and ends": [(socket) => socket.end(Buffer.from([0, 13, 65, 66])), /^\\u0000/],
      "sends lines and ends": [(socket) => socket.end("go\naway\n"), /^go\\naway/],
      "never ends a line": [(socket) => socket.write("x".repeat(1_000_000)), /^x{120}$/],
      "never ends": [(socket) => socket.write("all work\n".repeat(200_000)), /^all work\\n/]
    }
    for (const [title, [speak, received]] of Object.entries(strangers)) {
      it.effect(`NotSsh, from a server that ${title}`, () =>
        Effect.gen(function* () {
          const server = yield* listener(speak)
          const error = yield* failure({ ...server, connectTimeout: "300 millis" })
          const reason = reasonOf(error, "NotSsh", { isRetryable: false })
          assert.match(reason.received, received)
          assert.isAtMost(reason.received.length, 120)
        })
      )
    }

    it.effect("NotSsh, from a web server", () =>
      Effect.gen(function* () {
        const http = Http.createServer()
        const server = yield* listener((socket) => http.emit("connection", socket))
        assert.match(reasonOf(yield* failure(server), "NotSsh", { isRetryable: false }).received, /^HTTP\/1.1 400/)
      })
    )

    it.effect("ConnectionClosed at banner, by an end or a reset before a word", () =>
      Effect.gen(function* () {
        for (const by of ["fin", "rst"] as const) {
          const server = yield* InProcessServer.make({ fault: { at: "connect", by } })
          const error = yield* failure(optionsFor(server))
          // A reset may overtake the kernel's news of the connection.
          const { stage } = reasonOf(error, "ConnectionClosed", { isRetryable: true })
          assert.include(by === "rst" ? ["tcp", "banner"] : ["banner"], stage)
        }
      })
    )

    it.effect("ConnectionClosed at banner, by a reset while an event is told about", () =>
      Effect.gen(function* () {
        const server = yield* listener((socket) => void setTimeout(() => socket.resetAndDestroy(), 20))
        const error = yield* failure({ ...server, onEvent: () => Effect.sleep("30 millis") })
        assert.strictEqual(reasonOf(error, "ConnectionClosed", { isRetryable: true }).stage, "banner")
      })
    )

    it.effect("ConnectionClosed at banner, with the words of an sshd that turns clients away", () =>
      Effect.gen(function* () {
        for (const words of ["Exceeded MaxStartups", "Not allowed at this time"]) {
          const server = yield* listener((socket) => socket.end(`${words}\r\n`))
          const reason = reasonOf(yield* failure(server), "ConnectionClosed", { isRetryable: true })
          assert.deepInclude(reason, { stage: "banner", detail: words })
        }
      })
    )
  })
})

describe("SshError during the handshake", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    for (const [at, stage] of [
      ["ident", "kex"],
      ["kex", "kex"],
      ["auth", "auth"]
    ] as const) {
      it.effect(`ConnectTimeout and ConnectionClosed at ${stage}, after ${at}`, () =>
        Effect.gen(function* () {
          const server = yield* InProcessServer.make({ fault: { at, by: "silence" } })
          const slow = yield* failure(optionsFor(server, { connectTimeout: "400 millis" }))
          assert.strictEqual(reasonOf(slow, "ConnectTimeout", { isRetryable: true }).stage, stage)
          for (const by of ["fin", "rst"] as const) {
            yield* server.setFault({ at, by })
            const closed = yield* failure(optionsFor(server))
            // A reset may overtake the identification.
            const found = reasonOf(closed, "ConnectionClosed", { isRetryable: true }).stage
            assert.include(by === "rst" && at === "ident" ? ["tcp", "banner", "kex"] : [stage], found)
          }
        })
      )
    }

    it.effect("ConnectTimeout and ConnectionClosed at host-key, while the key is looked up", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make()
        const proxy = yield* FaultProxy.make({ target: server })
        const service = yield* HostKeys.make({ policy: "off" })
        const failing = (look: Effect.Effect<void>) =>
          SshClient.make({ ...optionsFor(server), port: proxy.port, connectTimeout: "800 millis" }).pipe(
            Effect.provideService(HostKeys.HostKeys, {
              ...service,
              verify: (request) => Effect.andThen(look, service.verify(request))
            }),
            Effect.scoped,
            Effect.flip
          )
        const slow = yield* failing(Effect.never)
        assert.strictEqual(reasonOf(slow, "ConnectTimeout", { isRetryable: true }).stage, "host-key")
        for (const by of ["fin", "rst"] as const) {
          const closed = yield* failing(Effect.andThen(proxy.cut(by), Effect.sleep("50 millis")))
          assert.strictEqual(reasonOf(closed, "ConnectionClosed", { isRetryable: true }).stage, "host-key")
        }
      })
    )
  })
})

describe("SshError about the host key", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    const withFile = Effect.fnUntraced(function* (...lines: ReadonlyArray<string>) {
      const fs = yield* FileSystem.FileSystem
      const path = `${yield* fs.makeTempDirectoryScoped()}/known_hosts`
      yield* fs.writeFileString(path, [...lines, ""].join("\n"))
      return path
    })

    it.effect("HostKeyUnknown, with the fingerprint to compare", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make()
        const file = yield* withFile()
        const error = yield* failure(optionsFor(server), { policy: "strict", userFiles: [file] })
        const reason = reasonOf(error, "HostKeyUnknown", { isRetryable: false })
        assert.deepInclude(reason, { keyType: "ssh-ed25519", files: [file], certAuthority: false })
        assert.include(error.message, reason.fingerprint)
        assert.include(
          server.hostKeys.map((key) => key.fingerprint),
          reason.fingerprint
        )
        assert.include(error.fix, `toehold hosts trust "127.0.0.1:${server.port}"`)
        assert.deepStrictEqual(yield* server.attempts, [])
      })
    )

    it.effect("HostKeyChanged, with both fingerprints, and no attempt to log in", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make({ hostKeyTypes: ["ed25519"] })
        const other = yield* KeyPair.generate("ed25519")
        const file = yield* withFile(knownHostsLine(server.host, server.port, other))
        for (const policy of ["strict", "accept-new"] as const) {
          const error = yield* failure(optionsFor(server), { policy, userFiles: [file] })
          const reason = reasonOf(error, "HostKeyChanged", { isRetryable: false })
          assert.strictEqual(reason.fingerprint, server.hostKeys[0]?.fingerprint)
          const known = { keyType: "ssh-ed25519", fingerprint: other.fingerprint, file, line: 1 }
          assert.deepStrictEqual([...reason.known], [known])
        }
        assert.deepStrictEqual(yield* server.attempts, [])
      })
    )

    it.effect("HostKeyChanged without a fingerprint, from a host that has none of the known types", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make({ hostKeyTypes: ["ecdsa"] })
        const file = yield* withFile(knownHostsLine(server.host, server.port, yield* KeyPair.generate("ed25519")))
        const error = yield* failure(optionsFor(server), { userFiles: [file] })
        assert.strictEqual(reasonOf(error, "HostKeyChanged", { isRetryable: false }).fingerprint, "")
      })
    )

    it.effect("HostKeyRevoked, under every policy", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make({ hostKeyTypes: ["ed25519"] })
        const file = yield* withFile(...server.knownHosts, `@revoked * ${server.hostKeys[0]?.publicKey}`)
        for (const policy of ["strict", "accept-new", "off"] as const) {
          const error = yield* failure(optionsFor(server), { policy, userFiles: [file] })
          const reason = reasonOf(error, "HostKeyRevoked", { isRetryable: false })
          assert.deepInclude(reason, { file, line: 2, fingerprint: server.hostKeys[0]?.fingerprint ?? "" })
        }
        assert.deepStrictEqual(yield* server.attempts, [])
      })
    )

    it.effect("none of them, for a host that has a further key of a new type", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make({ hostKeyTypes: ["ed25519", "ecdsa"] })
        const [, ecdsa] = server.hostKeys
        const file = yield* withFile(server.knownHosts[1] ?? "")
        const { connection } = yield* connectTo(optionsFor(server), { policy: "strict", userFiles: [file] })
        assert.deepStrictEqual(connection.hostKey, {
          keyType: "ecdsa-sha2-nistp256",
          fingerprint: ecdsa?.fingerprint ?? ""
        })
      })
    )
  })
})

describeWith(["sshd"], "SshError of a real sshd", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    const kinds = [
      ["kex", "KexAlgorithms sntrup761x25519-sha512@openssh.com", ["sntrup761x25519-sha512@openssh.com"]],
      ["cipher", "Ciphers 3des-cbc", ["3des-cbc"]],
      ["host-key", "HostKeyAlgorithms ecdsa-sha2-nistp256", ["ecdsa-sha2-nistp256"]]
    ] as const
    for (const [kind, line, theirs] of kinds) {
      it.effect(`NoCommonAlgorithm of kind ${kind}, with both lists`, () =>
        Effect.gen(function* () {
          const server = yield* OpenSshServer.make({ config: [line] })
          const error = yield* failure({
            ...optionsFor(server),
            algorithms: { hostKey: kind === "host-key" ? { mode: "replace", names: ["ssh-ed25519"] } : undefined }
          })
          const reason = reasonOf(error, "NoCommonAlgorithm", { isRetryable: false })
          assert.strictEqual(reason.kind, kind)
          // A list of the server may end with names that are no algorithms (RFC 8308, strict key exchange).
          assert.deepStrictEqual(reason.serverOffers.slice(0, theirs.length), [...theirs])
          assert.isNotEmpty(reason.offered)
          assert.notIncludeMembers([...reason.offered], [...theirs])
          for (const name of [...reason.offered, ...theirs]) assert.include(error.message, name)
        })
      )
    }

    it.effect("NoCommonAlgorithm of kind mac", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make({ config: ["MACs umac-64@openssh.com"] })
        const algorithms = { ciphers: { mode: "replace", names: ["aes128-ctr"] } } as const
        const reason = reasonOf(yield* failure({ ...optionsFor(server), algorithms }), "NoCommonAlgorithm", {
          isRetryable: false
        })
        assert.deepInclude(reason, { kind: "mac", serverOffers: ["umac-64@openssh.com"] })
      })
    )

    it.effect("NoCommonAlgorithm, where the wish leaves nothing that is supported: never all of them instead", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make()
        const nothing = { mode: "replace", names: ["no-such-algorithm"] } as const
        for (const [field, kind] of [
          ["ciphers", "cipher"],
          ["keyExchange", "kex"],
          ["hostKey", "host-key"]
        ] as const) {
          const error = yield* failure({ ...optionsFor(server), algorithms: { [field]: nothing } })
          const reason = reasonOf(error, "NoCommonAlgorithm", { isRetryable: false })
          assert.deepInclude(reason, { kind, offered: [] })
        }
        const algorithms = { macs: nothing, ciphers: { mode: "replace", names: ["aes128-ctr"] } } as const
        const error = yield* failure({ ...optionsFor(server), algorithms })
        assert.strictEqual(reasonOf(error, "NoCommonAlgorithm", { isRetryable: false }).kind, "mac")
      })
    )

    it.effect("ConnectionClosed at banner, beyond MaxStartups", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make({ config: ["MaxStartups 1", "LoginGraceTime 30"] })
        const socket = yield* Effect.acquireRelease(
          Effect.sync(() => Net.connect(server.port, server.host).on("error", () => {})),
          (socket) => Effect.sync(() => socket.destroy())
        )
        yield* Effect.callback<void>((resume) => void socket.once("data", () => resume(Effect.void)))
        const error = yield* failure(optionsFor(server))
        assert.strictEqual(reasonOf(error, "ConnectionClosed", { isRetryable: true }).stage, "banner")
      })
    )
  })
})
