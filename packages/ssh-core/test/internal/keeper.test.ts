import { assert, describe, it } from "@effect/vitest"
import { Duration, Schema } from "effect"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import * as Readline from "node:readline"
import { describeWith, path } from "@toehold/lab/RealPart"
import * as Keeper from "../../src/internal/keeper.ts"

const isAlive = (pid: number): boolean =>
  /^State:\s+[^ZX]/m.test(spawnSync("cat", [`/proc/${pid}/status`], { encoding: "utf8" }).stdout)

const ended = async (pids: ReadonlyArray<number>): Promise<void> => {
  while (pids.some(isAlive)) await new Promise((resolve) => setTimeout(resolve, 20))
}

/** A process that waits for ever, as the leader of its group; killed with the test. */
const sleeper = (script = "exec sleep 600"): ChildProcess & { readonly pid: number } => {
  const child = spawn("sh", ["-c", script], { detached: true, stdio: ["ignore", "pipe", "ignore"] })
  return child as ChildProcess & { readonly pid: number } // sh is always there
}

const keeperIn = (shell: ReadonlyArray<string>, lease?: Duration.Duration) => {
  const [program = "sh", ...args] = shell
  const child = spawn(program, [...args, "-c", Keeper.script(lease)], {
    detached: true,
    stdio: ["pipe", "pipe", "inherit"]
  })
  const lines = Readline.createInterface(child.stdout)[Symbol.asyncIterator]()
  return {
    child,
    say: (line: string) => child.stdin.write(`${line}\n`),
    ask: async (line: string): Promise<string> => {
      child.stdin.write(`${line}\n`)
      const { value } = await lines.next()
      return String(value)
    },
    end: async (): Promise<void> => {
      child.stdin.end()
      if (child.exitCode === null) await once(child, "exit")
    }
  }
}

const shells = {
  dash: () => [path("dash")],
  bash: () => [path("bash"), "--posix"],
  "BusyBox ash": () => [path("busybox"), "ash"]
}

describeWith(["dash", "bash", "busybox"], "the keeper", () => {
  for (const [name, shell] of Object.entries(shells)) {
    describe(`in ${name}`, () => {
      it("kills what it holds when its input ends, and nothing else", async () => {
        const keeper = keeperIn(shell())
        const held = sleeper()
        const stubborn = sleeper("trap '' TERM; echo set; while :; do sleep 0.1; done")
        await once(stubborn.stdout ?? assert.fail(), "data")
        const forgotten = sleeper()
        const never = sleeper()
        try {
          for (const { pid } of [held, stubborn, forgotten]) keeper.say(`h-${pid}`)
          keeper.say(`f-${forgotten.pid}`)
          assert.strictEqual(await keeper.ask("r1 echo there"), "1 there")
          await keeper.end()
          await ended([held.pid, stubborn.pid])
          assert.isTrue(isAlive(forgotten.pid))
          assert.isTrue(isAlive(never.pid))
        } finally {
          for (const { pid } of [forgotten, never]) process.kill(-pid, "SIGKILL")
        }
      })

      it("leaves what a leader that has ended left, unless it was told that it is to be held", async () => {
        const keeper = keeperIn(shell())
        const left = sleeper("sleep 600 & echo $!")
        const kept = sleeper("sleep 600 & echo $!")
        const pids: Array<number> = []
        for (const { pid, stdout } of [left, kept]) {
          keeper.say(`h-${pid}`)
          const [line] = await once(stdout ?? assert.fail(), "data")
          pids.push(Number.parseInt(String(line), 10))
        }
        const [leftover = 0, keptOver = 0] = pids
        keeper.say(`e-${kept.pid}`)
        assert.strictEqual(await keeper.ask("r1 echo there"), "1 there")
        await keeper.end()
        await ended([keptOver])
        assert.isTrue(isAlive(leftover))
        process.kill(leftover, "SIGKILL")
      })

      it("sends a last signal to what it holds, and to nothing that it doesn't", async () => {
        const keeper = keeperIn(shell())
        const held = sleeper()
        const stranger = sleeper()
        keeper.say(`h-${held.pid}`)
        keeper.say(`sUSR1 -${held.pid}`)
        keeper.say(`sUSR1 -${stranger.pid}`)
        await once(held, "exit")
        assert.strictEqual(held.signalCode, "SIGUSR1")
        await keeper.end()
        assert.isTrue(isAlive(stranger.pid))
        process.kill(-stranger.pid, "SIGKILL")
      })

      it("ends alone when it is told to, and leaves nothing of its own behind", async () => {
        const keeper = keeperIn(shell(), Duration.minutes(10))
        const held = sleeper()
        keeper.say(`h-${held.pid}`)
        const own = await keeper.ask("r1 echo $PPID")
        assert.match(own, /^1 \d+$/)
        keeper.say("q")
        await once(keeper.child, "exit")
        assert.isTrue(isAlive(held.pid))
        process.kill(-held.pid, "SIGKILL")
        const left = () =>
          spawnSync("ps", ["-o", "stat=,args=", "-g", String(keeper.child.pid)], { encoding: "utf8" })
            .stdout.split("\n")
            .filter((line) => line.includes("sleep") && !line.startsWith("Z"))
        while (left().length > 0) await new Promise((resolve) => setTimeout(resolve, 20))
      })

      it.prop(
        "answers after whatever line, which kills nothing",
        { line: Schema.String.pipe(Schema.check(Schema.isPattern(/^[^\0\n]*$/))) },
        async ({ line }) => {
          const keeper = keeperIn(shell())
          keeper.say(/^[qrs]/.test(line) ? `x${line}` : line)
          assert.strictEqual(await keeper.ask("r7 echo there"), "7 there")
          await keeper.end()
        },
        { arbitrary: { runs: 15 } }
      )
    })
  }

  it("kills what it holds when no sign of life comes, and not while one does", async () => {
    await Promise.all(
      Object.values(shells).map(async (shell) => {
        const keeper = keeperIn(shell(), Duration.seconds(5))
        const held = sleeper()
        keeper.say(`h-${held.pid}`)
        const beats = setInterval(() => keeper.say("b"), 500)
        await new Promise((resolve) => setTimeout(resolve, 7000))
        clearInterval(beats)
        assert.isTrue(isAlive(held.pid))
        await ended([held.pid])
      })
    )
  })
})
