/** FIFOs read without a thread of Node's being held up. */
import { Effect, type Scope } from "effect"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Net from "node:net"
import { LabError } from "../LabError.ts"

/** Makes FIFOs; Node can't. */
export const makeFifos = (...paths: ReadonlyArray<string>): Effect.Effect<void, LabError> =>
  Effect.try({
    try: () => void ChildProcess.execFileSync("mkfifo", ["-m", "600", ...paths]),
    catch: (cause) => new LabError({ message: "mkfifo failed", cause })
  })

/** Reads until `isDone` holds for all that has come so far. */
export const readUntil = (
  path: string,
  isDone: (text: string) => boolean
): Effect.Effect<string, LabError, Scope.Scope> =>
  Effect.gen(function* () {
    const socket = yield* Effect.acquireRelease(
      Effect.try({
        try: () =>
          new Net.Socket({ fd: Fs.openSync(path, Fs.constants.O_RDONLY | Fs.constants.O_NONBLOCK), readable: true }),
        catch: (cause) => new LabError({ message: `Could not open ${path}`, cause })
      }),
      (socket) => Effect.sync(() => socket.destroy())
    )
    return yield* Effect.callback<string, LabError>((resume) => {
      let text = ""
      socket.on("data", (chunk: Buffer) => {
        text = (text + chunk.toString("latin1")).slice(-100_000)
        if (isDone(text)) resume(Effect.succeed(text))
      })
      socket.on("error", (cause) => resume(Effect.fail(new LabError({ message: `Could not read ${path}`, cause }))))
      socket.on("end", () => resume(Effect.fail(new LabError({ message: `The guest ended: ${text.slice(-2000)}` }))))
    })
  })
