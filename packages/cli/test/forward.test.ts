import { assert, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as Fs from "node:fs"
import { OpenSshServer } from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import { machineOf, sshd, withKey } from "./support/lab.ts"
import { start, toehold, toeholdJson } from "./support/program.ts"
import { greeter, portOf, talk } from "./support/sockets.ts"

interface Ready {
  readonly ready: boolean
  readonly kind: string
  readonly listen: string
  readonly to: string | null
}

describeWith(["sshd"], "toehold forward", () => {
  it.layer(sshd, { excludeTestServices: true })((it) => {
    it.effect("prints one ready line a forwarding when all are open, and ends with its interruption", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer
        const target = yield* greeter
        const socket = `${server.tempDir}/forwarded`
        const running = yield* start([
          "forward",
          machineOf(server),
          ...withKey(server),
          "--json",
          `-L0:127.0.0.1:${target}`,
          `-L${socket}:localhost:${target}`,
          "-D0",
          `-R0:127.0.0.1:${target}`
        ])
        const lines = (yield* running.lines(4)).map((line): Ready => JSON.parse(line))
        assert.deepStrictEqual(
          lines.map(({ kind, ready, to }) => ({ ready, kind, to })),
          [
            { ready: true, kind: "local", to: `127.0.0.1:${target}` },
            { ready: true, kind: "local", to: `localhost:${target}` },
            { ready: true, kind: "remote", to: `127.0.0.1:${target}` },
            { ready: true, kind: "dynamic", to: null }
          ]
        )
        const [first, second, third] = lines.map(({ listen }) => listen)
        assert.match(first ?? "", /^127\.0\.0\.1:\d+$/)
        assert.strictEqual(second, socket)
        assert.strictEqual(yield* talk(portOf(first ?? ""), "one"), "one")
        assert.strictEqual(yield* talk(socket, "two"), "two")
        assert.strictEqual(yield* talk(portOf(third ?? ""), "three"), "three")
        yield* Fiber.interrupt(running.fiber)
        assert.strictEqual(yield* talk(portOf(first ?? ""), "one"), "ECONNREFUSED")
        assert.strictEqual(yield* talk(portOf(third ?? ""), "one"), "ECONNREFUSED")
        assert.isFalse(Fs.existsSync(socket))
      })
    )

    it.effect("opens what a pasted command line and the configuration name, and says in words what is open", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer
        const target = yield* greeter
        const config = `${server.tempDir}/forwarding`
        Fs.writeFileSync(
          config,
          `Host web\nHostName ${server.host}\nPort ${server.port}\nUser ${server.user}\nLocalForward 0 localhost:${target}\n`
        )
        const running = yield* start([
          "forward",
          `ssh -F ${config} -R 0:localhost:${target} web`,
          "-i",
          server.privateKeyPath,
          "--known-hosts",
          server.knownHostsPath,
          "-D",
          "0",
          "-R",
          "0"
        ])
        const lines = (yield* running.lines(4)).map((line) => line.replaceAll(/127\.0\.0\.1:\d+/g, "IT"))
        assert.sameMembers(lines, [
          `IT here leads to localhost:${target} on web`,
          `IT on web leads to localhost:${target} here`,
          "IT on web is a SOCKS proxy that connects from here",
          "IT here is a SOCKS proxy that connects from web"
        ])
        assert.strictEqual(running.stderr(), "")
      })
    )

    it.effect("connects again on the same port, and says so on standard error", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer
        const target = yield* greeter
        const proxy = yield* FaultProxy.make({ target: server })
        const running = yield* start([
          "forward",
          `${server.user}@${proxy.host}:${proxy.port}`,
          "-i",
          server.privateKeyPath,
          "-F",
          "none",
          "--host-key",
          "off",
          "--json",
          "-L",
          `0:127.0.0.1:${target}`,
          "-L",
          "0:127.0.0.1:1"
        ])
        const [first, second] = (yield* running.lines(2)).map((line): Ready => JSON.parse(line))
        const port = portOf(first?.listen ?? "")
        yield* proxy.cut("rst")
        assert.strictEqual(yield* talk(port, "after the cut"), "after the cut")
        while (!running.stderr().includes("connected again")) yield* Effect.sleep("5 millis")
        assert.match(
          running.stderr(),
          /^toehold: the connection to the machine was lost \(.+\); connecting again\.\ntoehold: connected again\.\n$/
        )
        for (let times = 0; times < 3; times++) yield* talk(portOf(second?.listen ?? ""), "leads nowhere")
        const notices = running.stderr().split("\n").slice(2, -1)
        assert.strictEqual(notices.length, 1)
        assert.match(notices[0] ?? "", /^toehold: a connection to 127\.0\.0\.1:1 was closed: .*could not reach/)
        assert.strictEqual((yield* running.lines(2)).length, 2)
      })
    )

    it.effect(
      "fails with a document where a port is taken, and before anything is connected where it is one here",
      () =>
        Effect.gen(function* () {
          const server = yield* OpenSshServer
          const target = yield* greeter
          const failed = (...words: ReadonlyArray<string>) =>
            toeholdJson<{ readonly error: object }>(["forward", ...words, ...withKey(server), "--json"])
          const here = yield* failed("nobody@192.0.2.1", "-L", `${target}:localhost:1`)
          assert.strictEqual(here.exitCode, 75)
          assert.deepInclude(here.json.error, {
            reason: "PortInUse",
            isRetryable: true,
            outcome: "did-not-run",
            details: { side: "local", address: `127.0.0.1:${target}` }
          })
          const running = yield* start(["forward", machineOf(server), ...withKey(server), "--json", "-R0:localhost:1"])
          const [there] = (yield* running.lines(1)).map((line): Ready => JSON.parse(line))
          const taken = yield* failed(machineOf(server), "-R", `${portOf(there?.listen ?? "")}:localhost:1`)
          assert.strictEqual(taken.exitCode, 75)
          assert.nestedInclude(taken.json, { "error.reason": "PortInUse", "error.details.side": "remote" })
        })
    )

    it.effect("refuses a call without a forwarding, or with one that it can't read", () =>
      Effect.gen(function* () {
        const none = yield* toehold(["forward", "root@host", "-F", "none"])
        assert.deepStrictEqual([none.exitCode, none.stdout], [64, ""])
        assert.include(none.stderr, "nothing to forward")
        const wrong = yield* toehold(["forward", "root@host", "-F", "none", "-L", "80"])
        assert.strictEqual(wrong.exitCode, 64)
        assert.include(wrong.stderr, "[bind:]port:host:hostport")
      })
    )
  })
})
