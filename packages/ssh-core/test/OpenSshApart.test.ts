import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, FileSystem, Layer, Schedule, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as Net from "node:net"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import * as SshFiles from "@toehold/ssh-core/SshFiles"
import { SshClient } from "@toehold/ssh-core/SshClient"
import * as SshProcess from "@toehold/ssh-core/SshProcess"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import * as Leaks from "@toehold/lab/Leaks"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import { reasonOf } from "./support/failing.ts"
import { services } from "./support/machine.ts"
import { connect, running } from "./support/openSsh.ts"

const sh = SshCommand.shell

const apart = { shareConnection: false, commandLease: false } as const

describeWith(["ssh", "sshd"], "OpenSsh without a shared connection", () => {
  it.layer(Layer.provideMerge(OpenSshServer.layer(), services), { excludeTestServices: true })((it) => {
    it.effect("runs commands with their output, their exit codes and the signals that a shell can tell", () =>
      Effect.gen(function* () {
        const ssh = yield* connect(yield* OpenSshServer.OpenSshServer, apart)
        const result = yield* ssh.exec(sh("cat; printf 'no end of line' >&2; exit 77"), { stdin: "a\0b'\\\n" })
        assert.deepStrictEqual(
          [result.stdout.text, result.stderr.text, result.exitCode, result.signal],
          ["a\0b'\\\n", "no end of line", 77, null]
        )
        const killed = yield* ssh.exec(sh("kill -USR1 $$"))
        assert.deepStrictEqual([killed.exitCode, killed.signal], [null, "SIGUSR1"])
        assert.strictEqual((yield* ssh.exec(sh("exit 255"))).exitCode, 255)
        const terminal = yield* ssh.exec(sh("stty size; exit 3"), { pty: { rows: 33, cols: 99 } })
        assert.deepStrictEqual([terminal.stdout.text, terminal.exitCode], ["33 99\r\n", 3])
        const flood = yield* ssh.exec(sh("head -c 3000000 /dev/zero | tee /dev/stderr"), { maxOutput: 10 })
        assert.deepStrictEqual([flood.stdout.totalBytes, flood.stderr.totalBytes], [3_000_000, 3_000_000])
      }).pipe(Effect.scoped)
    )

    it.effect("starts processes, kills them with all that they started, and moves files", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const ssh = yield* connect(server, apart)
        const processes = SshProcess.fromClient(ssh)
        const mark = Leaks.marker()
        const script = `sh -c 'sleep 600; : ${mark}' & echo started; sleep 600; : ${mark}`
        const handle = yield* processes.spawn(ChildProcess.make("/bin/sh", ["-c", script]))
        assert.strictEqual(
          yield* Stream.runHead(handle.stdout).pipe(
            Effect.map((chunk) => (chunk._tag === "Some" ? Buffer.from(chunk.value).toString() : ""))
          ),
          "started\n"
        )
        yield* handle.kill({ killSignal: "SIGKILL" })
        assert.isTrue(Exit.isFailure(yield* Effect.exit(handle.exitCode)))
        yield* Leaks.awaitProcesses(mark, 0)
        const files = yield* SshFiles.make().pipe(
          Effect.provideService(SshClient, ssh),
          Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, processes)
        )
        yield* files.writeFileString(`${server.tempDir}/apart`, "by sftp")
        assert.strictEqual(yield* files.readFileString(`${server.tempDir}/apart`), "by sftp")
      }).pipe(Effect.scoped)
    )

    it.effect("reaches ports, and does not listen", () =>
      Effect.gen(function* () {
        const ssh = yield* connect(yield* OpenSshServer.OpenSshServer, apart)
        const listener = yield* Effect.acquireRelease(
          Effect.callback<Net.Server>((resume) => {
            const listener = Net.createServer((socket) => void socket.pipe(socket))
            listener.listen(0, "127.0.0.1", () => resume(Effect.succeed(listener)))
          }),
          (listener) => Effect.sync(() => listener.close())
        )
        const { port } = listener.address() as Net.AddressInfo // it listens on TCP
        const stream = yield* ssh.dial({ host: "127.0.0.1", port })
        const back = yield* Effect.callback<string>((resume) => {
          stream.once("data", (data: Buffer) => resume(Effect.succeed(data.toString())))
          stream.write("there and back")
        })
        assert.strictEqual(back, "there and back")
        const error = yield* Effect.flip(ssh.listen({ host: "127.0.0.1", port: 0 }, () => Effect.void))
        reasonOf(error, "ChannelRefused", { isRetryable: false })
      }).pipe(Effect.scoped)
    )

    it.effect("never takes a lost connection for a success, and leaves nothing running here", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const port = yield* Effect.gen(function* () {
          // The way is cut, and nothing else: a server that ends its commands as well may still tell their end.
          const proxy = yield* FaultProxy.make({ target: server })
          const ssh = yield* connect({ ...server, port: proxy.port }, { ...apart, hostKeyPolicy: "off" })
          const begun = `${server.tempDir}/begun`
          const exec = yield* Effect.forkScoped(Effect.flip(ssh.exec(sh(`touch ${begun}; exec sleep 600`))))
          const fs = yield* FileSystem.FileSystem
          yield* Effect.repeat(fs.exists(begun), {
            until: (isThere) => isThere,
            schedule: Schedule.spaced("10 millis")
          })
          const other = yield* ssh.start(sh("echo begun; sleep 600"))
          yield* Stream.runHead(other.output)
          yield* proxy.cut("rst")
          reasonOf(yield* Fiber.join(exec), "ConnectionLost", { isRetryable: false, outcome: "may-have-run" })
          reasonOf(yield* Effect.flip(other.exit), "ConnectionLost", { isRetryable: false, outcome: "may-have-run" })
          yield* ssh.closed
          return proxy.port
        }).pipe(Effect.scoped)
        assert.deepStrictEqual(yield* running(`-p ${port}`), [])
      })
    )
  })
})
