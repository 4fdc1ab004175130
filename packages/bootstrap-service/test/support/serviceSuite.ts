/** What any manager must do with a service, on whatever machine the processes are of. */
import { assert } from "@effect/vitest"
import { Effect, Redacted, Schedule } from "effect"
import { ChildProcessSpawner } from "effect/process"
import * as MachineService from "../../src/MachineService.ts"
import { shOf } from "./place.ts"

const secret = "planted-secret-4c2e"

const pidOf = (line: string | undefined): string => line?.split(" ").at(-1) ?? ""

/** A look at the machine until it shows what it should, for half a minute at most. */
export const eventually = <E, R>(check: Effect.Effect<boolean, E, R>) =>
  check.pipe(
    Effect.filterOrFail(
      (isSo) => isSo,
      () => "not yet" as const
    ),
    Effect.retry({ times: 300, schedule: Schedule.spaced("100 millis") }),
    Effect.orDie
  )

/** Starts, keeps, replaces, restarts and stops a service in the home folder of whoever runs it; on a slow machine, less often. */
export const conformance = Effect.fnUntraced(function* (
  place: MachineService.Place,
  { isSlow = false }: { readonly isSlow?: boolean } = {}
) {
  const sh = shOf(yield* ChildProcessSpawner.ChildProcessSpawner)
  const home = (yield* sh('printf %s "$HOME"')).trim()
  const starts = Effect.map(sh('cat "$HOME/starts" 2>/dev/null; true'), (text) =>
    text.trim() === "" ? [] : text.trim().split("\n")
  )
  const isAlive = (pid: string) => Effect.map(sh('[ -d "/proc/$1" ] && echo yes; true', pid), (said) => said !== "")
  const hasStarted = (times: number) => eventually(Effect.map(starts, ({ length }) => length === times))
  const hasEnded = (pid: string) => eventually(Effect.map(isAlive(pid), (alive) => !alive))
  const spec = (text: string): MachineService.ServiceSpec => ({
    name: "demo",
    command: `echo "$GREETING ${text} $$" >>starts; echo ready; exec sleep 600`,
    cwd: home,
    env: { GREETING: "it's", SECRET: Redacted.make(secret) }
  })

  assert.strictEqual((yield* MachineService.status("demo", place)).state, "missing")
  const first = yield* MachineService.ensure(spec("one"), place)
  assert.deepStrictEqual([first.state, first.changed], ["running", true])
  yield* hasStarted(1)
  assert.match((yield* starts)[0] ?? "", /^it's one \d+$/)

  const again = yield* Effect.forEach(isSlow ? [1] : [1, 2], () => MachineService.ensure(spec("one"), place), {
    concurrency: 2
  })
  assert.deepStrictEqual(
    again.map(({ changed }) => changed),
    again.map(() => false)
  )
  assert.lengthOf(yield* starts, 1)
  if (!isSlow) assert.include(yield* MachineService.output("demo", place), "ready")

  const other = yield* MachineService.ensure(spec("two"), place)
  assert.isTrue(other.changed)
  yield* hasStarted(2)
  yield* hasEnded(pidOf((yield* starts)[0]))
  assert.isTrue(yield* isAlive(pidOf((yield* starts)[1])))

  if (!isSlow) {
    yield* MachineService.restart(spec("two"), place)
    yield* hasStarted(3)
    yield* hasEnded(pidOf((yield* starts)[1]))
  }

  const stopped = yield* MachineService.stop("demo", place)
  assert.deepStrictEqual([stopped.state, stopped.changed], ["missing", true])
  yield* hasEnded(pidOf((yield* starts).at(-1)))
  if (!isSlow) assert.isFalse((yield* MachineService.stop("demo", place)).changed)
  assert.strictEqual(yield* sh('grep -rlF -- "$1" "$HOME" 2>/dev/null; true', secret), "")
})
