/** Ten thousand commands on one console whose line damages bytes both ways: none wrong, none lost, none run twice. */
import { Console, Effect } from "effect"
import { readFileSync } from "node:fs"
import * as PtyShell from "@toehold/lab/PtyShell"
import { report } from "./report.ts"
import { timed } from "./rounds.ts"
import * as Channel from "./serialChannel.ts"

const commands = Number(process.env["TOEHOLD_SOAK"] ?? 10_000)
const output = { dropped: 0.0002, doubled: 0.0002, swapped: 0.00005, flipped: 0.00005, printk: 0.0002 }
const input = { dropped: 0.0001, doubled: 0.0001, flipped: 0.00005 }

export const serialSoak = Effect.fnUntraced(function* () {
  const pty = yield* PtyShell.make({ shell: "bash", output, input })
  const shell = yield* Channel.shellOf(yield* Channel.fifos(pty))
  let wrong = 0
  let failed = 0
  const soak = Effect.gen(function* () {
    for (let at = 0; at < commands; at++) {
      const result = yield* Effect.result(shell.run(`echo ${at} >>~/log; echo "$((${at} * 7))"; exit ${at % 200}`))
      if (result._tag === "Failure") {
        failed += 1
        yield* Console.log(`  command ${at}: ${result.failure.message}`)
      } else if (result.success.stdout.text !== `${at * 7}\n` || result.success.exitCode !== at % 200) wrong += 1
    }
  })
  const milliseconds = yield* timed(soak)
  const ran = readFileSync(`${pty.homeDir}/log`, "utf8").split("\n").slice(0, -1).map(Number)
  const twice = ran.length - new Set(ran).size
  const lost = commands - new Set(ran).size
  yield* Console.log(`  ${commands} commands: ${wrong} wrong, ${lost} lost, ${twice} run twice, ${failed} failed`)
  return yield* report("serial-soak", { "a command on a bad line": [milliseconds / commands] }, [
    { what: "wrong, lost, run twice or failed", ratio: wrong + lost + twice + failed, atMost: 0 }
  ])
})
