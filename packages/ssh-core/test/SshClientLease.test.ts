import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Scope } from "effect"
import { fork } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import * as DropbearServer from "@toehold/lab/DropbearServer"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import * as Leaks from "@toehold/lab/Leaks"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import type { SshServer } from "@toehold/lab/SshServer"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import type * as SshClient from "@toehold/ssh-core/SshClient"
import { connectTo, reasonOf } from "./support/failing.ts"
import { connect, optionsFor, services } from "./support/machine.ts"

const sh = SshCommand.shell

/** A command with a child, both of which wait for ever and carry the mark. */
const waiting = (mark: string) => sh(`sh -c 'sleep 600; :' ${mark} & sh -c 'sleep 600; :' ${mark}`)

/** The same by two shells that hear no signal but SIGKILL. */
const stubborn = (mark: string) =>
  sh(`trap '' TERM HUP INT; sh -c 'sleep 600; :' ${mark} & sh -c 'sleep 600; :' ${mark}; : more`)

const soon = <A, E, R>(effect: Effect.Effect<A, E, R>, within = 12_000) =>
  Effect.timeoutOrElse(effect, {
    duration: within,
    orElse: () => Effect.sync(() => assert.fail(`nothing within ${within} ms`))
  })

/** How many processes a {@link waiting} command is. */
const family = 3

/** A program of its own that starts a command and waits for it, and is killed when the command is there. */
const endsWithItsClient = Effect.fnUntraced(function* (server: SshServer, spareSessions: number) {
  const mark = Leaks.marker()
  const program = new URL("./support/waitingClient.ts", import.meta.url)
  const words = [JSON.stringify({ ...server, log: undefined, key: undefined }), String(spareSessions)]
  const child = yield* Effect.acquireRelease(
    // The mark is for the processes on the machine alone.
    Effect.sync(() => fork(program, words, { env: { ...process.env, MARK: mark } })),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )
  yield* soon(Leaks.awaitProcesses(mark, family), 25_000)
  child.kill("SIGKILL")
  yield* soon(Leaks.awaitProcesses(mark, 0))
})

const behindProxy = Effect.fnUntraced(function* (server: SshServer, options: Partial<SshClient.Options> = {}) {
  const proxy = yield* FaultProxy.make({ target: server })
  const ssh = yield* connectTo({ ...optionsFor(server, options), port: proxy.port })
  return { proxy, ssh }
})

const mayHaveRun = { isRetryable: false, outcome: "may-have-run" } as const

/** A reset is what a server sees of a client that was killed, too. */
const endsWithItsConnection = Effect.fnUntraced(function* (
  server: SshServer,
  command: (mark: string) => SshCommand.SshCommand = waiting,
  by: FaultProxy.CutBy = "rst"
) {
  const { proxy, ssh } = yield* behindProxy(server)
  const mark = Leaks.marker()
  const running = yield* Effect.forkChild(Effect.flip(ssh.exec(command(mark))))
  yield* soon(Leaks.awaitProcesses(mark, family))
  yield* proxy.cut(by)
  reasonOf(yield* soon(Fiber.join(running)), "ConnectionLost", mayHaveRun)
  yield* soon(Leaks.awaitProcesses(mark, 0))
})

const account = { user: "agent", uid: 4242, loginShell: "dash" } as const

describeWith(["dropbear", "dropbearconvert", "private-accounts", "root"], "a command whose connection ends", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    it.effect("ends by itself on dropbear, for root and for an account without rights", () =>
      Effect.gen(function* () {
        yield* endsWithItsConnection(yield* DropbearServer.make())
        yield* endsWithItsConnection(yield* DropbearServer.make({ account }))
      })
    )
  })
})

describeWith(["sshd", "private-accounts", "root"], "a command whose connection ends", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    it.effect("ends by itself for an account without rights, and where the server allows one session only", () =>
      Effect.gen(function* () {
        yield* endsWithItsConnection(yield* OpenSshServer.make({ account }))
        yield* endsWithItsConnection(yield* OpenSshServer.make({ config: ["MaxSessions 1"] }))
      })
    )
  })
})

describeWith(["sshd"], "a command whose connection ends", () => {
  it.layer(OpenSshServer.layer().pipe(Layer.provideMerge(services)), { excludeTestServices: true })((it) => {
    it.effect("ends by itself when the client is killed, from a new session and from a spare one", () =>
      Effect.flatMap(OpenSshServer.OpenSshServer, (server) =>
        Effect.forEach([0, 2], (spareSessions) => endsWithItsClient(server, spareSessions), { concurrency: 2 })
      )
    )

    it.effect("ends by itself when the connection is cut, though it hears no signal but SIGKILL", () =>
      Effect.flatMap(OpenSshServer.OpenSshServer, (server) =>
        Effect.forEach(["fin", "rst"] as const, (by) => endsWithItsConnection(server, stubborn, by), { concurrency: 2 })
      )
    )

    it.effect("ends by itself when nothing comes from the client any more, and not before", () =>
      Effect.gen(function* () {
        const { proxy, ssh } = yield* behindProxy(yield* OpenSshServer.OpenSshServer, {
          commandLease: "3 seconds",
          keepalive: false
        })
        const mark = Leaks.marker()
        const running = yield* Effect.forkChild(Effect.flip(ssh.exec(waiting(mark))))
        yield* soon(Leaks.awaitProcesses(mark, family))
        // Longer than the lease: the signs of life of the client renew it.
        yield* Effect.sleep("5 seconds")
        assert.lengthOf(yield* Leaks.processes(mark), family)
        yield* proxy.set("both", { swallow: true })
        yield* soon(Leaks.awaitProcesses(mark, 0))
        yield* proxy.cut("rst")
        yield* soon(Fiber.join(running))
      })
    )

    it.effect("ends when the connection is closed by who opened it, under who runs the command", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const scope = yield* Scope.make()
        const ssh = yield* Scope.provide(connect(server), scope)
        const mark = Leaks.marker()
        const running = yield* Effect.forkChild(Effect.flip(ssh.exec(waiting(mark))))
        const started = yield* ssh.start(waiting(mark))
        yield* soon(Leaks.awaitProcesses(mark, 2 * family))
        yield* soon(Scope.close(scope, Exit.void))
        reasonOf(yield* soon(Fiber.join(running)), "ConnectionLost", mayHaveRun)
        reasonOf(yield* soon(Effect.flip(started.exit)), "ConnectionLost", mayHaveRun)
        yield* soon(Leaks.awaitProcesses(mark, 0))
      })
    )

    it.effect("ends though its first process has ended, while one holds its output open", () =>
      Effect.gen(function* () {
        const { proxy, ssh } = yield* behindProxy(yield* OpenSshServer.OpenSshServer)
        const mark = Leaks.marker()
        const running = yield* Effect.forkChild(Effect.flip(ssh.exec(sh(`sh -c 'sleep 600; :' ${mark} & exit 0`))))
        yield* soon(Leaks.awaitProcesses(mark, 1))
        yield* Effect.sleep("1500 millis")
        yield* proxy.cut("fin")
        reasonOf(yield* soon(Fiber.join(running)), "ConnectionLost", { isRetryable: false, outcome: "finished" })
        yield* soon(Leaks.awaitProcesses(mark, 0))
      })
    )

    it.effect("leaves what a command that had ended had started on purpose", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const mark = Leaks.marker()
        for (const spareSessions of [0, 2]) {
          yield* Effect.scoped(
            Effect.gen(function* () {
              const ssh = yield* connect(server, { spareSessions })
              yield* ssh.exec(sh(`nohup sh -c 'sleep 600; :' ${mark} </dev/null >/dev/null 2>&1 &`))
            })
          )
        }
        yield* Effect.sleep("500 millis")
        assert.lengthOf(yield* Leaks.processes(mark), 2)
        yield* Effect.flatMap(connect(server), (ssh) =>
          ssh.exec(sh(`pkill -KILL -f ${mark.slice(0, -1)}[${mark.at(-1)}]`))
        )
        yield* soon(Leaks.awaitProcesses(mark, 0))
      })
    )

    it.effect("leaves nothing of its own behind", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const pids = yield* Effect.scoped(
          Effect.gen(function* () {
            const ssh = yield* connect(server, { commandLease: "10 minutes" })
            const parent = yield* ssh.exec(sh("echo $PPID; sleep 0.3"))
            const children = `for f in /proc/[0-9]*/stat; do read -r p n s q rest <$f && [ "$q" = ${parent.stdout.text.trim()} ] && echo $p; done 2>/dev/null; :`
            const { stdout } = yield* ssh.exec(sh(children))
            return stdout.text.trim().split("\n").map(Number)
          })
        )
        // The keeper and the spare sessions.
        assert.isAtLeast(pids.length, 3)
        while (
          pids.some((pid) => existsSync(`/proc/${pid}/cmdline`) && readFileSync(`/proc/${pid}/cmdline`).length > 0)
        ) {
          yield* Effect.sleep("20 millis")
        }
      })
    )
  })
})
