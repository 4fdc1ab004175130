import { assert, it } from "@effect/vitest"
import { Effect, Exit, Result, Scope } from "effect"
import type { FileSystem, Layer, Path } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import { createHash, randomBytes } from "node:crypto"
import * as Fs from "node:fs"
import * as PortForward from "@toehold/ssh-core/PortForward"
import type { SshClient } from "@toehold/ssh-core/SshClient"
import type { SshError } from "@toehold/ssh-core/SshError"
import * as SshForward from "@toehold/ssh-core/SshForward"
import type { LabError } from "@toehold/lab/LabError"
import { describeWith, type PartName } from "@toehold/lab/RealPart"
import type { ServerControls, SshServer } from "@toehold/lab/SshServer"
import { reasonOf } from "./failing.ts"
import { connect, services } from "./machine.ts"
import { leavesNothing } from "./sockets.ts"
import * as Streams from "./streams.ts"

type Server = SshServer & ServerControls
type Making = FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner | Scope.Scope

/** A server to forward through. */
export interface Subject {
  readonly name: string
  readonly parts: ReadonlyArray<PartName>
  readonly make: Effect.Effect<Server, LabError, Making>
  /** Whether the server knows OpenSSH's forwardings of Unix sockets, to them and from them. */
  readonly sockets: { readonly local: boolean; readonly remote: boolean }
  /** Whether it stops listening when it is told to. */
  readonly stopsListening: boolean
  /** How to log in. Default: as `SshClient` does. */
  readonly login?: (
    server: SshServer
  ) => Effect.Effect<SshClient["Service"], SshError, Scope.Scope | Layer.Success<typeof services>>
}

const open = (
  ...[kind, client, spec, options]: readonly [PortForward.Kind, SshClient["Service"], string, SshForward.Options?]
) => SshForward.open(client, Result.getOrThrow(PortForward.parse(kind, spec)), options)

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

/** Another port than any that is in use. */
const freePort = Effect.scoped(
  Effect.map(
    Streams.serve(() => {}),
    ({ port }) => port
  )
)

/** What every forwarding must do, whatever the server. */
export const forwardingSuite = ({ login = connect, make, name, parts, sockets, stopsListening }: Subject): void => {
  describeWith(parts, `SshForward over ${name}`, () => {
    it.layer(services, { excludeTestServices: true })((it) => {
      /** A connection, and a port here that leads to `to` through it. */
      const through = Effect.fnUntraced(function* (kind: "local" | "remote", to: Streams.TestServer) {
        const ssh = yield* login(yield* make)
        const { port = 0 } = yield* open(kind, ssh, `0:127.0.0.1:${to.where}`)
        return port
      })

      for (const kind of ["local", "remote"] as const) {
        it.effect(`passes bytes on both ways at once, ${kind}`, () =>
          leavesNothing(
            Effect.gen(function* () {
              const download = randomBytes(5_000_000)
              const uploaded: Array<string> = []
              const server = yield* Streams.serve((socket) => {
                const hash = createHash("sha256")
                socket.on("data", (chunk: Buffer) => hash.update(chunk))
                socket.once("end", () => uploaded.push(hash.digest("hex")))
                socket.end(download)
              })
              const port = yield* through(kind, server)
              const uploads = [randomBytes(4_000_000), randomBytes(700_001)]
              const back = yield* Effect.forEach(uploads, (bytes) => Streams.exchange(port, bytes), { concurrency: 2 })
              for (const { bytes, end } of back) assert.deepStrictEqual([sha256(bytes), end], [sha256(download), "end"])
              while (server.open() > 0) yield* Effect.sleep("5 millis")
              assert.sameMembers(uploaded, uploads.map(sha256))
            })
          )
        )

        it.effect(`passes each side's end on by itself, ${kind}`, () =>
          leavesNothing(
            Effect.gen(function* () {
              // The first answers only when it has heard all, the second hears all after it has said its last word.
              const summing = yield* Streams.serve((socket) => {
                let total = 0
                socket.on("data", (chunk: Buffer) => (total += chunk.length))
                socket.once("end", () => setTimeout(() => socket.end(`${total} bytes`), 100))
              })
              assert.strictEqual(
                yield* Streams.talk(yield* through(kind, summing), "x".repeat(100_000)),
                "100000 bytes end"
              )
              let heard = ""
              const brief = yield* Streams.serve((socket) => {
                socket.end("bye")
                socket.on("data", (chunk: Buffer) => (heard += chunk.toString()))
              })
              const socket = yield* Streams.connect(yield* through(kind, brief))
              assert.strictEqual((yield* Streams.receive(socket)).bytes.toString(), "bye")
              socket.write("still ")
              yield* Effect.sleep("100 millis")
              socket.end("here")
              while (brief.open() > 0) yield* Effect.sleep("5 millis")
              assert.strictEqual(heard, "still here")
            })
          )
        )

        it.effect(`holds a sender back whose receiver is slow, and loses nothing, ${kind}`, () =>
          leavesNothing(
            Effect.gen(function* () {
              let sent = 0
              const flooding = yield* Streams.serve((socket) => {
                const chunk = Buffer.alloc(65_536, "f")
                const fill = () => {
                  while (sent < 22_000_000 && socket.write(chunk)) sent += chunk.length
                  if (sent >= 22_000_000) socket.end()
                }
                socket.on("drain", () => {
                  sent += chunk.length
                  fill()
                })
                socket.resume()
                fill()
              })
              const socket = yield* Streams.connect(yield* through(kind, flooding))
              yield* Effect.sleep("700 millis")
              assert.isBelow(sent, 18_000_000)
              const { bytes, end } = yield* Streams.receive(socket)
              assert.deepStrictEqual([bytes.length >= 22_000_000, end], [true, "end"])
            })
          )
        )

        it.effect(`serves a hundred connections at once, ${kind}`, () =>
          leavesNothing(
            Effect.gen(function* () {
              const server = yield* Streams.serve(Streams.echo)
              const port = yield* through(kind, server)
              const texts = Array.from({ length: 100 }, (_, at) => `${at} ${"x".repeat(at * 300)}`)
              const answers = yield* Effect.forEach(texts, (text) => Streams.talk(port, text), {
                concurrency: "unbounded"
              })
              assert.deepStrictEqual(
                answers,
                texts.map((text) => `${text} end`)
              )
              assert.strictEqual(server.accepted(), 100)
              while (server.open() > 0) yield* Effect.sleep("5 millis")
            })
          )
        )

        it.effect(`closes what is open with its scope, ${kind}`, () =>
          leavesNothing(
            Effect.gen(function* () {
              const server = yield* Streams.serve(Streams.echo)
              const ssh = yield* login(yield* make)
              const scope = yield* Scope.fork(yield* Effect.scope)
              const { port = 0 } = yield* open(kind, ssh, `0:127.0.0.1:${server.port}`).pipe(Scope.provide(scope))
              const socket = yield* Streams.connect(port)
              socket.write("half a word")
              while (server.open() === 0) yield* Effect.sleep("5 millis")
              yield* Scope.close(scope, Exit.void)
              const late = Effect.match(Streams.talk(port, "late"), {
                onFailure: ({ code }) => code,
                onSuccess: (answer) => answer
              })
              if (kind === "local" || stopsListening) assert.strictEqual(yield* late, "ECONNREFUSED")
              else assert.include([" end", " reset"], yield* late)
              yield* Streams.receive(socket)
              while (server.open() > 0) yield* Effect.sleep("5 millis")
              // The connection goes on, and the port is free again.
              const again = yield* open(kind, ssh, `${port}:127.0.0.1:${server.port}`)
              assert.strictEqual(yield* Streams.talk(again.port ?? 0, "again"), "again end")
            })
          )
        )
      }

      it.effect("closes a connection that leads nowhere, says so, and goes on with the others", () =>
        leavesNothing(
          Effect.gen(function* () {
            const ssh = yield* login(yield* make)
            const nowhere = yield* freePort
            const events: Array<SshForward.ForwardEvent> = []
            const onEvent = (event: SshForward.ForwardEvent) => Effect.sync(() => void events.push(event))
            const echo = yield* Streams.serve(Streams.echo)
            const local = yield* SshForward.dynamic(ssh, "0", { onEvent })
            const alive = yield* Streams.viaSocks(local.port ?? 0, { host: "127.0.0.1", port: echo.port })
            for (const kind of ["local", "remote"] as const) {
              const { port = 0 } = yield* open(kind, ssh, `0:127.0.0.1:${nowhere}`, { onEvent })
              const ended = yield* Effect.result(Streams.talk(port, "anyone?"))
              assert.include([" reset", " end"], ended._tag === "Success" ? ended.success : " reset")
              const event = events.pop()
              assert.deepInclude(event, { _tag: "ConnectionFailed", to: `127.0.0.1:${nowhere}` })
              if (event?._tag !== "ConnectionFailed") continue
              if (kind === "remote") reasonOf(event.error, "ConnectionRefused", { isRetryable: true })
              else assert.include(reasonOf(event.error, "ChannelRefused", { isRetryable: false }).detail, `${nowhere}`)
            }
            alive.end("still here")
            assert.strictEqual((yield* Streams.receive(alive)).bytes.toString(), "still here")
          })
        )
      )

      it.effect("fails with PortInUse for a port that is taken, on either side", () =>
        leavesNothing(
          Effect.gen(function* () {
            const server = yield* make
            const ssh = yield* login(server)
            const { port } = yield* Streams.serve(Streams.echo)
            const here = yield* Effect.flip(SshForward.local(ssh, `${port}:localhost:1`))
            assert.deepInclude(reasonOf(here, "PortInUse", { isRetryable: true }), {
              side: "local",
              address: `127.0.0.1:${port}`
            })
            const proxy = yield* Effect.flip(SshForward.dynamic(ssh, `${port}`))
            assert.strictEqual(reasonOf(proxy, "PortInUse", { isRetryable: true }).side, "local")
            // A server is content with one of its loopback addresses; here both are taken.
            const held = (yield* SshForward.remote(ssh, `0:localhost:${port}`)).port
            const other = yield* login(server)
            const there = yield* Effect.flip(SshForward.remote(other, `${held}:localhost:1`))
            assert.deepInclude(reasonOf(there, "PortInUse", { isRetryable: true }), {
              side: "remote",
              address: `localhost:${held}`
            })
            assert.include((yield* SshForward.remote(other, "0:localhost:1")).listen, "127.0.0.1:")
          })
        )
      )

      it.effect("is a SOCKS proxy for version 5, 4 and 4a, by address and by name", () =>
        leavesNothing(
          Effect.gen(function* () {
            const ssh = yield* login(yield* make)
            const { port } = yield* Streams.serve(Streams.echo)
            for (const kind of ["dynamic", "remote"] as const) {
              const proxy = (yield* open(kind, ssh, "0")).port ?? 0
              for (const version of [5, 4] as const) {
                for (const host of ["127.0.0.1", "localhost"]) {
                  const socket = yield* Streams.viaSocks(proxy, { version, host, port })
                  socket.end("through")
                  const { bytes, end } = yield* Streams.receive(socket)
                  assert.deepStrictEqual([bytes.toString(), end], ["through", "end"], `${kind} ${version} ${host}`)
                }
              }
              const nowhere = yield* freePort
              const refused = yield* Effect.flip(Streams.viaSocks(proxy, { host: "127.0.0.1", port: nowhere }))
              assert.match(refused.message, /^refused with [45]$/)
              yield* Effect.flip(Streams.viaSocks(proxy, { version: 4, host: "localhost", port: nowhere }))
              assert.strictEqual(yield* Streams.talk(proxy, "GET / HTTP/1.1\r\n\r\n"), " end")
            }
          })
        )
      )

      it.effect(
        sockets.local ? "leads to Unix sockets, and from them" : "says that the server knows no Unix sockets",
        () =>
          leavesNothing(
            Effect.gen(function* () {
              const server = yield* make
              const ssh = yield* login(server)
              const echo = yield* Streams.serve(Streams.echo, `${server.tempDir}/echo`)
              const here = `${server.tempDir}/here`
              const there = `${server.tempDir}/there`
              const tcp = yield* Streams.serve(Streams.echo)
              yield* Effect.gen(function* () {
                yield* SshForward.local(ssh, `${here}:127.0.0.1:${tcp.port}`)
                assert.strictEqual(Fs.statSync(here).mode & 0o777, 0o600)
                assert.strictEqual(yield* Streams.talk(here, "from a socket"), "from a socket end")
                const { port = 0 } = yield* SshForward.remote(ssh, `0:${echo.where}`)
                assert.strictEqual(yield* Streams.talk(port, "to a socket here"), "to a socket here end")
                if (sockets.local) {
                  const { port = 0 } = yield* SshForward.local(ssh, `0:${echo.where}`)
                  assert.strictEqual(yield* Streams.talk(port, "to a socket there"), "to a socket there end")
                } else {
                  reasonOf(yield* Effect.flip(ssh.dial({ path: `${echo.where}` })), "ChannelRefused", {
                    isRetryable: false
                  })
                }
                if (sockets.remote) {
                  yield* SshForward.remote(ssh, `${there}:${echo.where}`)
                  const bytes = randomBytes(3_000_000)
                  const back = yield* Streams.exchange(there, bytes)
                  assert.deepStrictEqual([sha256(back.bytes), back.end], [sha256(bytes), "end"])
                } else {
                  const refused = yield* Effect.flip(SshForward.remote(ssh, `${there}:${echo.where}`))
                  reasonOf(refused, "ChannelRefused", { isRetryable: false })
                }
              }).pipe(Effect.scoped)
              assert.deepStrictEqual([Fs.existsSync(here), Fs.existsSync(there)], [false, false])
            })
          )
      )
    })
  })
}
