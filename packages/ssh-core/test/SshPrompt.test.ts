import { assert, it } from "@effect/vitest"
import { Duration, Effect, Layer, Redacted, Stream } from "effect"
import * as DropbearServer from "@toehold/lab/DropbearServer"
import * as Leaks from "@toehold/lab/Leaks"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import * as SshClient from "@toehold/ssh-core/SshClient"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import type { ExecOptions } from "@toehold/ssh-core/SshExec"
import { reasonOf } from "./support/failing.ts"
import { connect, services } from "./support/machine.ts"

const machine = Layer.effect(
  SshClient.SshClient,
  Effect.flatMap(OpenSshServer.OpenSshServer, (server) => connect(server, { spareSessions: 0 }))
).pipe(Layer.provideMerge(OpenSshServer.layer()), Layer.provideMerge(services))

const exec = <E = never, R = never>(text: string, options: ExecOptions<E, R>) =>
  SshClient.SshClient.use((ssh) => ssh.exec(SshCommand.shell(text), options))

const soon = { pty: true, promptTimeout: "300 millis" } as const

/** An input that stays open and gives nothing. */
const silent = { stdin: Stream.never, promptTimeout: "300 millis" } as const

const detected = Effect.fnUntraced(function* (text: string, options: ExecOptions) {
  const mark = Leaks.marker()
  const [taken, error] = yield* Effect.timed(Effect.flip(exec(`${text}; : ${mark}`, options)))
  const reason = reasonOf(error, "PromptDetected", { isRetryable: false, outcome: "may-have-run" })
  assert.isTrue(reason.killed)
  // Proven, not guessed after 15 seconds.
  assert.isBelow(Duration.toSeconds(taken), 13)
  yield* Leaks.awaitProcesses(mark, 0)
  return reason
})

describeWith(["sshd", "root", "ssh", "ssh-keygen"], "an unanswered question", () => {
  it.layer(machine, { excludeTestServices: true })((it) => {
    it.effect("in a terminal is reported with what had come, and the command killed", () =>
      Effect.gen(function* () {
        const reason = yield* detected('echo begun; printf "Do you want to continue? [Y/n] "; read x', soon)
        assert.deepInclude(reason, { kind: "confirmation", prompt: "Do you want to continue? [Y/n]" })
        assert.strictEqual(reason.stdout.text, "begun\r\nDo you want to continue? [Y/n] ")
        assert.include(reason.fix, "-y")
      })
    )

    it.effect(
      "is told by how the program waits: without echo, on /dev/tty, in a terminal of its own, in any words",
      () =>
        Effect.gen(function* () {
          const kinds = {
            password: 'printf "Password: "; stty -echo; read x',
            passphrase: 'printf "Enter passphrase for key: " >/dev/tty; read x </dev/tty',
            input: 'printf "Which way? "; cat >/dev/null'
          }
          for (const [kind, text] of Object.entries(kinds)) assert.strictEqual((yield* detected(text, soon)).kind, kind)
        })
    )

    it.effect("of real programs is recognised", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const file = `${server.tempDir}/locked`
        yield* exec(`ssh-keygen -q -N locked -f ${file}`, {})
        assert.strictEqual((yield* detected(`ssh-keygen -y -f ${file}`, soon)).kind, "passphrase")
        // Without a terminal it can't ask, and ends by itself.
        const alone = yield* exec(`setsid ssh-keygen -y -f ${file}`, {})
        assert.notStrictEqual(alone.exitCode, 0)
        const ssh = `ssh -F none -o UserKnownHostsFile=/dev/null -p ${server.port} 127.0.0.1`
        assert.strictEqual((yield* detected(ssh, soon)).kind, "host-key")
      })
    )

    it.effect("is recognised without a terminal where the input stays open", () =>
      Effect.gen(function* () {
        const reason = yield* detected('printf "Name? " >&2; read x', silent)
        assert.deepInclude(reason, { kind: "input", prompt: "Name?" })
        assert.strictEqual(reason.stderr.text, "Name? ")
      })
    )

    it.effect("is none where the input has ended: the command ends by itself", () =>
      Effect.gen(function* () {
        const result = yield* exec('printf "Continue? [Y/n] "; read x || echo no; sleep 0.8', {
          promptTimeout: "100 millis"
        })
        assert.deepStrictEqual([result.stdout.text, result.exitCode], ["Continue? [Y/n] no\n", 0])
      })
    )
  })
})

describeWith(["sshd", "root"], "what looks like a question", () => {
  // Each prints what a question looks like, is then silent for longer than it takes to be asked about, and goes on.
  const texts: Readonly<Record<string, string>> = {
    "of a program that sleeps": 'printf "Password: "; sleep 0.6',
    "of a program that computes": 'printf "Continue? [Y/n] "; i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done',
    "answered by another program": 'yes | { printf "Continue? [Y/n] "; read x; sleep 0.6; }',
    "answered before, by a pipe that stays open":
      '{ echo pw; sleep 0.6; } | { printf "[sudo] password for x: "; read x; sleep 0.6; }',
    "drawn piece by piece": 'for c in P a s s w o r d :; do printf %s "$c"; sleep 0.1; done; printf " "; sleep 0.6',
    "of a program that waits for another one":
      'printf "Are you sure you want to continue connecting (yes/no)? "; sleep 0.6 & wait',
    "while something in the background reads": 'sleep 0.6 | cat >/dev/null & printf "login: "; wait'
  }
  it.layer(machine, { excludeTestServices: true })((it) => {
    for (const [name, text] of Object.entries(texts)) {
      it.effect(`is none: ${name}`, () =>
        Effect.gen(function* () {
          const results = yield* Effect.forEach(
            [soon, silent],
            (options) => exec(`${text}; echo done`, { ...options, promptTimeout: "100 millis" }),
            { concurrency: 2 }
          )
          for (const { exitCode, stdout } of results) {
            assert.match(stdout.text, /done\r?\n$/)
            assert.strictEqual(exitCode, 0)
          }
        })
      )
    }

    it.effect("is none when the answer comes late", () =>
      Effect.gen(function* () {
        const slow = Stream.concat(
          Stream.fromEffectDrain(Effect.sleep("200 millis")),
          Stream.concat(Stream.make(Buffer.from("Ada\n")), Stream.never)
        )
        const result = yield* exec('printf "Name? "; read x; sleep 0.6; echo "<$x>"', {
          stdin: slow,
          promptTimeout: "600 millis"
        })
        assert.include(result.stdout.text, "<Ada>")
      })
    )

    it.effect("is none by default for who reads an open input, and with promptTimeout false", () =>
      Effect.gen(function* () {
        const errors = yield* Effect.forEach(
          [{ stdin: Stream.never }, { pty: true, promptTimeout: false as const }],
          (options) => Effect.flip(exec('printf "Name? "; read x', { ...options, timeout: "2500 millis" })),
          { concurrency: 2 }
        )
        for (const error of errors) reasonOf(error, "CommandTimeout", { isRetryable: false, outcome: "may-have-run" })
      })
    )
  })
})

const dropbear = Layer.effect(
  SshClient.SshClient,
  Effect.flatMap(DropbearServer.DropbearServer, (server) => connect(server))
).pipe(Layer.provideMerge(DropbearServer.layer()), Layer.provideMerge(services))

describeWith(["dropbear", "private-accounts", "root"], "on dropbear", () => {
  it.layer(dropbear, { excludeTestServices: true })((it) => {
    it.effect("an unanswered question is reported, and an answered one answered", () =>
      Effect.gen(function* () {
        const reason = yield* detected('printf "Continue? [Y/n] "; read x', soon)
        assert.strictEqual(reason.kind, "confirmation")
        const ssh = yield* SshClient.SshClient
        const secret = Redacted.make("hidden words")
        const result = yield* ssh.interact(SshCommand.shell('printf "Password: "; read p; echo "${#p}"'), [
          { expect: "Password: ", send: secret }
        ])
        assert.strictEqual(result.transcript.text, "Password: 12\r\n")
      })
    )
  })
})
