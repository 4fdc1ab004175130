import { Effect, Option } from "effect"
import * as ChildProcess from "node:child_process"
import * as Net from "node:net"
import { LabError } from "../LabError.ts"
import { withRealClock } from "./realClock.ts"

/** Listens with the shortest queue there is, says so, and never takes a connection out of it. */
const listener = `
const [port, host] = process.argv.slice(1)
require("node:net").createServer().listen({ port: Number(port), host, backlog: 1 }, () => {
  require("node:fs").writeSync(1, "listening")
  process.kill(process.pid, "SIGSTOP")
})`

/** How long a connection takes on the loopback at the very most. */
const patience = "300 millis"

const connects = (port: number, host: string, sockets: Set<Net.Socket>): Effect.Effect<boolean> =>
  Effect.callback<boolean>((resume) => {
    const socket = Net.connect({ port, host })
    socket.on("error", () => {})
    socket.once("connect", () => {
      sockets.add(socket)
      resume(Effect.succeed(true))
    })
    return Effect.sync(() => void socket.destroy())
  }).pipe(
    Effect.timeoutOption(patience),
    Effect.map((connected) => Option.isSome(connected)),
    withRealClock
  )

/**
 * Makes a port one that nobody answers at, as behind a firewall: its queue of connections is full, and Linux drops what
 * comes. The result ends it.
 */
export const start = (port: number, host: string): Effect.Effect<() => void, LabError> =>
  Effect.gen(function* () {
    const sockets = new Set<Net.Socket>()
    const child = yield* Effect.callback<ChildProcess.ChildProcess, LabError>((resume) => {
      const fail = () => resume(Effect.fail(new LabError({ message: `Port ${port} could not be made deaf` })))
      const child = ChildProcess.spawn(process.execPath, ["-e", listener, String(port), host], {
        stdio: ["ignore", "pipe", "ignore"]
      })
      child.once("error", fail).once("exit", fail)
      child.stdout.once("data", () => resume(Effect.succeed(child)))
    })
    const fill: Effect.Effect<void> = Effect.flatMap(connects(port, host, sockets), (isMore) =>
      isMore ? fill : Effect.void
    )
    yield* fill
    return () => {
      for (const socket of sockets) socket.destroy()
      child.kill("SIGKILL")
    }
  })
