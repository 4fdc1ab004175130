import { assert, it } from "@effect/vitest"
import { Effect, Fiber, FileSystem, type PlatformError, type Scope, Stream } from "effect"
import * as Fs from "node:fs"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import * as RealPart from "@toehold/lab/RealPart"
import type { SshServer } from "@toehold/lab/SshServer"
import * as SshClient from "@toehold/ssh-core/SshClient"
import * as SshFiles from "@toehold/ssh-core/SshFiles"
import { causeOf, failureOf, noProcesses, soon } from "./support/files.ts"
import { optionsFor, services } from "./support/machine.ts"
import { connectTo } from "./support/failing.ts"

const keepalive = { interval: "100 millis", countMax: 8 } as const

/** The files of a server over a proxy, and the proxy. */
const behindProxy = Effect.fnUntraced(function* (server: SshServer, options: Partial<SshClient.Options> = {}) {
  const proxy = yield* FaultProxy.make({ target: server })
  const ssh = yield* connectTo({ ...optionsFor(server, { keepalive, ...options }), port: proxy.port })
  const fs = yield* SshFiles.make().pipe(Effect.provideService(SshClient.SshClient, ssh), Effect.provide(noProcesses))
  return { proxy, ssh, fs }
})

const pieces = (count: number): Stream.Stream<Uint8Array> =>
  Stream.map(Stream.range(1, count), (index) => new Uint8Array(100_000).fill(index))

/** Every kind of call that waits for the server, by what a lost answer leaves in doubt. */
const calls = (fs: FileSystem.FileSystem, dir: string) => {
  const reads = "did-not-run" as const
  const changes = "may-have-run" as const
  return [
    ["access", reads, fs.access(`${dir}/a`, { readable: true })],
    ["chmod", changes, fs.chmod(`${dir}/a`, 0o600)],
    ["copy", reads, fs.copy(`${dir}/d`, `${dir}/e`)],
    ["copyFile", reads, fs.copyFile(`${dir}/a`, `${dir}/b`)],
    ["exists", reads, fs.exists(`${dir}/a`)],
    ["glob", reads, fs.glob("*", { root: dir })],
    ["link", changes, fs.link(`${dir}/a`, `${dir}/hard`)],
    ["makeDirectory", changes, fs.makeDirectory(`${dir}/new`)],
    ["makeTempFile", changes, fs.makeTempFile({ directory: dir })],
    ["open for reading", reads, Effect.scoped(fs.open(`${dir}/a`))],
    ["open for writing", changes, Effect.scoped(fs.open(`${dir}/a`, { flag: "w" }))],
    ["readDirectory", reads, fs.readDirectory(dir, { recursive: true })],
    ["readFile", reads, fs.readFile(`${dir}/a`)],
    ["readLink", reads, fs.readLink(`${dir}/l`)],
    ["realPath", reads, fs.realPath(`${dir}/a`)],
    ["remove", changes, fs.remove(`${dir}/gone`)],
    ["rename", changes, fs.rename(`${dir}/a`, `${dir}/z`)],
    ["sink", changes, Stream.run(pieces(3), fs.sink(`${dir}/sunk`))],
    ["stat", reads, fs.stat(`${dir}/a`)],
    ["stream", reads, Stream.runDrain(fs.stream(`${dir}/a`))],
    ["symlink", changes, fs.symlink("a", `${dir}/sym`)],
    ["truncate", changes, fs.truncate(`${dir}/a`, 1)],
    ["utimes", changes, fs.utimes(`${dir}/a`, 1, 1)],
    ["watch", reads, Stream.runDrain(fs.watch(dir))],
    ["writeFile", changes, fs.writeFile(`${dir}/w`, new Uint8Array(9))]
  ] as const
}

const prepared = (server: OpenSshServer.OpenSshServer["Service"], name: string): string => {
  const dir = `${server.tempDir}/${name}`
  Fs.mkdirSync(`${dir}/d/inner`, { recursive: true })
  Fs.writeFileSync(`${dir}/a`, "content")
  Fs.writeFileSync(`${dir}/gone`, "")
  Fs.symlinkSync("a", `${dir}/l`)
  return dir
}

RealPart.describeWith(["sshd", "sftp-server"], "SshFiles on a bad network", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    for (const fault of ["cut", "half-open"] as const) {
      it.effect(`ends every call in a typed error when the connection is ${fault}`, () =>
        Effect.gen(function* () {
          const server = yield* OpenSshServer.make()
          const dir = prepared(server, fault)
          const names = calls(FileSystem.makeNoop({}), dir).map(([name]) => name)
          yield* Effect.forEach(
            names,
            (name, index) =>
              Effect.gen(function* () {
                const { fs, proxy, ssh } = yield* behindProxy(server)
                yield* fs.stat(dir)
                const [, outcome, call] = calls(fs, dir)[index] ?? assert.fail(name)
                // The answers are on their way when the road breaks.
                yield* proxy.set("toClient", { hold: true })
                const fiber = yield* Effect.forkChild(
                  failureOf(call as Effect.Effect<unknown, PlatformError.PlatformError>),
                  {
                    startImmediately: true
                  }
                )
                yield* Effect.sleep("50 millis")
                yield* fault === "cut" ? proxy.cut("rst") : proxy.set("both", { swallow: true })
                const error = yield* soon(Fiber.join(fiber))
                assert.strictEqual(error.reason._tag, "Unknown", name)
                const cause = causeOf(error)
                assert.strictEqual(cause.reason._tag, "ConnectionLost", name)
                assert.strictEqual(cause.outcome, outcome, name)
                yield* soon(ssh.closed)
                // What is asked from now on ends at once.
                const later = yield* soon(failureOf(fs.stat(dir)))
                assert.strictEqual(causeOf(later).outcome, "did-not-run", name)
              }).pipe(Effect.scoped),
            { concurrency: 6, discard: true }
          )
        })
      )
    }

    it.effect("ends streams, sinks and open files in the middle", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make()
        Fs.writeFileSync(`${server.tempDir}/big`, new Uint8Array(20_000_000))
        const whole = Effect.fnUntraced(function* (
          direction: "toClient" | "toServer",
          use: (fs: FileSystem.FileSystem) => Effect.Effect<unknown, PlatformError.PlatformError, Scope.Scope>
        ) {
          const { fs, proxy } = yield* behindProxy(server)
          yield* fs.exists("/")
          const { [direction]: before } = yield* proxy.bytes
          yield* proxy.set(direction, { cutAfter: { bytes: before + 3_000_000, by: "rst" } })
          const cause = causeOf(yield* soon(failureOf(use(fs))))
          assert.strictEqual(cause.reason._tag, "ConnectionLost")
          return cause.outcome
        }, Effect.scoped)
        const big = `${server.tempDir}/big`
        const copy = `${server.tempDir}/copy`
        assert.strictEqual(yield* whole("toClient", (fs) => Stream.runDrain(fs.stream(big))), "did-not-run")
        assert.strictEqual(yield* whole("toClient", (fs) => fs.readFile(big)), "did-not-run")
        assert.strictEqual(
          yield* whole("toClient", (fs) => Effect.flatMap(fs.open(big), (file) => file.readAlloc(9_000_000))),
          "did-not-run"
        )
        assert.strictEqual(yield* whole("toServer", (fs) => Stream.run(pieces(100), fs.sink(copy))), "may-have-run")
        assert.strictEqual(
          yield* whole("toServer", (fs) => fs.writeFile(copy, new Uint8Array(9_000_000))),
          "may-have-run"
        )
      })
    )

    it.effect("writes a file over several sessions where the round trip is long, and gives them back", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.make({
          config: [`Subsystem sftp ${RealPart.path("sftp-server")}`, "MaxSessions 5"]
        })
        const { fs, proxy, ssh } = yield* behindProxy(server, { keepalive: false })
        yield* proxy.setRoundTrip("60 millis")
        const path = `${server.tempDir}/far`
        const data = Buffer.concat(Array.from({ length: 160 }, (_, index) => Buffer.alloc(100_000, `${index} `)))
        yield* Stream.run(Stream.make<ReadonlyArray<Uint8Array>>(data), fs.sink(path))
        assert.isTrue(Fs.readFileSync(path).equals(data))
        assert.isTrue(Buffer.from(yield* fs.readFile(path)).equals(data))
        // The time of a file is that of its last write, whatever was tried on it.
        assert.isBelow(Math.abs(Fs.statSync(path).atimeMs - Fs.statSync(path).mtimeMs), 60_000)
        const log = yield* server.log
        assert.isAbove(log.split("subsystem 'sftp'").length - 1, 2)
        yield* proxy.heal
        // One is kept for the next call, the others are free again.
        yield* soon(
          Effect.all(
            Array.from({ length: 4 }, () => Effect.scoped(Effect.asVoid(ssh.sftp({ atOnce: true })))),
            { concurrency: 1 }
          ).pipe(Effect.retry({ times: 50 }))
        )
      })
    )
  })
})
