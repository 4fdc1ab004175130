import { assert, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import * as SshLogin from "@toehold/ssh-core/SshLogin"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import type { SshServer } from "@toehold/lab/SshServer"
import { endOf } from "./support/failing.ts"
import { services } from "./support/machine.ts"
import { leavesNothing } from "./support/sockets.ts"

const sh = SshCommand.shell

describeWith(["sshd"], "A login through jump hosts", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    /** A chain of aliases, each with the next as its jump host, keys and host keys of its own each. */
    const chain = Effect.fnUntraced(function* (hops: ReadonlyArray<SshServer>, last: { readonly port: number }) {
      const fs = yield* FileSystem.FileSystem
      const names = hops.map((_, at) => (at === 0 ? "target" : `hop-${at}`))
      const blocks = hops.map((server, at) =>
        [
          `Host ${names[at]}`,
          `HostName ${server.host}`,
          `Port ${at === hops.length - 1 ? last.port : server.port}`,
          `User ${server.user}`,
          `IdentityFile ${server.privateKeyPath}`,
          `HostKeyAlias ${names[at]}`,
          ...(names[at + 1] === undefined ? [] : [`ProxyJump ${names[at + 1]}`])
        ].join("\n")
      )
      const dir = yield* fs.makeTempDirectoryScoped()
      const known = hops.map(
        ({ hostKeys: [key] }, at) => `${names[at]} ${key?.algorithm} ${key?.blob.toString("base64")}\n`
      )
      yield* fs.writeFileString(`${dir}/known_hosts`, known.join(""))
      const all = `Host *\nIdentityAgent none\nIdentitiesOnly yes\nUserKnownHostsFile ${dir}/known_hosts\nStrictHostKeyChecking yes\n`
      yield* fs.writeFileString(`${dir}/config`, [...blocks, all].join("\n\n"))
      return (options: SshLogin.Options = {}) =>
        SshLogin.connect(`ssh -F ${dir}/config target`, { spareSessions: 0, ...options })
    })

    it.effect("goes through three, each an alias that names the one before it, or all of them in a mixed list", () =>
      leavesNothing(
        Effect.gen(function* () {
          const servers = yield* Effect.forEach(
            [
              {},
              { hostKeyTypes: ["ecdsa"] as const, userKeyType: "ecdsa" as const },
              { hostKeyTypes: ["rsa"] as const, userKeyType: "rsa" as const },
              { address: "::1" as const }
            ],
            (options) => OpenSshServer.make(options)
          )
          const [target, inner, middle, outer] = servers
          if (target === undefined || inner === undefined || middle === undefined || outer === undefined) {
            return assert.fail("there are four")
          }
          const counts = Effect.forEach([outer, middle, inner, target], ({ connectionCount }) => connectionCount)
          const login = yield* chain(servers, outer)
          yield* Effect.gen(function* () {
            const ssh = yield* login()
            const { stdout } = yield* ssh.exec(sh("echo $SSH_CONNECTION"))
            assert.match(stdout.text, new RegExp(` ${target.port}\n$`))
          }).pipe(Effect.scoped)
          assert.deepStrictEqual(yield* counts, [1, 1, 1, 1])

          // An alias, a user with an address and a port, an ssh:// address: each resolved by the same file.
          const fs = yield* FileSystem.FileSystem
          const config = `${target.tempDir}/mixed`
          yield* fs.writeFileString(
            config,
            [
              `Host first`,
              `HostName ${outer.host}`,
              `Port ${outer.port}`,
              `Host last`,
              `HostName ${target.host}`,
              `Port ${target.port}`,
              `ProxyJump first,${middle.user}@${middle.host}:${middle.port},ssh://${inner.user}@${inner.host}:${inner.port}`,
              `Host *`,
              `User ${target.user}`,
              `IdentityAgent none`,
              ...servers.map(({ privateKeyPath }) => `IdentityFile ${privateKeyPath}`),
              `UserKnownHostsFile ${servers.map(({ knownHostsPath }) => knownHostsPath).join(" ")}`,
              `GlobalKnownHostsFile none`,
              `StrictHostKeyChecking yes`
            ].join("\n")
          )
          const mixed = yield* SshLogin.connect(`ssh -F ${config} last`, { spareSessions: 0 })
          const { stdout } = yield* mixed.exec(sh("echo $SSH_CONNECTION"))
          assert.match(stdout.text, new RegExp(` ${target.port}\n$`))
          assert.deepStrictEqual(yield* counts, [2, 2, 2, 2])
        })
      )
    )

    it.effect("that is cut anywhere on the way fails as one that may be tried again", () =>
      leavesNothing(
        Effect.gen(function* () {
          const servers = yield* Effect.forEach([0, 1, 2], () => OpenSshServer.make({ config: ["MaxStartups 100"] }))
          const outer = servers[2] ?? assert.fail("there are three")
          const through = (direction: "toClient" | "toServer", bytes: number | undefined) =>
            Effect.gen(function* () {
              const cutAfter =
                bytes === undefined ? undefined : ({ bytes, by: bytes % 2 === 0 ? "fin" : "rst" } as const)
              const proxy = yield* FaultProxy.make({ target: outer, [direction]: { cutAfter } })
              yield* (yield* chain(servers, proxy))()
              return (yield* proxy.bytes)[direction]
            })
          for (const direction of ["toClient", "toServer"] as const) {
            const total = yield* Effect.scoped(through(direction, undefined))
            const ends = yield* Effect.forEach(
              Array.from({ length: 20 }, (_, at) => Math.floor(((at + 0.5) * total) / 20)),
              (bytes) => endOf(through(direction, bytes)),
              { concurrency: 3 }
            )
            assert.isAbove(ends.filter((end) => end !== "success").length, 16, ends.join())
          }
        })
      )
    )
  })
})
