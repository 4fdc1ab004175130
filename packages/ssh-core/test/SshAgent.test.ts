import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Path } from "effect"
import * as ClientPlatform from "@toehold/ssh-core/ClientPlatform"
import * as SshAgent from "@toehold/ssh-core/SshAgent"
import * as SshLogin from "@toehold/ssh-core/SshLogin"
import * as KeyPair from "@toehold/lab/KeyPair"
import { describeWith } from "@toehold/lab/RealPart"
import { agent, mute } from "./support/agent.ts"
import { services } from "./support/machine.ts"

const onPlatform = <A, E, R>(
  platform: Partial<ClientPlatform.Platform>,
  use: (platform: ClientPlatform.Platform) => Effect.Effect<A, E, R>
) => Effect.flatMap(ClientPlatform.ClientPlatform, use).pipe(Effect.provide(ClientPlatform.layerOf(platform)))

const located = (
  platform: Partial<ClientPlatform.Platform>,
  options?: Parameters<typeof SshAgent.locate>[1]
): Effect.Effect<ReadonlyArray<string>> =>
  onPlatform(platform, (platform) => Effect.succeed(SshAgent.locate(platform, options)))

const openSshPipe = "\\\\.\\pipe\\openssh-ssh-agent"
const pipes = ["InitShutdown", "pageant.Me.0123abc", "pageant.You.0123abc", "pageant.me.fedcba", "openssh-ssh-agent"]

describe("SshAgent.locate", () => {
  it.effect("finds the environment's agent on Linux and macOS, unless the configuration names another or none", () =>
    Effect.gen(function* () {
      for (const os of ["linux", "darwin"]) {
        const platform = { os, env: { SSH_AUTH_SOCK: "/run/agent" } }
        assert.deepStrictEqual(yield* located(platform), ["/run/agent"])
        assert.deepStrictEqual(yield* located(platform, { configured: "SSH_AUTH_SOCK" }), ["/run/agent"])
        assert.deepStrictEqual(yield* located(platform, { configured: "/run/other" }), ["/run/other"])
        assert.deepStrictEqual(yield* located(platform, { configured: "none" }), [])
        for (const env of [{}, { SSH_AUTH_SOCK: "" }]) assert.deepStrictEqual(yield* located({ os, env }), [])
      }
    })
  )

  it.effect("finds OpenSSH's pipe and this user's Pageants on Windows", () =>
    Effect.gen(function* () {
      const platform = { os: "win32", userName: "Me" }
      const pageants = ["\\\\.\\pipe\\pageant.Me.0123abc", "\\\\.\\pipe\\pageant.me.fedcba"]
      assert.deepStrictEqual(yield* located(platform, { pipes }), [openSshPipe, ...pageants])
      assert.deepStrictEqual(yield* located(platform), [openSshPipe])
      assert.deepStrictEqual(yield* located(platform, { configured: "none", pipes }), [])
      const own = { ...platform, env: { SSH_AUTH_SOCK: "\\\\.\\pipe\\own" } }
      assert.deepStrictEqual(yield* located(own), ["\\\\.\\pipe\\own", openSshPipe])
    })
  )

  it.effect("is asked with the pipes that Windows lists", () =>
    Effect.gen(function* () {
      const listed: Array<string> = []
      const disk = FileSystem.layerNoop({
        readDirectory: (path) => Effect.sync(() => (listed.push(path), pipes)),
        exists: () => Effect.succeed(false)
      })
      const { client } = yield* SshLogin.resolve("root@host").pipe(
        Effect.provide([disk, Path.layer, ClientPlatform.layerOf({ os: "win32", userName: "you" })])
      )
      assert.deepStrictEqual(listed, ["\\\\.\\pipe\\"])
      assert.deepStrictEqual(client.agentPaths, [openSshPipe, "\\\\.\\pipe\\pageant.You.0123abc"])
    })
  )
})

describeWith(["ssh-agent"], "SshAgent.keys", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    it.effect("lists what a real agent holds, and nothing where there is none", () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const { add, path } = yield* agent
        assert.deepStrictEqual(yield* SshAgent.keys(path), [])
        const keys = yield* Effect.forEach(["ed25519", "ecdsa", "rsa"] as const, (type) => KeyPair.generate(type, type))
        const folder = yield* fs.makeTempDirectoryScoped()
        for (const key of keys) {
          yield* fs.writeFileString(`${folder}/${key.type}`, key.privateKey, { mode: 0o600 })
          yield* add(`${folder}/${key.type}`)
        }
        assert.deepStrictEqual(
          (yield* SshAgent.keys(path)).map(({ comment, fingerprint, keyType }) => [comment, keyType, fingerprint]),
          keys.map((key) => [key.type, key.algorithm, key.fingerprint])
        )
        for (const nothing of [`${path}-none`, folder, `${folder}/rsa`]) {
          assert.deepStrictEqual(yield* SshAgent.keys(nothing), [])
        }
      })
    )

    it.effect("hangs up on an agent that does not answer, when it is interrupted", () =>
      Effect.gen(function* () {
        const { path } = yield* agent
        const silent = yield* mute(path, 11)
        yield* Effect.timeoutOption(SshAgent.keys(silent.path), "100 millis")
        while (silent.open() > 0) yield* Effect.sleep("5 millis")
      })
    )
  })
})
