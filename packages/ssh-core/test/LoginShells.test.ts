import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Arbitrary from "effect/Arbitrary"
import * as DropbearServer from "@toehold/lab/DropbearServer"
import * as Leaks from "@toehold/lab/Leaks"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import type { SshServer } from "@toehold/lab/SshServer"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import { connect, services } from "./support/machine.ts"

const shells = ["dash", "bash", "fish", "csh", "ash"] as const

/** What some shell or other reads as more than itself. */
const hard = [
  "a\nb",
  "\n",
  "a\r\nb",
  "'",
  "''",
  '"',
  "!",
  "!!",
  "!x'y",
  "$HOME",
  "${IFS}",
  "$(id)",
  "`id`",
  "\\",
  "\\\\",
  "\\'",
  "\\n",
  "%s%n",
  "\t",
  "",
  "-n",
  "--",
  "*",
  "~",
  "^a^b",
  "#c",
  "é\u{1f600}\u0081",
  "a;b&c|d>e<f(g){h}[i]"
]

const argument = Schema.String.pipe(Schema.check(Schema.isPattern(/^[^\0]*$/)))

const argumentsArrive = (server: SshServer) =>
  Effect.gen(function* () {
    // Without spares every command goes through the login shell's own command line, with them over standard input.
    for (const spareSessions of [0, 3]) {
      const ssh = yield* connect(server, { spareSessions })
      const check = Effect.fnUntraced(function* (words: ReadonlyArray<string>) {
        const result = yield* ssh.exec(SshCommand.argv(["printf", "%s\\0", "", ...words]))
        const expected = ["", ...words].map((word) => `${word.toWellFormed()}\0`).join("")
        assert.strictEqual(Buffer.from(result.stdout.bytes).toString("utf8"), expected)
        assert.strictEqual(result.stderr.text, "")
        assert.strictEqual(result.exitCode, 0)
        return true
      })
      yield* check(hard)
      const random = yield* Arbitrary.checkEffect(Arbitrary.schema(Schema.Array(argument)), check, { runs: 15 })
      assert.strictEqual(random._tag, "Passed", Arbitrary.formatCheckFailure(random))
      // Longer than one argument of a program may be, so that it can't go on a command line.
      const long = yield* ssh.exec(SshCommand.argv(["wc", "-c"], { env: { LONG: "x".repeat(100_000) } }), {
        stdin: "abc"
      })
      assert.strictEqual(long.stdout.text.trim(), "3")
    }
  })

const killReaches = (server: SshServer) =>
  Effect.gen(function* () {
    const ssh = yield* connect(server)
    const mark = Leaks.marker()
    const text = `sh -c 'sleep 600; :' ${mark} & sh -c 'sleep 600; :' ${mark}`
    const error = yield* Effect.flip(ssh.exec(SshCommand.shell(text), { timeout: "400 millis", killGrace: "1 second" }))
    if (!("reason" in error) || error.reason._tag !== "CommandTimeout") return assert.fail(String(error))
    assert.isTrue(error.reason.killed)
    yield* Leaks.awaitProcesses(mark, 0)
  })

describeWith(
  ["sshd", "private-accounts", "bash", "fish", "csh", "busybox"],
  "every login shell of OpenSSH's sshd",
  () => {
    it.layer(services, { excludeTestServices: true })((it) => {
      for (const loginShell of shells) {
        it.effect(`${loginShell}: arguments arrive exactly, and a kill reaches the children`, () =>
          Effect.gen(function* () {
            const server = yield* OpenSshServer.make({ account: { loginShell } })
            yield* argumentsArrive(server)
            yield* killReaches(server)
          })
        )
      }

      it.effect("says what the login printed where it is no shell", () =>
        Effect.gen(function* () {
          const nologin = "/usr/sbin/nologin"
          const server = yield* OpenSshServer.make({ account: { loginShell: nologin } })
          const ssh = yield* connect(server, { spareSessions: 0 })
          const error = yield* Effect.flip(ssh.exec(SshCommand.argv(["true"])))
          assert.strictEqual(error.reason._tag, "ChannelRefused")
          assert.include(error.message, "This account is currently not available")
          assert.strictEqual(error.outcome, "did-not-run")
          assert.include(error.fix, "/bin/sh")
        })
      )
    })
  }
)

describeWith(["sshd", "private-accounts", "root"], "an account of its own on OpenSSH's sshd", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    it.effect("kills for an account without rights as well", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make({ account: { user: "agent", uid: 4242, loginShell: "dash" } })
        const ssh = yield* connect(server)
        assert.strictEqual((yield* ssh.exec(SshCommand.argv(["id", "-u"]))).stdout.text, "4242\n")
        yield* killReaches(server)
      })
    )
  })
})

describeWith(
  ["dropbear", "dropbearconvert", "private-accounts", "bash", "fish", "csh", "busybox"],
  "every login shell of dropbear",
  () => {
    it.layer(services, { excludeTestServices: true })((it) => {
      for (const loginShell of shells) {
        it.effect(`${loginShell}: arguments arrive exactly, and a kill reaches the children`, () =>
          Effect.gen(function* () {
            const server = yield* DropbearServer.make({ account: { loginShell } })
            yield* argumentsArrive(server)
            yield* killReaches(server)
          })
        )
      }
    })
  }
)
