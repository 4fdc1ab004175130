import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Queue, Stream } from "effect"
import * as Fs from "node:fs"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import * as RealPart from "@toehold/lab/RealPart"
import * as SshClient from "@toehold/ssh-core/SshClient"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import type { RunningCommand } from "@toehold/ssh-core/SshExec"
import * as SshTerminal from "@toehold/ssh-core/SshTerminal"
import { connectTo, reasonOf } from "./support/failing.ts"
import { connect, optionsFor, services } from "./support/machine.ts"

/** An account whose sessions are its own, on a machine that shows it only the given folders of programs. */
const machine = (uid: number, path?: string) => {
  const folder = `/tmp/toehold-lab-${uid}-${process.pid}`
  const config = [
    `SetEnv TMUX_TMPDIR=${folder} SCREENDIR=${folder}/S LANG=C.UTF-8${path === undefined ? "" : ` PATH=${path}`}`
  ]
  const account = { uid, user: `lab-${uid}`, loginShell: "bash" as const }
  return Layer.effect(
    SshClient.SshClient,
    Effect.gen(function* () {
      const ssh = yield* connect(yield* OpenSshServer.OpenSshServer, { spareSessions: 0 })
      yield* ssh.exec(SshCommand.shell(`mkdir -p -m 700 ${folder} ${folder}/S`))
      yield* Effect.addFinalizer(() =>
        Effect.ignore(
          ssh.exec(SshCommand.shell(`tmux kill-server; screen -wipe; rm -rf ${folder}`), { timeout: "5 seconds" })
        )
      )
      return ssh
    })
  ).pipe(Layer.provideMerge(OpenSshServer.layer({ account, config })), Layer.provideMerge(services))
}

/** What a person sees and types: text in, and a wait until the screen shows what is looked for. */
const sitAt = Effect.fnUntraced(function* (
  open: (options: SshTerminal.Options) => ReturnType<typeof SshTerminal.shell<never>>
) {
  const keys = yield* Queue.unbounded<Uint8Array>()
  const running: RunningCommand = yield* open({
    terminal: { rows: 30, cols: 100, term: "xterm" },
    input: Stream.fromQueue(keys)
  })
  let shown = ""
  yield* Effect.forkScoped(
    Effect.ignore(
      Stream.runForEach(running.output, ({ data }) => Effect.sync(() => (shown += Buffer.from(data).toString())))
    )
  )
  const sees = Effect.fnUntraced(function* (pattern: RegExp) {
    while (!pattern.test(shown)) yield* Effect.sleep("10 millis")
    shown = ""
  })
  const types = (text: string) => Effect.sync(() => void Queue.offerUnsafe(keys, Buffer.from(text)))
  return { running, sees, types }
})

const sessionsTests = (program: "tmux" | "screen", layer: ReturnType<typeof machine>) =>
  describe(`SshTerminal with ${program}`, () => {
    it.layer(layer, { excludeTestServices: true })((it) => {
      it.effect("makes sessions, lists them and attaches to them, across connections", () =>
        Effect.gen(function* () {
          const ssh = yield* SshClient.SshClient
          assert.deepStrictEqual(yield* SshTerminal.list(ssh), [])
          assert.isTrue(yield* SshTerminal.create(ssh, "work"))
          assert.isFalse(yield* SshTerminal.create(ssh, "work"))
          const [made] = yield* SshTerminal.list(ssh)
          assert.deepInclude(made, { name: "work", program, isAttached: false })

          const server = yield* OpenSshServer.OpenSshServer
          const proxy = yield* FaultProxy.make({ target: server })
          const lost = yield* connectTo({ ...optionsFor(server), port: proxy.port })
          const first = yield* sitAt((options) => SshTerminal.attach(lost, "work", options))
          yield* first.types("echo $((6*7)) in; stty size\r")
          yield* first.sees(/42 in/)
          yield* first.types("sleep 600\r")
          assert.isTrue((yield* SshTerminal.list(ssh))[0]?.isAttached)
          yield* proxy.cut("rst")
          const error = yield* Effect.flip(first.running.exit)
          reasonOf(error, "ConnectionLost", { isRetryable: false, outcome: "may-have-run" })

          const second = yield* sitAt((options) => SshTerminal.attach(ssh, "work", options))
          yield* second.sees(/sleep 600/)
          yield* second.types("\x03")
          yield* second.types("echo still $((6*7)) here\r")
          yield* second.sees(/still 42 here/)
          yield* second.types("exit\r")
          assert.strictEqual((yield* second.running.exit).exitCode, 0)
          assert.deepStrictEqual(yield* SshTerminal.list(ssh), [])
        }).pipe(Effect.scoped)
      )

      it.effect("attaches to a session that there was not, and keeps it when it is left", () =>
        Effect.gen(function* () {
          const ssh = yield* SshClient.SshClient
          yield* Effect.scoped(
            Effect.gen(function* () {
              const terminal = yield* sitAt((options) => SshTerminal.attach(ssh, "new", options))
              yield* terminal.types("echo $((6*7)) in\r")
              yield* terminal.sees(/42 in/)
            })
          )
          while ((yield* SshTerminal.list(ssh))[0]?.isAttached !== false) yield* Effect.sleep("20 millis")
          assert.deepInclude((yield* SshTerminal.list(ssh))[0], { name: "new", program, isAttached: false })
        })
      )
    })
  })

RealPart.describeWith(["sshd", "root", "tmux"], "terminal sessions", () => {
  sessionsTests("tmux", machine(4251))
})

/** A folder of programs in which there is no tmux. */
const withoutTmux = `/tmp/toehold-lab-bin-${process.pid}`
const folderWithoutTmux = Layer.effectDiscard(
  Effect.acquireRelease(
    Effect.sync(() => {
      Fs.mkdirSync(withoutTmux)
      for (const name of ["bash", "grep", "mkdir", "rm", "sleep", "stty"])
        Fs.symlinkSync(`/bin/${name}`, `${withoutTmux}/${name}`)
      Fs.symlinkSync(RealPart.path("screen"), `${withoutTmux}/screen`)
    }),
    () => Effect.sync(() => Fs.rmSync(withoutTmux, { recursive: true, force: true }))
  )
)

RealPart.describeWith(["sshd", "root", "screen"], "terminal sessions without tmux", () => {
  sessionsTests("screen", machine(4252, withoutTmux).pipe(Layer.provide(folderWithoutTmux)))
})

RealPart.describeWith(["sshd", "root"], "SshTerminal", () => {
  it.layer(machine(4253), { excludeTestServices: true })((it) => {
    it.effect("gives a login shell that knows the size of the terminal, and passes its exit code on", () =>
      Effect.gen(function* () {
        const ssh = yield* SshClient.SshClient
        const terminal = yield* sitAt((options) => SshTerminal.shell(ssh, options))
        yield* terminal.types("shopt login_shell; stty size; echo $TERM\r")
        yield* terminal.sees(/login_shell\s+on[^]*30 100[^]*xterm/)
        yield* terminal.running.resize({ rows: 55, cols: 166 })
        yield* terminal.types("stty size\r")
        yield* terminal.sees(/55 166/)
        yield* terminal.types("exit 7\r")
        assert.strictEqual((yield* terminal.running.exit).exitCode, 7)
      }).pipe(Effect.scoped)
    )

    it.effect("refuses a name that is none, before it asks the machine", () =>
      Effect.gen(function* () {
        const ssh = yield* SshClient.SshClient
        reasonOf(yield* Effect.flip(SshTerminal.create(ssh, "a;b")), "InvalidArgument", { isRetryable: false })
      })
    )
  })

  it.layer(machine(4254, "/nonexistent"), { excludeTestServices: true })((it) => {
    it.effect("says what the machine lacks", () =>
      Effect.gen(function* () {
        const ssh = yield* SshClient.SshClient
        const options = { terminal: { rows: 24, cols: 80 }, input: Stream.never }
        const asks = [
          SshTerminal.list(ssh),
          SshTerminal.create(ssh, "a"),
          Effect.scoped(Effect.asVoid(SshTerminal.attach(ssh, "a", options)))
        ]
        for (const ask of asks) {
          const reason = reasonOf(yield* Effect.flip(Effect.asVoid(ask)), "ProgramMissing", { isRetryable: false })
          assert.include(reason.fix, "apt-get install tmux")
        }
      })
    )
  })
})
