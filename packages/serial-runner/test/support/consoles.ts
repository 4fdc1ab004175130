/** Consoles to run the same tests on: shells of this computer on a terminal, and real guests. */
import { Effect } from "effect"
import * as Guest from "@toehold/lab/Guest"
import * as PtyShell from "@toehold/lab/PtyShell"
import * as SerialConsole from "@toehold/serial-runner/SerialConsole"
import * as SerialPort from "@toehold/serial-runner/SerialPort"
import * as SerialShell from "@toehold/serial-runner/SerialShell"
import * as SerialTarget from "@toehold/serial-runner/SerialTarget"

export const over = Effect.fnUntraced(function* (
  fifos: { readonly input: string; readonly output: string },
  options?: SerialShell.Options
) {
  const port = yield* SerialPort.make(SerialTarget.Fifo({ input: fifos.input, output: fifos.output }))
  const console = yield* Effect.provideService(SerialConsole.make(), SerialPort.SerialPort, port)
  const shell = yield* Effect.provideService(SerialShell.make(options), SerialConsole.SerialConsole, console)
  return { console, shell }
})

/** A shell of this computer, and what can be done to its line. */
export const pty = Effect.fnUntraced(function* (options: PtyShell.Options, shellOptions?: SerialShell.Options) {
  const pty = yield* PtyShell.make(options)
  return { pty, ...(yield* over(pty, shellOptions)) }
})

/** The same, with nobody on the console until somebody asks for the shell. */
export const ptyAlone = Effect.fnUntraced(function* (options: PtyShell.Options) {
  const pty = yield* PtyShell.make(options)
  return { pty, shell: Effect.map(over(pty), ({ shell }) => shell) }
})

export const guest = Effect.fnUntraced(function* (options: Guest.Options, shellOptions?: SerialShell.Options) {
  const guest = yield* Guest.make(options)
  return { guest, ...(yield* over(guest, shellOptions)) }
})
