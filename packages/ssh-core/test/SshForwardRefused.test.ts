import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Http from "node:http"
import type { SshClient } from "@toehold/ssh-core/SshClient"
import * as SshForward from "@toehold/ssh-core/SshForward"
import * as DropbearServer from "@toehold/lab/DropbearServer"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import * as RealPart from "@toehold/lab/RealPart"
import { reasonOf } from "./support/failing.ts"
import { connect as login, services } from "./support/machine.ts"
import { leavesNothing } from "./support/sockets.ts"
import * as Streams from "./support/streams.ts"

const no = { isRetryable: false }

/** The reason that the machine gives for not listening. */
const refusalOf = (ssh: SshClient["Service"], spec: string) =>
  Effect.map(Effect.flip(SshForward.remote(ssh, spec)), (error) => reasonOf(error, "ChannelRefused", no))

/** What becomes of a connection to a local port that leads to `to`. */
const attempt = Effect.fnUntraced(function* (ssh: SshClient["Service"], to: string) {
  const events: Array<SshForward.ForwardEvent> = []
  const { port = 0 } = yield* SshForward.local(ssh, `0:${to}`, {
    onEvent: (event) => Effect.sync(() => void events.push(event))
  })
  const answer = yield* Streams.talk(port, "hello")
  const [event] = events
  return {
    answer,
    reason: event?._tag === "ConnectionFailed" ? reasonOf(event.error, "ChannelRefused", no) : undefined
  }
})

RealPart.describeWith(["sshd"], "SshForward where OpenSSH refuses", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    it.effect("says that forwarding is forbidden, never that a port is taken", () =>
      leavesNothing(
        Effect.gen(function* () {
          const echo = yield* Streams.serve(Streams.echo)
          const words = "Server has disabled port forwarding"
          for (const setting of ["AllowTcpForwarding no", "DisableForwarding yes"]) {
            const ssh = yield* login(yield* OpenSshServer.make({ config: [setting] }))
            for (const spec of ["0:a:1", `${echo.port}:a:1`, "80:a:1"]) {
              assert.deepInclude(yield* refusalOf(ssh, spec), { request: "tcpip-forward", detail: words })
            }
            const { answer, reason } = yield* attempt(ssh, `127.0.0.1:${echo.port}`)
            assert.strictEqual(answer, " reset")
            assert.include(reason?.detail ?? "", `does not allow a connection to 127.0.0.1 port ${echo.port}`)
          }
          assert.strictEqual(echo.accepted(), 0)
          const ssh = yield* login(yield* OpenSshServer.make({ config: ["AllowStreamLocalForwarding no"] }))
          assert.deepInclude(yield* refusalOf(ssh, "/tmp/refused:a:1"), {
            request: "streamlocal-forward",
            detail: "Server has disabled streamlocal forwarding"
          })
          assert.strictEqual((yield* attempt(ssh, "/tmp/refused")).reason?.request, "direct-streamlocal")
        })
      )
    )

    it.effect("keeps to what PermitOpen and PermitListen allow", () =>
      leavesNothing(
        Effect.gen(function* () {
          const echo = yield* Streams.serve(Streams.echo)
          const other = yield* Streams.serve(Streams.echo)
          const free = yield* Effect.scoped(Streams.serve(() => {}))
          const config = [`PermitOpen 127.0.0.1:${echo.port}`, `PermitListen localhost:${free.port}`]
          const ssh = yield* login(yield* OpenSshServer.make({ config }))
          assert.strictEqual((yield* attempt(ssh, `127.0.0.1:${echo.port}`)).answer, "hello end")
          assert.strictEqual((yield* attempt(ssh, `127.0.0.1:${other.port}`)).answer, " reset")
          const there = yield* SshForward.remote(ssh, `${free.port}:127.0.0.1:${echo.port}`)
          assert.strictEqual(there.listen, `127.0.0.1:${free.port}`)
          for (const spec of ["0:a:1", `${other.port}:a:1`]) {
            assert.strictEqual((yield* refusalOf(ssh, spec)).detail, "port forwarding refused")
          }
        })
      )
    )

    it.effect("listens for others than the machine itself only where it is told to and allowed", () =>
      leavesNothing(
        Effect.gen(function* () {
          const echo = yield* Streams.serve(Streams.echo)
          const ssh = yield* login(yield* OpenSshServer.make({ config: ["GatewayPorts clientspecified"] }))
          const listening = (spec: string) => SshForward.remote(ssh, `${spec}:127.0.0.1:${echo.port}`)
          for (const [spec, shown] of [
            ["*:0", /^\*:\d+$/],
            ["127.0.0.1:0", /^127\.0\.0\.1:\d+$/],
            ["[::1]:0", /^\[::1\]:\d+$/]
          ] as const) {
            const { listen, port = 0 } = yield* listening(spec)
            assert.match(listen, shown)
            if (spec !== "[::1]:0") assert.strictEqual(yield* Streams.talk(port, spec), `${spec} end`)
          }
          // No address of the machine: the server says no more than no.
          assert.strictEqual((yield* refusalOf(ssh, "203.0.113.7:0:a:1")).request, "tcpip-forward")
          const here = yield* SshForward.local(ssh, `*:0:127.0.0.1:${echo.port}`)
          assert.match(here.listen, /^\*:\d+$/)
          assert.strictEqual(yield* Streams.talk(here.port ?? 0, "all"), "all end")
        })
      )
    )

    it.effect("tells a path that is taken from one that can't be", () =>
      leavesNothing(
        Effect.gen(function* () {
          const server = yield* OpenSshServer.make()
          const ssh = yield* login(server)
          const echo = yield* Streams.serve(Streams.echo)
          const refused = (path: string) => Effect.flip(SshForward.remote(ssh, `${path}:127.0.0.1:${echo.port}`))
          const file = `${server.tempDir}/file`
          Fs.writeFileSync(file, "precious")
          const taken = yield* refused(file)
          assert.deepInclude(reasonOf(taken, "PortInUse", { isRetryable: true }), { side: "remote", address: file })
          assert.strictEqual(Fs.readFileSync(file, "utf8"), "precious")
          assert.strictEqual(reasonOf(yield* refused("/nowhere/s"), "NotFound", no).path, "/nowhere")
          const live = `${server.tempDir}/live`
          yield* Streams.serve(Streams.echo, live)
          reasonOf(yield* refused(live), "PortInUse", { isRetryable: true })
          assert.strictEqual(yield* Streams.talk(live, "still there"), "still there end")
        })
      )
    )

    it.effect("takes the path of a socket that a killed program left behind, on either side", () =>
      leavesNothing(
        Effect.gen(function* () {
          const server = yield* OpenSshServer.make()
          const ssh = yield* login(server)
          const echo = yield* Streams.serve(Streams.echo)
          for (const open of [SshForward.local, SshForward.remote]) {
            const path = `${server.tempDir}/left`
            const script = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`
            ChildProcess.spawnSync(process.execPath, ["-e", script])
            assert.isTrue(Fs.lstatSync(path).isSocket())
            yield* Effect.scoped(
              Effect.gen(function* () {
                yield* open(ssh, `${path}:127.0.0.1:${echo.port}`)
                assert.strictEqual(yield* Streams.talk(path, "taken over"), "taken over end")
              })
            )
            assert.isFalse(Fs.existsSync(path))
          }
        })
      )
    )

    it.effect("forwards for an account that may run nothing, whose sockets it then can't remove", () =>
      leavesNothing(
        Effect.gen(function* () {
          const server = yield* OpenSshServer.make({ config: ["ForceCommand /bin/false"] })
          const ssh = yield* login(server)
          const echo = yield* Streams.serve(Streams.echo)
          const path = `${server.tempDir}/kept`
          yield* Effect.gen(function* () {
            for (const open of [SshForward.local, SshForward.remote]) {
              const { port = 0 } = yield* open(ssh, `0:127.0.0.1:${echo.port}`)
              assert.strictEqual(yield* Streams.talk(port, "port"), "port end")
            }
            yield* SshForward.remote(ssh, `${path}:127.0.0.1:${echo.port}`)
            assert.strictEqual(yield* Streams.talk(path, "socket"), "socket end")
          }).pipe(Effect.scoped)
          const again = yield* Effect.flip(SshForward.remote(ssh, `${path}:127.0.0.1:${echo.port}`))
          reasonOf(again, "PortInUse", { isRetryable: true })
        })
      )
    )

    it.effect("names what can't be listened on here", () =>
      leavesNothing(
        Effect.gen(function* () {
          const server = yield* OpenSshServer.make()
          const ssh = yield* login(server)
          const refused = (spec: string) => Effect.flip(SshForward.local(ssh, spec))
          const address = reasonOf(yield* refused("203.0.113.7:0:a:1"), "InvalidArgument", no)
          assert.include(address.detail, "no such address")
          assert.include(
            reasonOf(yield* refused("no.such.name.invalid:0:a:1"), "InvalidArgument", no).detail,
            "address"
          )
          assert.strictEqual(reasonOf(yield* refused("/nowhere/s:a:1"), "NotFound", no).path, "/nowhere")
          reasonOf(yield* refused(`/${"x".repeat(105)}:a:1`.replace("/x", "/tmp/x")), "InvalidTarget", no)
          const file = `${server.tempDir}/file`
          Fs.writeFileSync(file, "precious")
          reasonOf(yield* refused(`${file}:a:1`), "PortInUse", { isRetryable: true })
          assert.strictEqual(Fs.readFileSync(file, "utf8"), "precious")
        })
      )
    )
  })
})

RealPart.describeWith(["dropbear", "dropbearconvert", "private-accounts"], "SshForward where dropbear refuses", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    it.effect("says that forwarding is forbidden, never that a port is taken", () =>
      leavesNothing(
        Effect.gen(function* () {
          const echo = yield* Streams.serve(Streams.echo)
          const ssh = yield* login(yield* DropbearServer.make({ args: ["-j", "-k"] }))
          for (const spec of ["0:a:1", `${echo.port}:a:1`]) {
            assert.strictEqual((yield* refusalOf(ssh, spec)).request, "tcpip-forward")
          }
          assert.strictEqual((yield* attempt(ssh, `127.0.0.1:${echo.port}`)).answer, " reset")
        })
      )
    )
  })
})

const machine = OpenSshServer.layer().pipe(Layer.provideMerge(services))

RealPart.describeWith(["sshd", "curl"], "SshForward as curl sees it", () => {
  it.layer(machine, { excludeTestServices: true })((it) => {
    it.effect("is a proxy for every version of SOCKS", () =>
      leavesNothing(
        Effect.gen(function* () {
          const ssh = yield* login(yield* OpenSshServer.OpenSshServer)
          const server = yield* Effect.acquireRelease(
            Effect.callback<Http.Server>((resume) => {
              const server = Http.createServer((request, response) => void request.pipe(response))
              server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
            }),
            (server) => Effect.sync(() => void server.close().closeAllConnections())
          )
          const bound = server.address()
          const port = bound === null || typeof bound === "string" ? 0 : bound.port
          for (const open of [SshForward.dynamic, SshForward.remote]) {
            const { listen } = yield* open(ssh, "0")
            for (const scheme of ["socks5", "socks5h", "socks4", "socks4a"]) {
              const body = `by ${scheme} `.repeat(20_000)
              const got = yield* Effect.callback<string>((resume) => {
                const args = ["-sS", "-x", `${scheme}://${listen}`, "--data-binary", "@-", `http://localhost:${port}/`]
                const curl = ChildProcess.execFile(
                  RealPart.path("curl"),
                  ["-4", ...args],
                  { maxBuffer: 10_000_000 },
                  (error, stdout, stderr) => resume(Effect.succeed(error === null ? stdout : stderr))
                )
                curl.stdin?.end(body)
              })
              assert.isTrue(got === body, `${scheme}: ${got.slice(0, 200)}`)
            }
          }
        })
      )
    )
  })
})
