/** Short commands one after the other over a serial line: Toehold, a runner that polls, and pexpect's replwrap. */
import { Effect, type Scope } from "effect"
import * as RealPart from "@toehold/lab/RealPart"
import { spawn } from "node:child_process"
import { ratioOf, report } from "./report.ts"
import { rounds } from "./rounds.ts"
import * as Channel from "./serialChannel.ts"

const commands = 40
const command = "echo hello"

/** Runs so many commands each time it is told to, in a bash of its own. */
const replwrap = `
import sys
from pexpect import replwrap
shell = replwrap.bash()
print("ready", flush=True)
for line in sys.stdin:
    for _ in range(${commands}):
        assert "hello" in shell.run_command("${command}")
    print("done", flush=True)
`

const python: Effect.Effect<{ readonly round: Effect.Effect<void> }, never, Scope.Scope> = Effect.gen(function* () {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => spawn(RealPart.path("pexpect"), ["-c", replwrap], { stdio: ["pipe", "pipe", "inherit"] })),
    (child) => Effect.sync(() => child.kill())
  )
  const line = Effect.callback<void>((resume) => {
    const onExit = (code: number | null): void => resume(Effect.die(new Error(`replwrap ended with ${code}`)))
    child.once("exit", onExit)
    child.stdout.once("data", () => {
      child.off("exit", onExit)
      resume(Effect.void)
    })
  })
  yield* line
  const round: Effect.Effect<void> = Effect.suspend(() => {
    child.stdin.write("go\n")
    return line
  })
  return { round }
})

const times = <E>(run: Effect.Effect<unknown, E>) => Effect.orDie(Effect.repeat(run, { times: commands - 1 }))

export const serial = Effect.fnUntraced(function* () {
  const shell = yield* Channel.shellOf(yield* Channel.bash)
  const other = yield* Channel.consoleOf(yield* Channel.bash)
  const polling = Channel.pollingRunner(other)
  yield* polling("stty -echo")
  const pexpect = yield* python
  const figures = yield* rounds<never>(
    [
      { name: "toehold, text", run: times(shell.run(command, { mode: "text" })) },
      { name: "toehold, checked", run: times(shell.run(command)) },
      { name: "toehold, checked, any shell text", run: times(shell.run('echo "$((40 + 2))"')) },
      { name: "a look every 25 ms", run: times(polling(command)) },
      { name: "pexpect's replwrap", run: pexpect.round }
    ],
    { count: 11, warmup: 1 }
  )
  const against = (name: string) => 1 / ratioOf(figures, "toehold, text", name)
  return yield* report("serial-commands", figures, [
    {
      what: `${commands} commands, a look every 25 ms / toehold, text`,
      ratio: against("a look every 25 ms"),
      atLeast: 10
    },
    { what: `${commands} commands, replwrap / toehold, text`, ratio: against("pexpect's replwrap"), atLeast: 3 }
  ])
})
