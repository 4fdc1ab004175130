/** A FIFO pair, and somebody who plays the machine at its other end. */
import { Effect, FileSystem, Path, type Scope } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as Fs from "node:fs"
import * as Net from "node:net"

export interface Pair {
  /** What the machine reads. */
  readonly input: string
  /** What it writes. */
  readonly output: string
}

export const pair = Effect.fnUntraced(function* () {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const folder = yield* fs.makeTempDirectoryScoped({ prefix: "toehold-fifo-" })
  const made: Pair = { input: join(folder, "in"), output: join(folder, "out") }
  yield* spawner.exitCode(ChildProcess.make("mkfifo", [made.input, made.output]))
  return made
})

export interface Machine {
  readonly print: (bytes: Uint8Array) => void
  readonly read: (count: number) => Effect.Effect<Buffer>
  readonly end: Effect.Effect<void>
}

const { O_NONBLOCK, O_RDONLY, O_RDWR } = Fs.constants

/** Opens the pair from the other side, as QEMU does. */
export const machine = (fifos: Pair): Effect.Effect<Machine, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const input = new Net.Socket({
        fd: Fs.openSync(fifos.input, O_RDONLY | O_NONBLOCK),
        readable: true,
        writable: false
      })
      const output = new Net.Socket({ fd: Fs.openSync(fifos.output, O_RDWR | O_NONBLOCK), readable: false })
      input.on("error", () => undefined)
      output.on("error", () => undefined)
      input.pause()
      const end = Effect.sync(() => {
        input.destroy()
        output.destroy()
      })
      const read = (count: number) =>
        Effect.callback<Buffer>((resume) => {
          const chunks: Array<Buffer> = []
          let left = count
          const onData = (chunk: Buffer): void => {
            chunks.push(chunk)
            left -= chunk.length
            if (left > 0) return
            input.off("data", onData).pause()
            resume(Effect.succeed(Buffer.concat(chunks)))
          }
          input.on("data", onData).resume()
        })
      return { print: (bytes: Uint8Array) => void output.write(bytes), read, end }
    }),
    ({ end }) => end
  )
