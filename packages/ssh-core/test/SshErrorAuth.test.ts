import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, FileSystem, Redacted } from "effect"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import type * as SshClient from "@toehold/ssh-core/SshClient"
import * as SshLogin from "@toehold/ssh-core/SshLogin"
import * as AuthScript from "@toehold/lab/AuthScript"
import * as DropbearServer from "@toehold/lab/DropbearServer"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import * as InProcessServer from "@toehold/lab/InProcessServer"
import * as KeyPair from "@toehold/lab/KeyPair"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import * as RealPart from "@toehold/lab/RealPart"
import { describeWith } from "@toehold/lab/RealPart"
import type { SshServer } from "@toehold/lab/SshServer"
import { agent, mute } from "./support/agent.ts"
import { connectTo, faces, failure, reasonOf, withLog } from "./support/failing.ts"
import { optionsFor, services } from "./support/machine.ts"

const password = Redacted.make("pass-w0rd-that-nobody-may-see")

/** Key files of nobody's, in a folder of their own. */
const strangers = Effect.fnUntraced(function* (count: number) {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* fs.makeTempDirectoryScoped()
  return yield* Effect.forEach(Array.from({ length: count }).keys(), (index) =>
    Effect.gen(function* () {
      const key = yield* KeyPair.generate("ed25519", `stranger-${index}`)
      const path = `${folder}/key${index}`
      yield* fs.writeFileString(path, key.privateKey, { mode: 0o600 })
      yield* fs.writeFileString(`${path}.pub`, key.publicKey)
      return { ...key, path }
    })
  )
})

const identities = (...paths: ReadonlyArray<string>): SshClient.Options["identities"] =>
  paths.map((path) => ({ path, origin: "configured" }))

const methodsSeen = (server: InProcessServer.InProcessServer["Service"]) =>
  Effect.map(server.attempts, (attempts) => [...new Set(attempts.map(({ method }) => method))])

const fixOf = (...args: Parameters<typeof failure>) => Effect.map(failure(...args), (error) => error.fix)

/** How logging in with a key that was named fails. */
const login = (server: SshServer, key: string, options: SshLogin.Options = {}) =>
  SshLogin.connect(`ssh -F none -i ${key} -p ${server.port} ${server.user}@${server.host}`, {
    hostKeyPolicy: "off",
    ...options
  }).pipe(Effect.scoped, Effect.flip)

describeWith(["ssh-keygen"], "SshError about a key that was named", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    it.effect("each Key reason, and no attempt to log in", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make()
        const [key] = yield* strangers(1)
        const path = key?.path ?? ""
        const no = { isRetryable: false }

        assert.strictEqual(reasonOf(yield* login(server, `${path}-none`), "KeyUnreadable", no).path, `${path}-none`)
        Fs.writeFileSync(`${path}-broken`, "-----BEGIN OPENSSH PRIVATE KEY-----\nxxxx\n", { mode: 0o600 })
        reasonOf(yield* login(server, `${path}-broken`), "KeyUnreadable", no)
        reasonOf(yield* login(server, `${path}.pub`), "KeyIsPublic", no)
        Fs.chmodSync(path, 0o644)
        const open = yield* login(server, path)
        assert.strictEqual(reasonOf(open, "KeyPermissions", no).mode, 0o644)
        assert.include(open.fix, `chmod 600 ${path}`)
        Fs.chmodSync(path, 0o600)

        const encrypt = ["-p", "-f", path, "-P", "", "-N", "the-right-passphrase"]
        ChildProcess.execFileSync(RealPart.path("ssh-keygen"), encrypt, { stdio: "ignore" })
        reasonOf(yield* login(server, path), "KeyPassphraseMissing", no)
        const wrong = yield* login(server, path, { passphrase: Redacted.make("the-wrong-passphrase") })
        reasonOf(wrong, "KeyPassphraseWrong", no)
        assert.notInclude(faces(wrong), "the-wrong-passphrase")
        assert.deepStrictEqual(yield* server.attempts, [])

        const right = yield* login(server, path, { passphrase: Redacted.make("the-right-passphrase") })
        assert.strictEqual(reasonOf(right, "AuthRejected", no).attempts[0]?.fingerprint, key?.fingerprint)
      })
    )
  })
})

describe("SshError of a login", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    it.effect("AuthRejected names each key that was tried, each that was skipped, and what the server takes", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make({ password })
        const [first, second] = yield* strangers(2)
        const options = optionsFor(server, {
          identities: identities(first?.path ?? "", "/nowhere/key", second?.path ?? "")
        })
        const { value: error, lines } = yield* withLog(failure(options))
        const reason = reasonOf(error, "AuthRejected", { isRetryable: false })
        assert.deepStrictEqual(
          reason.attempts.map(({ fingerprint, result, source }) => [source, fingerprint, result]),
          [
            ["/nowhere/key", undefined, "skipped"],
            [first?.path, first?.fingerprint, "rejected"],
            [second?.path, second?.fingerprint, "rejected"]
          ]
        )
        assert.deepStrictEqual([...reason.serverOffers], ["publickey", "password"])
        for (const attempt of reason.attempts) {
          assert.include(error.message, attempt.summary)
          // Each answer shows in the log as well.
          assert.isTrue(lines.some((line) => line.includes(JSON.stringify(attempt.summary).slice(1, -1))))
        }
        assert.include(error.fix, "authorized_keys")
      })
    )

    it.effect("tries no password and no keyboard-interactive unless one is given", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make({
          auth: () => Effect.succeed(AuthScript.reject(["publickey", "password", "keyboard-interactive"]))
        })
        reasonOf(yield* failure(optionsFor(server)), "AuthRejected", { isRetryable: false })
        assert.deepStrictEqual(yield* methodsSeen(server), ["publickey"])
        const bare = yield* failure(optionsFor(server, { identities: [] }))
        const reason = reasonOf(bare, "AuthRejected", { isRetryable: false })
        assert.deepStrictEqual([...reason.attempts], [])
        assert.deepStrictEqual([...reason.serverOffers], ["publickey", "password", "keyboard-interactive"])
        assert.deepStrictEqual(yield* methodsSeen(server), ["publickey", "none"])
        yield* failure(optionsFor(server, { password, methods: ["publickey", "keyboard-interactive"] }))
        assert.deepStrictEqual(yield* methodsSeen(server), ["publickey", "none", "keyboard-interactive"])
        yield* failure(optionsFor(server, { password }))
        assert.include(yield* methodsSeen(server), "password")
      })
    )

    it.effect("AuthRejected says what to do by what was tried and what the server takes", () =>
      Effect.gen(function* () {
        const keysOnly = yield* InProcessServer.make()
        assert.include(yield* fixOf(optionsFor(keysOnly, { identities: [] })), "-i FILE")
        assert.include(yield* fixOf(optionsFor(keysOnly, { identities: [], password })), "-i FILE")
        const broken = identities("/nowhere/key")
        assert.include(yield* fixOf(optionsFor(keysOnly, { identities: broken, password })), "/nowhere/key")
        const passwordOnly = yield* InProcessServer.make({
          auth: () => Effect.succeed(AuthScript.reject(["password"]))
        })
        assert.include(yield* fixOf(optionsFor(passwordOnly)), "--password-env")
        assert.match(yield* fixOf(optionsFor(passwordOnly, { password })), /^Check the password/)
      })
    )

    it.effect("answers questions with the password, but for those whose answer is shown", () =>
      Effect.gen(function* () {
        const given: Array<ReadonlyArray<string>> = []
        const server = yield* InProcessServer.make({
          auth: (attempt) =>
            Effect.sync(() => {
              if (attempt.method !== "keyboard-interactive") return AuthScript.reject(["keyboard-interactive"])
              if (attempt.answers === undefined) {
                return AuthScript.ask([{ prompt: "Name: ", echo: true }, { prompt: "Password: " }])
              }
              given.push(attempt.answers.map(Redacted.value))
              return AuthScript.accept
            })
        })
        const { connection } = yield* connectTo(optionsFor(server, { password }))
        assert.deepStrictEqual(given, [["", Redacted.value(password)]])
        assert.deepStrictEqual(
          connection.authAttempts.map(({ method, result }) => [method, result]),
          [
            ["publickey", "rejected"],
            ["password", "skipped"],
            ["keyboard-interactive", "accepted"]
          ]
        )
      })
    )

    it.effect("gives up on a server that asks for ever", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make({
          auth: (attempt) =>
            Effect.succeed(
              attempt.method === "keyboard-interactive"
                ? AuthScript.ask([{ prompt: "Again: " }])
                : AuthScript.reject(["keyboard-interactive"])
            )
        })
        const error = yield* failure(optionsFor(server, { password, connectTimeout: "2 seconds" }))
        assert.notStrictEqual(error.reason._tag, "ConnectTimeout", error.message)
        assert.isBelow((yield* server.attempts).length, 20)
      })
    )

    it.effect("PasswordExpired, by a demand for a new password and by a question for one", () =>
      Effect.gen(function* () {
        const demanding = yield* InProcessServer.make({
          auth: (attempt) =>
            Effect.succeed(
              attempt.method === "password" ? AuthScript.changePassword("Too old") : AuthScript.reject(["password"])
            )
        })
        const demanded = yield* failure(optionsFor(demanding, { password }))
        assert.strictEqual(reasonOf(demanded, "PasswordExpired", { isRetryable: false }).prompt, "Too old")
        assert.notInclude(yield* methodsSeen(demanding), "password-change")
        const asking = yield* InProcessServer.make({
          auth: (attempt) =>
            Effect.succeed(
              attempt.method !== "keyboard-interactive"
                ? AuthScript.reject(["keyboard-interactive"])
                : AuthScript.ask([{ prompt: attempt.answers === undefined ? "Password: " : "New password: " }])
            )
        })
        const asked = yield* failure(optionsFor(asking, { password }))
        assert.strictEqual(reasonOf(asked, "PasswordExpired", { isRetryable: false }).prompt, "New password:")
      })
    )

    it.effect("shows no secret in an error, a value or a log line", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make({ password: Redacted.make("another one") })
        const [key] = yield* strangers(1)
        const passphrase = Redacted.make("passphrase-that-nobody-may-see")
        const options = optionsFor(server, { password, passphrase, identities: identities(key?.path ?? "") })
        const rejected = yield* withLog(failure(options))
        reasonOf(rejected.value, "AuthRejected", { isRetryable: false })
        const known = yield* InProcessServer.make({ password })
        const connected = yield* withLog(connectTo(optionsFor(known, { password, passphrase, identities: [] })))
        const shown = [
          faces(rejected.value),
          ...rejected.lines,
          faces(connected.value.connection),
          ...connected.lines
        ].join("\n")
        assert.isAbove(connected.lines.length, 5)
        assert.notInclude(shown, Redacted.value(password))
        assert.notInclude(shown, Redacted.value(passphrase))
        for (const line of (key?.privateKey ?? "").split("\n").slice(1, -2)) assert.notInclude(shown, line)
      })
    )
  })
})

describeWith(["ssh-agent"], "SshError of a login with an agent", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    it.effect("records the agent's keys one by one, and each key once", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make()
        const [first, second] = yield* strangers(2)
        const { add, path } = yield* agent
        yield* add(first?.path ?? "", second?.path ?? "", server.privateKeyPath)
        const { connection } = yield* connectTo(
          optionsFor(server, { identities: identities(second?.path ?? ""), agentPaths: [path] })
        )
        assert.deepStrictEqual(
          connection.authAttempts.map(({ fingerprint, result, source }) => [source, fingerprint, result]),
          [
            [second?.path, second?.fingerprint, "rejected"],
            ["agent:stranger-0", first?.fingerprint, "rejected"],
            ["agent:lab", server.key.fingerprint, "accepted"]
          ]
        )
        const only = yield* failure(optionsFor(server, { identities: [], agentPaths: [path], identitiesOnly: true }))
        assert.deepStrictEqual([...reasonOf(only, "AuthRejected", { isRetryable: false }).attempts], [])
      })
    )

    it.effect("goes on after a key that the agent won't sign with", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make({ password })
        const { add, path } = yield* agent
        // Each use must be confirmed, and there is nobody to do it.
        yield* add("-c", server.privateKeyPath)
        const options = optionsFor(server, { identities: [], agentPaths: [path] })
        const [attempt, ...others] = reasonOf(yield* failure(options), "AuthRejected", { isRetryable: false }).attempts
        assert.deepStrictEqual(others, [])
        assert.deepInclude(attempt, { source: "agent:lab", result: "rejected" })
        assert.match(attempt?.detail ?? "", /agent|sign/i)
        const { connection } = yield* connectTo({ ...options, password })
        assert.strictEqual(connection.authAttempts.at(-1)?.method, "password")
      })
    )

    it.effect("does not call it a partial success when the agent won't sign for the second method", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make({
          auth: (attempt) =>
            Effect.succeed(AuthScript.reject(["publickey"], { partial: attempt.method === "password" }))
        })
        const { add, path } = yield* agent
        yield* add("-c", server.privateKeyPath)
        const error = yield* failure(
          optionsFor(server, { identities: [], agentPaths: [path], password, methods: ["password", "publickey"] })
        )
        const { attempts } = reasonOf(error, "AuthRejected", { isRetryable: false })
        assert.deepStrictEqual(
          attempts.map(({ method, result }) => [method, result]),
          [
            ["password", "partial"],
            ["publickey", "rejected"]
          ]
        )
      })
    )

    for (const [request, title] of [
      [11, "does not list its keys"],
      [13, "does not sign"]
    ] as const) {
      it.effect(`ConnectTimeout at auth, with an agent that ${title}, and nothing left open`, () =>
        Effect.gen(function* () {
          const server = yield* InProcessServer.make()
          const { add, path } = yield* agent
          yield* add(server.privateKeyPath)
          const hanging = yield* mute(path, request)
          const options = optionsFor(server, {
            identities: [],
            agentPaths: [hanging.path],
            connectTimeout: "400 millis"
          })
          const error = yield* failure(options)
          assert.strictEqual(reasonOf(error, "ConnectTimeout", { isRetryable: true }).stage, "auth")
          yield* Effect.sleep("50 millis")
          assert.strictEqual(hanging.open(), 0)
        })
      )
    }

    it.effect("ConnectionClosed at auth, while the agent takes its time", () =>
      Effect.gen(function* () {
        const server = yield* InProcessServer.make()
        const proxy = yield* FaultProxy.make({ target: server })
        const { path } = yield* agent
        const hanging = yield* mute(path, 11)
        for (const by of ["fin", "rst"] as const) {
          const connecting = yield* Effect.forkChild(
            failure({ ...optionsFor(server), port: proxy.port, identities: [], agentPaths: [hanging.path] })
          )
          while (hanging.open() === 0) yield* Effect.sleep("5 millis")
          yield* proxy.cut(by)
          const error = yield* Fiber.join(connecting).pipe(Effect.timeout("2 seconds"))
          assert.strictEqual(reasonOf(error, "ConnectionClosed", { isRetryable: true }).stage, "auth", by)
          while (hanging.open() > 0) yield* Effect.sleep("5 millis")
        }
      })
    )
  })
})

describeWith(["sshd", "private-accounts"], "SshError of a login to a real sshd", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    it.effect("AuthRejected with the server's last words, after more keys than it takes", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make({ config: ["MaxAuthTries 2"] })
        const keys = yield* strangers(4)
        const error = yield* failure(optionsFor(server, { identities: identities(...keys.map(({ path }) => path)) }))
        const reason = reasonOf(error, "AuthRejected", { isRetryable: false })
        assert.deepStrictEqual(
          reason.attempts.map(({ result, source }) => [source, result]),
          [
            [keys[0]?.path, "rejected"],
            [keys[1]?.path, "rejected"]
          ]
        )
        assert.include(reason.detail ?? "", "Too many authentication failures")
        assert.include(error.message, "Too many authentication failures")
      })
    )

    for (const methods of ["publickey,password", "password,publickey"]) {
      it.effect(`logs in where the server wants ${methods}, and says so where one is missing`, () =>
        Effect.gen(function* () {
          const server = yield* OpenSshServer.make({
            config: [`AuthenticationMethods ${methods}`],
            account: { password }
          })
          const { connection } = yield* connectTo(optionsFor(server, { password }))
          assert.deepStrictEqual(
            connection.authAttempts
              .filter(({ result }) => result !== "skipped")
              .map(({ method, result }) => [method, result]),
            methods === "publickey,password"
              ? [
                  ["publickey", "partial"],
                  ["password", "accepted"]
                ]
              : [
                  ["publickey", "rejected"],
                  ["password", "partial"],
                  ["publickey", "accepted"]
                ]
          )
          const error = yield* failure(optionsFor(server))
          const reason = reasonOf(error, "AuthRejected", { isRetryable: false })
          assert.deepStrictEqual([...reason.serverOffers], ["password"])
          assert.include(error.fix, "--password-env")
        })
      )
    }

    it.effect("answers PAM's question with the password", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make({ keyboardInteractive: true, account: { password } })
        const options = optionsFor(server, { identities: [], password, methods: ["keyboard-interactive"] })
        const { connection } = yield* connectTo(options)
        assert.strictEqual(connection.authAttempts.at(-1)?.result, "accepted")
        const wrong = yield* failure({ ...options, password: Redacted.make("wrong") })
        const { attempts } = reasonOf(wrong, "AuthRejected", { isRetryable: false })
        assert.deepStrictEqual(
          attempts.map(({ method, result }) => [method, result]),
          [["keyboard-interactive", "rejected"]]
        )
      })
    )
  })
})

describeWith(["dropbear", "dropbearconvert", "private-accounts"], "SshError of a login to dropbear", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    it.effect("AuthRejected, after wrong keys, a wrong password, and more of them than it takes", () =>
      Effect.gen(function* () {
        const server = yield* DropbearServer.make({ args: ["-T", "3"], account: { password } })
        const keys = identities(...(yield* strangers(2)).map(({ path }) => path))
        const wrong = Redacted.make("wrong")
        const few = yield* failure(optionsFor(server, { identities: keys?.slice(0, 1), password: wrong }))
        const { attempts, serverOffers } = reasonOf(few, "AuthRejected", { isRetryable: false })
        assert.deepStrictEqual(
          attempts.map(({ method, result }) => [method, result]),
          [
            ["publickey", "rejected"],
            ["password", "rejected"],
            ["keyboard-interactive", "skipped"]
          ]
        )
        assert.sameMembers([...serverOffers], ["publickey", "password"])
        const many = yield* failure(optionsFor(server, { identities: keys, password: wrong }))
        assert.isAbove(reasonOf(many, "AuthRejected", { isRetryable: false }).attempts.length, 1)
      })
    )
  })
})
