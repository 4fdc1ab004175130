/** Serial lines for the benches: a shell of this computer on a terminal, and who uses it raw. */
import { Deferred, Effect, type Scope } from "effect"
import * as SerialConsole from "@toehold/serial-runner/SerialConsole"
import * as SerialPort from "@toehold/serial-runner/SerialPort"
import * as SerialShell from "@toehold/serial-runner/SerialShell"
import * as SerialTarget from "@toehold/serial-runner/SerialTarget"
import { spawn } from "node:child_process"
import { Duplex } from "node:stream"

/** A bash on a terminal of its own. Debian always has `script`, and a process whose memory is measured loads nothing more. */
export const bash: Effect.Effect<SerialPort.SerialPort["Service"], never, Scope.Scope> = Effect.gen(function* () {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn("script", ["-q", "-e", "-c", "stty rows 24 cols 80; exec bash --norc -i", "/dev/null"], {
        stdio: ["pipe", "pipe", "ignore"],
        env: { ...process.env, TERM: "vt220" }
      })
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )
  const duplex = Duplex.from({ readable: child.stdout, writable: child.stdin })
  return yield* SerialPort.fromDuplex("a bash on a terminal", duplex)
})

/** The console of a guest or of a `PtyShell`. */
export const fifos = ({ input, output }: { readonly input: string; readonly output: string }) =>
  Effect.orDie(SerialPort.make(SerialTarget.Fifo({ input, output })))

type Port = SerialPort.SerialPort["Service"]

export const consoleOf = (port: Port) => Effect.provideService(SerialConsole.make(), SerialPort.SerialPort, port)

/** A shell that was found already, and is kept between commands. */
export const shellOf = Effect.fnUntraced(function* (port: Port) {
  const console = yield* consoleOf(port)
  const shell = yield* Effect.provideService(SerialShell.make(), SerialConsole.SerialConsole, console)
  yield* Effect.orDie(Effect.andThen(shell.agent, shell.run("true")))
  return shell
})

/** Types a line and waits until what comes has so many bytes and ends in a text. */
export const typeUntil = (
  console: SerialConsole.SerialConsole["Service"],
  text: string | Uint8Array,
  isEnd: (tail: string, total: number) => boolean
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const done = yield* Deferred.make<void>()
      let tail = ""
      let total = 0
      yield* console.listen(({ data }) => {
        total += data.length
        tail = (tail + Buffer.from(data.subarray(-256)).toString("latin1")).slice(-256)
        if (isEnd(tail, total)) Deferred.doneUnsafe(done, Effect.void)
      })
      yield* console.type("bench", typeof text === "string" ? Buffer.from(text) : text)
      yield* Deferred.await(done)
    })
  ).pipe(Effect.orDie)

let last = 0

/** As most runners do: a marker after the command, and a look every 25 ms whether it is there. */
export const pollingRunner = (console: SerialConsole.SerialConsole["Service"]) => (command: string) =>
  Effect.scoped(
    Effect.gen(function* () {
      const marker = `__END_${(last += 1)}_`
      let seen = ""
      yield* console.listen(({ data }) => void (seen += Buffer.from(data).toString("latin1")))
      yield* console.type("bench", Buffer.from(`${command}; echo ${marker.slice(0, 4)}""${marker.slice(4)}$?\n`))
      while (!new RegExp(`${marker}\\d+`).test(seen)) yield* Effect.sleep("25 millis")
    })
  ).pipe(Effect.orDie)
