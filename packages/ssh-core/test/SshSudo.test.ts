import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, Redacted, Stream } from "effect"
import { randomBytes } from "node:crypto"
import * as Fs from "node:fs"
import * as Leaks from "@toehold/lab/Leaks"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import * as SshClient from "@toehold/ssh-core/SshClient"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import type { ExecOptions } from "@toehold/ssh-core/SshExec"
import { SudoPatience } from "../src/internal/sudo.ts"
import { faces, reasonOf, withLog } from "./support/failing.ts"
import { connect, services } from "./support/machine.ts"

const password = Redacted.make("s3cret 'pass' $word")
const sudo = { password }

/** An account that is no root, and what sudo lets it do. */
const machine = (
  rule: string,
  options: { readonly spareSessions?: number; readonly uid?: number; readonly config?: ReadonlyArray<string> } = {}
) => {
  const { config = [], spareSessions = 0, uid = 4242 } = options
  const account = {
    uid,
    user: `lab-${uid}`,
    password,
    sudo: ["Defaults env_reset, use_pty, timestamp_timeout=0", `lab-${uid} ${rule}`]
  }
  return Layer.effect(
    SshClient.SshClient,
    Effect.flatMap(OpenSshServer.OpenSshServer, (server) => connect(server, { spareSessions }))
  ).pipe(Layer.provideMerge(OpenSshServer.layer({ account, config })), Layer.provideMerge(services))
}

const exec = <E = never, R = never>(text: string, options: ExecOptions<E, R>, command: SshCommand.Options = {}) =>
  SshClient.SshClient.use((ssh) => ssh.exec(SshCommand.shell(text, command), options))

describeWith(["sshd", "root", "sudo"], "exec as root", () => {
  describe("where sudo asks for the password", () => {
    it.layer(machine("ALL=(ALL:ALL) ALL"), { excludeTestServices: true })((it) => {
      it.effect("runs the command as root, with its input, output and exit code", () =>
        Effect.gen(function* () {
          const bytes = new Uint8Array(randomBytes(300_000))
          for (const stdin of [bytes, Stream.make(bytes.subarray(0, 7), bytes.subarray(7))]) {
            const result = yield* exec("id -u >&2; cat; exit 7", { sudo, stdin })
            assert.deepStrictEqual([result.stderr.text, result.exitCode], ["0\n", 7])
            assert.isTrue(Buffer.from(result.stdout.bytes).equals(bytes))
          }
          assert.strictEqual((yield* exec("wc -c", { sudo })).stdout.text.trim(), "0")
          assert.strictEqual((yield* exec("kill -9 $$", { sudo })).signal, "SIGKILL")
        })
      )

      it.effect("keeps folder and environment, secrets off every command line", () =>
        Effect.gen(function* () {
          const env = { PLAIN: "a b", TOKEN: Redacted.make("hidden-value") }
          const look = 'pwd; echo "$PLAIN|$TOKEN"; cat /proc/*/cmdline 2>/dev/null | tr "\\0" "\\n"'
          const { stdout } = yield* exec(look, { sudo }, { cwd: "/usr/share", env })
          const [folder, values, ...commandLines] = stdout.text.split("\n")
          assert.deepStrictEqual([folder, values], ["/usr/share", "a b|hidden-value"])
          assert.notInclude(commandLines.join("\n"), "hidden-value")
          assert.notInclude(commandLines.join("\n"), "s3cret")
        })
      )

      it.effect("never shows the password, and runs nothing with a wrong one", () =>
        Effect.gen(function* () {
          const wrong = { password: Redacted.make("wr0ng-password") }
          const mark = Leaks.marker()
          const { lines, value } = yield* withLog(
            Effect.flip(exec(`touch /tmp/${mark}`, { sudo: wrong, stdin: "input" }))
          )
          const reason = reasonOf(value, "SudoRefused", { isRetryable: false })
          assert.strictEqual(reason.refusal, "password-wrong")
          assert.notInclude(faces(value) + lines.join(), "wr0ng")
          assert.strictEqual((yield* exec(`ls /tmp/${mark}`, {})).exitCode, 2)
        })
      )

      it.effect("says that a password is needed where none was given", () =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(exec("id", { sudo: true }))
          assert.strictEqual(reasonOf(error, "SudoRefused", { isRetryable: false }).refusal, "password-needed")
        })
      )

      it.effect("kills what is root's at its time limit, also where it does not listen", () =>
        Effect.gen(function* () {
          const mark = Leaks.marker()
          for (const text of [`sleep 600; : ${mark}`, `trap '' TERM; sleep 600; sleep 600; : ${mark}`]) {
            const options = { sudo, timeout: "700 millis", killGrace: "300 millis" } as const
            const error = yield* Effect.flip(exec(text, options))
            const reason = reasonOf(error, "CommandTimeout", { isRetryable: false, outcome: "may-have-run" })
            assert.isTrue(reason.killed, text)
            yield* Leaks.awaitProcesses(mark, 0)
          }
        })
      )

      it.effect("tells the truth of a root's command that it may not kill", () =>
        Effect.gen(function* () {
          const mark = Leaks.marker()
          const stubborn = `exec sudo -S -p '' sh -c 'trap "" TERM; sleep 3; : ${mark}'`
          const options = {
            stdin: `${Redacted.value(password)}\n`,
            timeout: "1 second",
            killGrace: "200 millis"
          } as const
          const error = yield* Effect.flip(exec(stubborn, options))
          assert.isFalse(reasonOf(error, "CommandTimeout", { isRetryable: false, outcome: "may-have-run" }).killed)
          yield* Leaks.awaitProcesses(mark, 0)
        })
      )

      it.effect("refuses a terminal, and a password that can't be one", () =>
        Effect.gen(function* () {
          for (const options of [{ sudo, pty: true }, { sudo: { password: Redacted.make("two\nlines") } }]) {
            reasonOf(yield* Effect.flip(exec("id", options)), "InvalidArgument", { isRetryable: false })
          }
        })
      )

      it.effect("answers sudo's own question in a terminal, without an echo of the password", () =>
        Effect.gen(function* () {
          const ssh = yield* SshClient.SshClient
          const result = yield* ssh.interact(SshCommand.argv(["sudo", "sh", "-c", "id -u; stty -a"]), [
            { expect: /password for .*: $/, send: password }
          ])
          assert.match(result.transcript.text, /\r\n0\r\n/)
          assert.notInclude(result.transcript.text, "s3cret")
          assert.notInclude(result.transcript.text, "[secret]")
          assert.strictEqual(result.exitCode, 0)
        })
      )

      it.effect("reports sudo's question in a terminal, which nobody answers", () =>
        Effect.gen(function* () {
          const ssh = yield* SshClient.SshClient
          const error = yield* Effect.flip(
            ssh.exec(SshCommand.argv(["sudo", "id"]), { pty: true, promptTimeout: "500 millis" })
          )
          const reason = reasonOf(error, "PromptDetected", { isRetryable: false, outcome: "may-have-run" })
          assert.strictEqual(reason.kind, "sudo")
          assert.include(reason.fix, "sudo -n")
        })
      )
    })
  })

  describe("where sudo asks for none", () => {
    it.layer(machine("ALL=(ALL:ALL) NOPASSWD: ALL", { uid: 4243, spareSessions: 3 }), { excludeTestServices: true })(
      (it) => {
        it.effect("runs the command, and never hands the password to it", () =>
          Effect.gen(function* () {
            for (const option of [true, sudo]) {
              const result = yield* exec("id -u; cat", { sudo: option, stdin: "input" })
              assert.deepStrictEqual([result.stdout.text, result.stderr.text], ["0\ninput", ""])
            }
          })
        )
      }
    )
  })

  describe("where sudo allows nothing", () => {
    it.layer(machine("ALL=(ALL:ALL) /bin/true", { uid: 4244 }), { excludeTestServices: true })((it) => {
      it.effect("says so, and that nothing ran", () =>
        Effect.gen(function* () {
          const reason = reasonOf(yield* Effect.flip(exec("id", { sudo })), "SudoRefused", { isRetryable: false })
          assert.strictEqual(reason.refusal, "not-allowed")
          assert.include(reason.detail, "not allowed to execute")
        })
      )
    })
  })

  describe("where sudo asks for something else", () => {
    const folder = `/tmp/toehold-lab-sudo-${process.pid}`
    const asking = '#!/bin/sh\nprintf "Passcode or option (1-1): " >&2\nread answer\nexec sleep 60\n'
    const programs = Layer.effectDiscard(
      Effect.acquireRelease(
        Effect.sync(() => {
          Fs.mkdirSync(folder)
          Fs.writeFileSync(`${folder}/sudo`, asking, { mode: 0o755 })
        }),
        () => Effect.sync(() => Fs.rmSync(folder, { recursive: true, force: true }))
      )
    )
    const config = [`SetEnv PATH=${folder}:/usr/bin:/bin`]
    const layer = machine("ALL=(ALL:ALL) ALL", { uid: 4246, config }).pipe(Layer.provide(programs))
    it.layer(layer, { excludeTestServices: true })((it) => {
      it.effect("gives up after a while, and nothing has run", () =>
        Effect.gen(function* () {
          const mark = Leaks.marker()
          const error = yield* Effect.flip(exec(`: ${mark}`, { sudo, stdin: "input" })).pipe(
            Effect.provideService(SudoPatience, Duration.millis(500))
          )
          const reason = reasonOf(error, "SudoRefused", { isRetryable: false })
          assert.deepInclude(reason, { refusal: "no-answer", detail: "Passcode or option (1-1):" })
          yield* Leaks.awaitProcesses(mark, 0)
          const late = yield* Effect.flip(exec("id", { sudo, timeout: "500 millis" }))
          reasonOf(late, "CommandTimeout", { isRetryable: true })
        })
      )
    })
  })

  describe("for root, and without sudo", () => {
    it.layer(machine("ALL=(ALL:ALL) ALL", { uid: 0 }), { excludeTestServices: true })((it) => {
      it.effect("runs the command as it is", () =>
        Effect.gen(function* () {
          assert.strictEqual((yield* exec("id -u", { sudo: true })).stdout.text, "0\n")
        })
      )
    })
  })
})
