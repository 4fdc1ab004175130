/** 200 MB through a local port, each way: `toehold forward` against `ssh -L`, each a process of its own. */
import { Effect, type Scope } from "effect"
import * as FreePort from "@toehold/lab/FreePort"
import type { SshServer } from "@toehold/lab/SshServer"
import { sshArguments } from "@toehold/lab/SshServer"
import { type ChildProcess, spawn } from "node:child_process"
import * as Net from "node:net"
import { bundle } from "./program.ts"
import { ratioOf, report } from "./report.ts"
import { rounds } from "./rounds.ts"

const size = 200_000_000
const count = 15

/** What stands behind the tunnel: sends all there is to who says `get`, and tells others how much they sent. */
const behind = `
const chunk = Buffer.alloc(65536)
require("node:net").createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
  socket.on("error", () => {})
  socket.once("data", (first) => {
    if (String(first.subarray(0, 3)) === "get") {
      let left = ${size}
      const fill = () => {
        while (left > 0) {
          const piece = left < chunk.length ? chunk.subarray(0, left) : chunk
          left -= piece.length
          if (!socket.write(piece)) return socket.once("drain", fill)
        }
        socket.end()
      }
      return fill()
    }
    let total = first.length
    socket.on("data", (data) => { total += data.length })
    socket.on("end", () => socket.end(String(total)))
  })
}).listen(0, "127.0.0.1", function () { console.log(this.address().port) })`

/** A program for as long as the scope, with the first line that it prints. */
const running = (path: string, args: ReadonlyArray<string>): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<{ readonly child: ChildProcess; readonly line: string }>((resume) => {
      const child = spawn(path, args, { stdio: ["ignore", "pipe", "inherit"] })
      child.stdout.once("data", (data: Buffer) => resume(Effect.succeed({ child, line: data.toString() })))
      child.once("exit", (code) => resume(Effect.die(new Error(`${path} ended with ${code}`))))
    }),
    ({ child }) => Effect.sync(() => void child.kill())
  ).pipe(Effect.map(({ line }) => line))

/** `ssh -L`, which says on standard error alone when it is ready: its port answers then. */
const sshForward = Effect.fnUntraced(function* (server: SshServer, to: number) {
  const port = yield* FreePort.onLoopback
  const child = spawn("ssh", ["-N", "-L", `127.0.0.1:${port}:127.0.0.1:${to}`, ...sshArguments(server)], {
    stdio: "ignore"
  })
  yield* Effect.addFinalizer(() => Effect.sync(() => void child.kill()))
  const isOpen = Effect.callback<boolean>((resume) => {
    const socket = Net.connect(port, "127.0.0.1", () =>
      resume(
        Effect.as(
          Effect.sync(() => socket.destroy()),
          true
        )
      )
    )
    socket.once("error", () => resume(Effect.succeed(false)))
  })
  while (!(yield* isOpen)) yield* Effect.sleep("20 millis")
  return port
})

const toeholdForward = Effect.fnUntraced(function* (server: SshServer, to: number) {
  const files = ["-F", "none", "-i", server.privateKeyPath, "--known-hosts", server.knownHostsPath]
  const machine = `${server.user}@${server.host}:${server.port}`
  const words = ["forward", machine, ...files, "--host-key", "strict", "--json", "-L", `0:127.0.0.1:${to}`]
  const { listen }: { readonly listen: string } = JSON.parse(yield* running(process.execPath, [bundle(), ...words]))
  return Number(listen.slice(listen.lastIndexOf(":") + 1))
})

const check = (total: number): Effect.Effect<void> =>
  total === size ? Effect.void : Effect.die(new Error(`${total} bytes came through`))

const download = (port: number): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    let total = 0
    const socket = Net.connect({ port, host: "127.0.0.1", noDelay: true }, () => socket.write("get"))
    socket.on("data", (data: Buffer) => void (total += data.length)).once("end", () => resume(check(total)))
  })

const upload = (port: number): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const chunk = Buffer.alloc(65_536)
    let left = size
    let answer = ""
    const fill = (): void => {
      while (left > 0) {
        const piece = left < chunk.length ? chunk.subarray(0, left) : chunk
        left -= piece.length
        if (!socket.write(piece)) return void socket.once("drain", fill)
      }
      socket.end()
    }
    const socket = Net.connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true }, fill)
    socket
      .on("data", (data: Buffer) => void (answer += data.toString()))
      .once("end", () => resume(check(Number(answer))))
  })

export const forward = Effect.fnUntraced(function* (server: SshServer) {
  const to = Number(yield* running(process.execPath, ["-e", behind]))
  const toehold = yield* toeholdForward(server, to)
  const ssh = yield* sshForward(server, to)
  const figures = yield* rounds<never>(
    [
      { name: "toehold forward, download", run: download(toehold) },
      { name: "ssh -L, download", run: download(ssh) },
      { name: "toehold forward, upload", run: upload(toehold) },
      { name: "ssh -L, upload", run: upload(ssh) }
    ],
    { count, warmup: 2 }
  )
  return yield* report("forward", figures, [
    {
      what: "download, toehold / ssh -L",
      ratio: ratioOf(figures, "toehold forward, download", "ssh -L, download"),
      atMost: 1.5
    },
    {
      what: "upload, toehold / ssh -L",
      ratio: ratioOf(figures, "toehold forward, upload", "ssh -L, upload"),
      atMost: 1.5
    }
  ])
})
