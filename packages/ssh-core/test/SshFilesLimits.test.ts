import { assert, it } from "@effect/vitest"
import { Effect, Fiber, type PlatformError, type Scope, Stream } from "effect"
import { ChildProcessSpawner } from "effect/process"
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Leaks from "@toehold/lab/Leaks"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import * as RealPart from "@toehold/lab/RealPart"
import type { SshServer } from "@toehold/lab/SshServer"
import * as SshClient from "@toehold/ssh-core/SshClient"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import type * as SshError from "@toehold/ssh-core/SshError"
import * as SshFiles from "@toehold/ssh-core/SshFiles"
import * as SshProcess from "@toehold/ssh-core/SshProcess"
import { causeOf, failureOf, noProcesses, soon } from "./support/files.ts"
import { connect, services } from "./support/machine.ts"

const connected = Effect.fnUntraced(function* (server: SshServer, options: Partial<SshClient.Options> = {}) {
  const ssh = yield* connect(server, options)
  const fs = yield* SshFiles.make().pipe(Effect.provideService(SshClient.SshClient, ssh), Effect.provide(noProcesses))
  return { ssh, fs }
})

const reasonOf = (error: PlatformError.PlatformError): SshError.Reason => causeOf(error).reason

/** A server whose SFTP is a process of its own, told from others by a folder that it is given. */
const withProgram = (more: ReadonlyArray<string> = []) =>
  Effect.gen(function* () {
    const mark = Leaks.marker()
    const folder = `/tmp/${mark}`
    yield* Effect.acquireRelease(
      Effect.sync(() => Fs.mkdirSync(folder)),
      () => Effect.sync(() => Fs.rmSync(folder, { recursive: true }))
    )
    const server = yield* OpenSshServer.make({
      config: [`Subsystem sftp ${RealPart.path("sftp-server")} -d ${folder}`, ...more]
    })
    return { server, mark }
  })

const pidOf = (mark: string) =>
  Effect.map(Leaks.processes(`sftp-server -d /tmp/${mark}`), (lines) =>
    lines
      .map((line) => Number(line.split(" ")[0]))
      .filter((pid) => Fs.readlinkSync(`/proc/${pid}/exe`).includes("sftp-server"))
  )

const interrupted = (effect: Effect.Effect<unknown, PlatformError.PlatformError, Scope.Scope>, afterMs: number) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Effect.scoped(effect), { startImmediately: true })
    yield* Effect.sleep(afterMs)
    yield* Fiber.interrupt(fiber)
  })

RealPart.describeWith(["sshd", "sftp-server"], "SshFiles over a long life", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    it.effect("leaves no file open on the machine, whatever became of the call", () =>
      Effect.gen(function* () {
        const { mark, server } = yield* withProgram()
        const { fs } = yield* connected(server)
        const path = `${server.tempDir}/big`
        Fs.writeFileSync(path, new Uint8Array(6_000_000))
        yield* fs.exists("/")
        const [pid = 0] = yield* pidOf(mark)
        const open = () => Fs.readdirSync(`/proc/${pid}/fd`).length
        const before = open()
        for (let round = 0; round < 12; round++) {
          yield* interrupted(fs.readFile(path), round)
          yield* interrupted(fs.open(path), round / 4)
          yield* interrupted(fs.readDirectory("/usr", { recursive: true }), round * 2)
          yield* interrupted(fs.writeFile(`${path}.w`, new Uint8Array(3_000_000)), round)
          yield* interrupted(Stream.run(Stream.make(new Uint8Array(900_000)), fs.sink(`${path}.s`)), round)
          yield* interrupted(fs.copyFile(path, `${path}.c`), round)
          yield* Stream.runDrain(Stream.take(fs.stream(path, { chunkSize: 1000 }), 2))
          yield* failureOf(fs.writeFile("/proc/none/x", new Uint8Array(1)))
          yield* failureOf(fs.readFile("/proc"))
          yield* Effect.scoped(Effect.flatMap(fs.open(path), (file) => file.readAlloc(1000)))
        }
        // The last closes are answered before this is.
        yield* fs.stat("/")
        assert.strictEqual(open(), before)
      })
    )

    it.effect("opens a new session where the old one has ended", () =>
      Effect.gen(function* () {
        const { mark, server } = yield* withProgram()
        const { fs } = yield* connected(server)
        const path = `${server.tempDir}/a`
        yield* fs.writeFileString(path, "x")
        const file = yield* fs.open(path)
        const [pid = 0] = yield* pidOf(mark)
        process.kill(pid, "SIGSTOP")
        const waiting = yield* Effect.forkChild(failureOf(fs.stat(path)), { startImmediately: true })
        yield* Effect.sleep("50 millis")
        process.kill(pid, "SIGKILL")
        assert.strictEqual(reasonOf(yield* soon(Fiber.join(waiting)))._tag, "ConnectionLost")
        assert.strictEqual(yield* fs.readFileString(path), "x")
        assert.strictEqual(reasonOf(yield* failureOf(file.readAlloc(1)))._tag, "ConnectionLost")
        assert.strictEqual((yield* pidOf(mark)).length, 1)
      })
    )

    it.effect("shares a server's only session with commands", () =>
      Effect.gen(function* () {
        const { mark, server } = yield* withProgram(["MaxSessions 1"])
        yield* Effect.gen(function* () {
          const { fs, ssh } = yield* connected(server)
          const path = `${server.tempDir}/a`
          for (let round = 0; round < 3; round++) {
            const { exitCode } = yield* soon(ssh.exec(SshCommand.shell(`echo ${round} >>${path}`)))
            assert.strictEqual(exitCode, 0)
            assert.strictEqual((yield* soon(fs.readFileString(path))).split("\n").length, round + 2)
          }
          yield* soon(
            Effect.forEach(
              [0, 1, 2],
              () => Effect.zip(ssh.exec(SshCommand.shell("true")), fs.stat(path), { concurrent: true }),
              { concurrency: "unbounded" }
            )
          )
        }).pipe(Effect.scoped)
        yield* Leaks.awaitProcesses(`sftp-server -d /tmp/${mark}`, 0)
      })
    )

    it.effect("removes what a scope was lent, though the session that it was made in has given way", () =>
      Effect.gen(function* () {
        const { mark, server } = yield* withProgram(["MaxSessions 1"])
        const lent = yield* Effect.gen(function* () {
          const { fs, ssh } = yield* connected(server)
          const folder = yield* fs.makeTempDirectoryScoped({ directory: server.tempDir })
          yield* soon(ssh.exec(SshCommand.shell("true")))
          yield* soon(fs.writeFileString(`${folder}/a`, "x"))
          return folder
        }).pipe(Effect.scoped)
        assert.isFalse(Fs.existsSync(lent))
        yield* Leaks.awaitProcesses(`sftp-server -d /tmp/${mark}`, 0)
      })
    )

    it.effect("reads past what a login prints before SFTP begins", () =>
      Effect.gen(function* () {
        const noise = "echo 'Welcome!'; echo; head -c 30000 /dev/zero | tr '\\0' x; sleep 0.2; echo more >&2"
        const server = yield* OpenSshServer.make({
          config: [`Subsystem sftp ${RealPart.path("sftp-server")}`],
          account: { loginShell: "bash", homeFiles: { ".bashrc": noise } }
        })
        const { fs } = yield* connected(server)
        yield* fs.writeFileString(`${server.tempDir}/a`, "x")
        assert.strictEqual(yield* fs.readFileString(`${server.tempDir}/a`), "x")
      })
    )

    it.effect("goes by shell commands where the server has no SFTP", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make({ config: ["Subsystem sftp /nonexistent/sftp-server"] })
        const ssh = yield* connect(server)
        const spawner = yield* SshProcess.make.pipe(Effect.provideService(SshClient.SshClient, ssh))
        const fs = yield* SshFiles.make().pipe(
          Effect.provideService(SshClient.SshClient, ssh),
          Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, spawner)
        )
        const path = `${server.tempDir}/it's\n`
        const data = new Uint8Array(300_000).map((_, index) => index % 251)
        yield* Stream.run(Stream.make<ReadonlyArray<Uint8Array>>(data), fs.sink(path))
        assert.isTrue(Fs.readFileSync(path).equals(data))
        assert.deepStrictEqual(Buffer.from(yield* fs.readFile(path)), Buffer.from(data))
        const missing = yield* failureOf(fs.stat(`${path}.none`))
        assert.strictEqual(missing.reason._tag, "NotFound")
        const refused = yield* failureOf(Effect.scoped(ssh.sftp()))
        assert.strictEqual(refused.reason._tag, "ChannelRefused")
        assert.isFalse(refused.isRetryable)
      })
    )

    it.effect("says what a login printed where SFTP never begins", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make({
          account: { loginShell: "bash", homeFiles: { ".bashrc": "echo 'Account disabled.'; exit 1" } },
          config: [`Subsystem sftp ${RealPart.path("sftp-server")}`]
        })
        const { ssh } = yield* connected(server)
        const refused = yield* soon(failureOf(Effect.scoped(ssh.sftp())))
        assert.strictEqual(refused.reason._tag, "ChannelRefused")
        assert.include(refused.message, "Account disabled.")
      })
    )
  })
})

/** Made before the server, which sees only the file systems that there are when it starts. */
const volume = (options: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const path = Fs.mkdtempSync("/tmp/lab-volume-")
      execFileSync("mount", ["-t", "tmpfs", "-o", options, "none", path])
      return path
    }),
    (path) =>
      Effect.sync(() => {
        execFileSync("umount", ["-l", path])
        Fs.rmdirSync(path)
      })
  )

RealPart.describeWith(["sshd", "root"], "SshFiles on a full disk", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    it.effect("says that there is no space left, and keeps what was written before", () =>
      Effect.gen(function* () {
        const small = yield* volume("size=1m")
        const server = yield* OpenSshServer.make()
        const { fs } = yield* connected(server)
        const data = new Uint8Array(3_000_000).map((_, index) => 1 + (index % 255))
        const full = Effect.fnUntraced(function* (
          effect: Effect.Effect<unknown, PlatformError.PlatformError, Scope.Scope>
        ) {
          const error = yield* soon(failureOf(Effect.scoped(effect)))
          assert.strictEqual(error.reason._tag, "Unknown")
          const reason = reasonOf(error)
          assert.strictEqual(reason._tag, "NoSpace", error.message)
          assert.strictEqual(reason.outcome, "may-have-run")
        })
        /** No more than what was sent is there, and without holes. */
        const isPrefix = (path: string) => {
          const kept = Fs.readFileSync(path)
          assert.isBelow(kept.length, data.length)
          assert.isTrue(kept.equals(data.subarray(0, kept.length)))
          Fs.rmSync(path)
        }
        yield* full(fs.writeFile(`${small}/a`, data))
        isPrefix(`${small}/a`)
        yield* full(Stream.run(Stream.rechunk(Stream.make(data, data), 1), fs.sink(`${small}/b`)))
        isPrefix(`${small}/b`)
        yield* full(Effect.flatMap(fs.open(`${small}/c`, { flag: "w" }), (file) => file.writeAll(data)))
        Fs.rmSync(`${small}/c`)
        Fs.writeFileSync(`${server.tempDir}/source`, data)
        yield* full(fs.copyFile(`${server.tempDir}/source`, `${small}/d`))
        Fs.rmSync(`${small}/d`)
        yield* fs.writeFile(`${small}/fits`, data.subarray(0, 500_000))
        assert.isTrue(Fs.readFileSync(`${small}/fits`).equals(data.subarray(0, 500_000)))
      })
    )

    it.effect("says that no more files can be made, and that a file system is read-only", () =>
      Effect.gen(function* () {
        const few = yield* volume("nr_inodes=3")
        const fixed = yield* volume("ro")
        const server = yield* OpenSshServer.make()
        const { fs } = yield* connected(server)
        yield* fs.makeDirectory(`${few}/one`)
        yield* fs.writeFileString(`${few}/two`, "x")
        for (const use of [
          fs.makeDirectory(`${few}/three`),
          fs.writeFileString(`${few}/three`, "x"),
          fs.symlink("a", `${few}/three`)
        ]) {
          assert.strictEqual(reasonOf(yield* failureOf(use))._tag, "NoSpace")
        }
        for (const use of [
          fs.makeDirectory(`${fixed}/a`),
          fs.writeFileString(`${fixed}/a`, "x"),
          fs.chmod(fixed, 0o700)
        ]) {
          const reason = reasonOf(yield* failureOf(use))
          assert.strictEqual(reason._tag === "FileFailed" ? reason.code : reason._tag, "EROFS")
        }
      })
    )
  })
})
