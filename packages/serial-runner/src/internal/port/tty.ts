/** A serial device of this computer. */
import { Effect, type Scope } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as Fs from "node:fs"
import * as Tty from "node:tty"
import * as SerialError from "../../SerialError.ts"
import { missing, opened, scoped, type Wire } from "./wire.ts"

const { O_NOCTTY, O_NONBLOCK, O_RDWR } = Fs.constants

const setSpeed = Effect.fnUntraced(function* (port: string, path: string, baud: number) {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  // The BSDs' stty names the device by another letter than GNU's.
  const flag = process.platform === "linux" ? "-F" : "-f"
  const code = yield* spawner
    .exitCode(ChildProcess.make("stty", [flag, path, String(baud)], { stdin: "ignore" }))
    .pipe(Effect.orElseSucceed(() => 1))
  if (code !== 0) return yield* missing(port, `its speed can't be set to ${baud} baud`)
})

export const make = Effect.fnUntraced(function* (
  port: string,
  path: string,
  baud: number | undefined
): Effect.fn.Return<Wire, SerialError.SerialError, Scope.Scope | ChildProcessSpawner.ChildProcessSpawner> {
  if (process.platform === "win32") {
    return yield* missing(port, "serial devices of Windows can't be opened", "Share it over TCP: serial:tcp:HOST:PORT.")
  }
  if (baud !== undefined) yield* setSpeed(port, path, baud)
  return yield* scoped(
    Effect.gen(function* () {
      const fd = yield* opened(port, () => Fs.openSync(path, O_RDWR | O_NOCTTY | O_NONBLOCK))
      if (!Tty.isatty(fd)) {
        Fs.closeSync(fd)
        return yield* missing(port, `${path} is no terminal device`)
      }
      // Described for reading only, but it is a socket, which writes as well.
      const device = new Tty.ReadStream(fd)
      // Else this side's driver would echo, translate and hold back.
      device.setRawMode(true)
      return { reader: device, writer: device }
    })
  )
})
