import { assert, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import { OpenSshServer } from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import { machineOf, sshd, withKey } from "./support/lab.ts"
import { person } from "./support/person.ts"
import { toehold, toeholdJson } from "./support/program.ts"

describeWith(["sshd", "root"], "a person at a terminal", () => {
  it.layer(sshd, { excludeTestServices: true })((it) => {
    it.effect("has a login shell that follows the terminal's size, and its exit code", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer
        const { modes, options, resizes, sees, types } = yield* person
        const fiber = yield* Effect.forkChild(toehold(["shell", machineOf(server), ...withKey(server)], options))
        yield* types("echo $TERM; stty size\r")
        yield* sees(/vt220[^]*25 80/)
        assert.deepStrictEqual(modes, ["raw"])
        yield* resizes(132, 43)
        yield* types("sleep 0.2; stty size\r")
        yield* sees(/43 132/)
        yield* types("sleep 60; echo $((6*7))\r")
        yield* Effect.sleep("300 millis")
        yield* types("\x03echo $((7*7)); exit 5\r")
        yield* sees(/49/)
        const { exitCode, stderr } = yield* Fiber.join(fiber)
        assert.deepStrictEqual([exitCode, stderr, modes], [5, "", ["raw", "as before"]])
      })
    )

    it.effect("leaves by ~. at once, also when the machine is silent", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer
        const proxy = yield* FaultProxy.make({ target: server })
        const { modes, options, sees, types } = yield* person
        const words = [
          "shell",
          `${server.user}@127.0.0.1:${proxy.port}`,
          "-F",
          "none",
          "--host-key",
          "off",
          "-i",
          server.privateKeyPath
        ]
        const fiber = yield* Effect.forkChild(toehold(words, options))
        yield* types("echo $((6*7))\r")
        yield* sees(/42/)
        yield* proxy.set("both", { swallow: true })
        yield* types("\r~.")
        const [taken, ran] = yield* Effect.timed(Fiber.join(fiber))
        assert.deepStrictEqual([ran.exitCode, modes], [255, ["raw", "as before"]])
        assert.include(ran.stderr, "cut")
        assert.isBelow(Duration.toSeconds(taken), 8)
      })
    )

    it.effect("gets the terminal back when the connection is lost, and is told", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer
        const proxy = yield* FaultProxy.make({ target: server })
        const { modes, options, sees, types } = yield* person
        const words = [
          "shell",
          `${server.user}@127.0.0.1:${proxy.port}`,
          "-F",
          "none",
          "--host-key",
          "off",
          "-i",
          server.privateKeyPath
        ]
        const fiber = yield* Effect.forkChild(toehold(words, options))
        yield* types("echo $((6*7))\r")
        yield* sees(/42/)
        yield* proxy.cut("rst")
        const ran = yield* Fiber.join(fiber)
        assert.deepStrictEqual([ran.exitCode, modes], [255, ["raw", "as before"]])
        assert.include(ran.stderr, "connection was lost")
      })
    )

    it.effect("gets the terminal back when the program is interrupted", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer
        const { modes, options, sees, types } = yield* person
        const fiber = yield* Effect.forkChild(toehold(["shell", machineOf(server), ...withKey(server)], options))
        yield* types("echo $((6*7))\r")
        yield* sees(/42/)
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(modes, ["raw", "as before"])
      })
    )

    it.effect("is needed: without a terminal there is an error, and nothing waits", () =>
      Effect.gen(function* () {
        const { options } = yield* person
        for (const words of [
          ["shell", "127.0.0.1:1"],
          ["session", "attach", "127.0.0.1:1"]
        ]) {
          for (const half of [{}, { keyboard: options.keyboard }, { terminal: options.terminal }]) {
            const ran = yield* toehold([...words, "-F", "none"], half)
            assert.deepStrictEqual([ran.exitCode, ran.stdout], [64, ""])
            assert.include(ran.stderr, "toehold exec MACHINE -- CMD")
          }
        }
      })
    )
  })
})

describeWith(["sshd", "root", "tmux"], "toehold session", () => {
  it.layer(sshd, { excludeTestServices: true })((it) => {
    it.effect("attaches to a session that outlives it, and lists it", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer
        const login = [machineOf(server), ...withKey(server)]
        const { options, sees, types } = yield* person
        const name = `lab-${process.pid}`
        const list = toeholdJson<{ sessions: ReadonlyArray<{ name: string; attached: boolean; program: string }> }>([
          "session",
          "list",
          ...login,
          "--json"
        ])
        const mine = Effect.map(list, ({ json }) => json.sessions.filter((session) => session.name === name))
        const bare = ["session", "attach", login[0] ?? "", name, ...login.slice(1)]
        const fiber = yield* Effect.forkChild(toehold(bare, options))
        yield* types("echo $((6*7)) in\r")
        yield* sees(/42 in/)
        yield* types("\x02d")
        assert.strictEqual((yield* Fiber.join(fiber)).exitCode, 0)
        assert.containsSubset(yield* mine, [{ attached: false, program: "tmux" }])
        assert.match((yield* toehold(["session", "list", ...login])).stdout, new RegExp(`^${name} +tmux +free$`, "m"))

        const again = yield* Effect.forkChild(toehold(bare, options))
        yield* sees(/42 in/)
        yield* types("exit\r")
        assert.strictEqual((yield* Fiber.join(again)).exitCode, 0)
        assert.deepStrictEqual(yield* mine, [])
      })
    )

    it.effect("refuses a name that is none", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer
        const { options } = yield* person
        const ran = yield* toehold(["session", "attach", machineOf(server), "a;b", ...withKey(server)], options)
        assert.strictEqual(ran.exitCode, 64)
      })
    )
  })
})
