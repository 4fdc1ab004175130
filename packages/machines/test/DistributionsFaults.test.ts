import { assert, it } from "@effect/vitest"
import * as ContainerServer from "@toehold/lab/ContainerServer"
import { describeWith } from "@toehold/lab/RealPart"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import * as SshForward from "@toehold/ssh-core/SshForward"
import * as SshLogin from "@toehold/ssh-core/SshLogin"
import * as PortForward from "@toehold/ssh-core/PortForward"
import { SshPool } from "@toehold/ssh-core/SshPool"
import { Effect, Fiber, Result } from "effect"
import * as Crypto from "node:crypto"
import * as Machine from "../src/Machine.ts"
import { accounts, behindProxy, flagsOf, nameOf, open, openedOf } from "./support/distributions.ts"

const sh = SshCommand.shell

/** Commands that each leave a line behind, a dozen at a time, and what is said of them held against what they left. */
const tracing = Effect.fnUntraced(function* (machine: Machine.Machine, trace: string, count: number) {
  const results = yield* Effect.forEach(
    Array.from({ length: count }, (_, index) => index),
    (index) => Effect.result(machine.exec(sh(`echo ${index} >>${trace}; sleep 0.${index % 10}; echo end`))),
    { concurrency: 12 }
  )
  const held = Effect.gen(function* () {
    const lines = (yield* machine.files.readFileString(trace)).trim().split("\n").map(Number)
    return results.map((result, index) => {
      const runs = lines.filter((line) => line === index).length
      if (Result.isSuccess(result)) {
        assert.deepStrictEqual([result.success.exitCode, result.success.stdout.text, runs], [0, "end\n", 1])
        return "finished"
      }
      const { message, outcome } = result.failure
      assert.isAtMost(runs, outcome === "did-not-run" ? 0 : 1, message)
      return outcome
    })
  })
  return { held }
})

const trusting = { hostKeyPolicy: "off" } as const

const login = Effect.gen(function* () {
  const server = yield* ContainerServer.ContainerServer
  return { server, target: yield* Machine.target(nameOf(server), flagsOf(server, server.port)) }
})

describeWith(["docker", "mmdebstrap"], "commands and forwardings on other distributions", () => {
  for (const account of accounts) {
    it.layer(openedOf(account), { excludeTestServices: true })(`as ${account.name}`, (it) => {
      it.effect("run once or not at all while the server dies and falls silent", () =>
        Effect.gen(function* () {
          const { machine, server, silence } = yield* behindProxy
          const folder = yield* machine.files.makeTempDirectoryScoped()
          const healthy = yield* (yield* tracing(machine, `${folder}/healthy`, 36)).held
          assert.deepStrictEqual(new Set(healthy), new Set(["finished"]))
          const running = yield* Effect.forkChild(tracing(machine, `${folder}/restart`, 60))
          yield* Effect.sleep("400 millis")
          yield* server.restart
          const cut = yield* (yield* Fiber.join(running)).held
          assert.includeMembers(cut, ["finished", "may-have-run"])
          // What certainly did not run was run again.
          assert.notInclude(cut, "did-not-run")
          const silent = yield* (yield* Effect.flatMap(silence(tracing(machine, `${folder}/pause`, 24)), Fiber.join))
            .held
          assert.includeMembers(silent, ["finished"])
          assert.notInclude(silent, "did-not-run")
          assert.strictEqual((yield* machine.exec(sh("id -un"))).stdout.text.trim(), account.user)
        })
      )

      it.effect("lead both ways", () =>
        Effect.gen(function* () {
          const { server, target } = yield* login
          const ssh = yield* (yield* SshPool).client(target, trusting)
          // From here to a port there that leads back here, and from here into the container: each byte passes three times.
          const back = yield* SshForward.remote(ssh, `0:127.0.0.1:${server.port}`)
          const forth = yield* SshForward.local(ssh, `0:127.0.0.1:${back.port}`)
          const machine = yield* open(server, forth.port)
          const data = Crypto.randomBytes(1_000_000)
          const folder = yield* machine.files.makeTempDirectoryScoped()
          yield* machine.files.writeFile(`${folder}/data`, data)
          assert.isTrue(data.equals(yield* machine.files.readFile(`${folder}/data`)))
        })
      )

      it.effect("lead on when the server is there again", () =>
        Effect.gen(function* () {
          const { server, target } = yield* login
          const kept = yield* SshForward.keep({
            connect: SshLogin.connect(target, trusting),
            forwards: [Result.getOrThrow(PortForward.parse("local", "0:127.0.0.1:22"))]
          })
          const through = yield* open(server, kept.listening[0]?.port)
          const user = Effect.map(through.exec(sh("id -un")), ({ stdout }) => stdout.text.trim())
          assert.strictEqual(yield* user, account.user)
          yield* server.restart
          assert.strictEqual(yield* user, account.user)
        })
      )
    })
  }
})
