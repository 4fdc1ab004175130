import { Effect, FileSystem } from "effect"
import type { Scope } from "effect"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as RealPart from "@toehold/lab/RealPart"

/** A private `ssh-agent` for as long as the scope is open; `add` is `ssh-add` with the given arguments. */
export const agent = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const path = `${yield* fs.makeTempDirectoryScoped()}/agent`
  const program = RealPart.path("ssh-agent")
  yield* Effect.acquireRelease(
    Effect.sync(() => ChildProcess.spawn(program, ["-D", "-a", path], { stdio: "ignore" })),
    (child) => Effect.sync(() => void child.kill("SIGKILL"))
  )
  while (!(yield* Effect.sync(() => Fs.existsSync(path)))) yield* Effect.sleep("5 millis")
  const add = (...args: ReadonlyArray<string>) =>
    Effect.sync(() =>
      ChildProcess.execFileSync("ssh-add", args, {
        env: { PATH: process.env["PATH"], SSH_AUTH_SOCK: path },
        stdio: "pipe"
      })
    )
  return { path, add }
})

/**
 * An agent in front of another one, which never answers requests of the given number (draft-miller-ssh-agent: 11 lists
 * the keys, 13 signs).
 */
export const mute = (
  behind: string,
  silentOn: number
): Effect.Effect<{ readonly path: string; readonly open: () => number }, never, Scope.Scope> =>
  Effect.gen(function* () {
    const path = `${behind}.${silentOn}`
    const sockets = new Set<Net.Socket>()
    yield* Effect.acquireRelease(
      Effect.callback<Net.Server>((resume) => {
        const server = Net.createServer((socket) => {
          sockets.add(socket)
          socket.on("error", () => {}).once("close", () => sockets.delete(socket))
          const upstream = Net.connect(behind).on("error", () => {})
          socket.on("data", (request) => request[4] !== silentOn && upstream.write(request))
          upstream.pipe(socket)
        })
        server.listen(path, () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.sync(() => {
          server.close()
          for (const socket of sockets) socket.destroy()
        })
    )
    return { path, open: () => sockets.size }
  })
