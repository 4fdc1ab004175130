/** A real guest: 1 MB into it, and the time from a snapshot to the first command's result. */
import { Effect } from "effect"
import * as Guest from "@toehold/lab/Guest"
import { median } from "./rounds.ts"
import { ratioOf, report } from "./report.ts"
import { rounds, timed } from "./rounds.ts"
import * as Channel from "./serialChannel.ts"

const size = 1024 * 1024
const resumes = 7

export const serialGuest = Effect.fnUntraced(function* () {
  const bytes = Buffer.alloc(size, "0123456789abcdef\u0000\u0003\u0004\u00ff", "latin1")
  const shell = yield* Channel.shellOf(yield* Effect.flatMap(Guest.make(), Channel.fifos))
  const raw = yield* Channel.consoleOf(yield* Effect.flatMap(Guest.make(), Channel.fifos))
  yield* Channel.typeUntil(raw, "stty -echo; echo rea''dy\n", (tail) => tail.includes("ready"))

  /** What is behind the end is typed when the line is the shell's again. */
  const push = Effect.gen(function* () {
    const command = `s=$(stty -g); stty raw -echo; echo g''o; head -c ${size} >/tmp/raw; stty $s; echo e''nd\n`
    yield* Channel.typeUntil(raw, command, (tail) => tail.includes("go"))
    yield* Channel.typeUntil(raw, bytes, (tail) => tail.includes("end"))
  })
  const figures = yield* rounds<never>(
    [
      { name: "toehold, compared", run: Effect.orDie(Effect.scoped(shell.stage(bytes))) },
      { name: "head -c", run: push }
    ],
    { count: 5, warmup: 1 }
  )
  const fast = yield* report("serial-push", figures, [
    { what: "rate of toehold / head -c", ratio: 1 / ratioOf(figures, "toehold, compared", "head -c"), atLeast: 0.85 }
  ])

  const first = Guest.make().pipe(Effect.flatMap(Channel.fifos), Effect.flatMap(Channel.shellOf), Effect.scoped)
  const resumed: Array<number> = []
  for (let round = 0; round < resumes; round++) resumed.push(yield* timed(first))
  const soon = yield* report("serial-resume", { "snapshot to first result": resumed }, [
    { what: "from a snapshot to the first command's result, in ms", ratio: median(resumed), atMost: 1500 }
  ])
  return fast && soon
})
