/** What a job must be on every machine: over any spawner, with any shell. */
import { assert, it } from "@effect/vitest"
import { Effect, type Layer, Redacted, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as Leaks from "@toehold/lab/Leaks"
import { Jobs } from "../../src/Jobs.ts"
import type { JobEvent, StreamName } from "../../src/JobOutput.ts"
import * as JobSpec from "../../src/JobSpec.ts"
import { JobState } from "../../src/JobStatus.ts"

/** What was followed of a stream, with every gap as `[from-to]`. */
export const textOf = (events: Iterable<JobEvent>, stream: StreamName): string =>
  [...events]
    .map((event) =>
      event._tag === "Ended" || event.stream !== stream
        ? ""
        : event._tag === "Gap"
          ? `[${event.from}-${event.to}]`
          : Buffer.from(event.data).toString("latin1")
    )
    .join("")

/** Runs shell text on the machine, apart from any job. */
export const sh = (text: string) =>
  ChildProcessSpawner.ChildProcessSpawner.use((spawner) => spawner.string(ChildProcess.make("sh", ["-c", text])))

const followed = Effect.fnUntraced(function* (spec: JobSpec.JobSpec) {
  const jobs = yield* Jobs
  const { id } = yield* jobs.start(spec)
  const events = yield* Stream.runCollect(jobs.follow(id))
  const last = events.at(-1)
  assert(last?._tag === "Ended")
  return { id, stdout: textOf(events, "stdout"), stderr: textOf(events, "stderr"), status: last.status, events }
})

const failing = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.flip(effect)

export interface Options {
  /** The machine has nothing that begins a session without a shell's "&", under which SIGINT is ignored. */
  readonly ignoresInterrupt?: boolean
}

export const suite = <E>(
  layer: Layer.Layer<Jobs | ChildProcessSpawner.ChildProcessSpawner, E>,
  { ignoresInterrupt = false }: Options = {}
): void => {
  it.layer(layer, { excludeTestServices: true })((it) => {
    it.effect("runs a command, keeps what it prints and how it ended", () =>
      Effect.gen(function* () {
        const jobs = yield* Jobs
        const { id, status, stderr, stdout } = yield* followed(JobSpec.shell("echo out; echo err >&2; exit 7"))
        assert.deepStrictEqual([stdout, stderr], ["out\n", "err\n"])
        assert.deepStrictEqual(status.state, JobState.Exited({ exitCode: 7 }))
        assert.deepStrictEqual([status.stdoutBytes, status.stderrBytes, status.timedOut], [4, 4, false])
        assert.strictEqual(status.command, "echo out; echo err >&2; exit 7")
        assert.isDefined(status.startedAt)
        assert.isDefined(status.endedAt)
        assert.deepStrictEqual(yield* jobs.status(id), status)
        assert.deepStrictEqual(
          (yield* jobs.list).filter((job) => job.id === id),
          [status]
        )
        assert.deepStrictEqual(yield* jobs.wait(id), status)
      })
    )

    it.effect("tells a death by signal from an exit code", () =>
      Effect.gen(function* () {
        const ends = ["exit 0", "exit 129", "exit 137", "exit 143", "kill -KILL $$", "kill -TERM $$", "kill -USR1 $$"]
        const states = yield* Effect.forEach(
          ends,
          (end) => Effect.map(followed(JobSpec.shell(end)), ({ status }) => status.state),
          { concurrency: 3 }
        )
        assert.deepStrictEqual(states, [
          JobState.Exited({ exitCode: 0 }),
          JobState.Exited({ exitCode: 129 }),
          JobState.Exited({ exitCode: 137 }),
          JobState.Exited({ exitCode: 143 }),
          JobState.Killed({ signal: "SIGKILL" }),
          JobState.Killed({ signal: "SIGTERM" }),
          JobState.Killed({ signal: "SIGUSR1" })
        ])
      })
    )

    it.effect("hands over words, environment, folder and input as they are", () =>
      Effect.gen(function* () {
        const words = [
          "a b",
          "'",
          '"',
          "$HOME",
          "new\nline\n",
          "",
          "*",
          "-n",
          "\\",
          "é\u{1F600}",
          "`id`",
          "#",
          "!x",
          "\t"
        ]
        const input = Uint8Array.from({ length: 512 }, (_, index) => index % 256)
        const { status, stdout } = yield* followed(
          JobSpec.argv(["sh", "-c", 'printf "[%s]" "$@" "$A" "$B"; pwd; umask; cat', "sh", ...words], {
            env: { A: "plain\n$x'", B: Redacted.make("secret\n`id`'\n") },
            cwd: "/usr",
            stdin: input
          })
        )
        const umask = yield* sh("umask")
        const text = [...words, "plain\n$x'", "secret\n`id`'\n"].map((word) => `[${word}]`).join("")
        assert.strictEqual(
          stdout,
          Buffer.from(`${text}/usr\n${umask}`).toString("latin1") + Buffer.from(input).toString("latin1")
        )
        assert.strictEqual(status.cwd, "/usr")
      })
    )

    it.effect("leaves nothing of a script's own in the job's environment", () =>
      Effect.gen(function* () {
        const { stdout } = yield* followed(JobSpec.argv(["env"]))
        assert.notMatch(stdout, /\bth_/)
        const { stdout: trapped } = yield* followed(JobSpec.shell("trap 'echo int' INT; kill -INT $$; echo on"))
        assert.strictEqual(trapped, ignoresInterrupt ? "on\n" : "int\non\n")
      })
    )

    it.effect("finds the job that is there when it is started again, and refuses another one", () =>
      Effect.gen(function* () {
        const jobs = yield* Jobs
        const id = Leaks.marker()
        const spec = JobSpec.shell("sleep 60", { id, env: { A: "1", B: Redacted.make("2") } })
        const first = yield* jobs.start(spec)
        const again = yield* jobs.start(spec)
        assert.strictEqual(first.pid, again.pid)
        const other = yield* failing(jobs.start(JobSpec.shell("sleep 61", { id })))
        assert.deepInclude(other.reason, { _tag: "AlreadyExists", command: "sleep 60" })
        assert.strictEqual((yield* failing(jobs.forget(id))).reason._tag, "StillRunning")
        assert.deepStrictEqual((yield* jobs.kill(id)).state, JobState.Killed({ signal: "SIGTERM" }))
        yield* jobs.forget(id)
        assert.strictEqual((yield* failing(jobs.status(id))).reason._tag, "NotFound")
        assert.strictEqual((yield* failing(jobs.forget(id))).reason._tag, "NotFound")
        assert.strictEqual((yield* failing(Stream.runDrain(jobs.follow(id)))).reason._tag, "NotFound")
        assert.strictEqual((yield* failing(jobs.read(id))).reason._tag, "NotFound")
        assert.strictEqual((yield* failing(jobs.kill(id))).reason._tag, "NotFound")
      })
    )

    it.effect("runs once what several start at the same time", () =>
      Effect.gen(function* () {
        const jobs = yield* Jobs
        const id = Leaks.marker()
        const spec = JobSpec.shell(`echo $$; sleep 0.2; echo on`, { id })
        const started = yield* Effect.all(
          Array.from({ length: 4 }, () => jobs.start(spec)),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(new Set(started.map(({ pid }) => pid)).size, 1)
        const stdout = textOf(yield* Stream.runCollect(jobs.follow(id)), "stdout")
        assert.strictEqual(stdout, `${started[0]?.pid}\non\n`)
      })
    )

    it.effect("says before anything runs what can't run", () =>
      Effect.gen(function* () {
        const jobs = yield* Jobs
        const reasons = yield* Effect.forEach(
          [
            JobSpec.argv(["no-such-program-here"]),
            JobSpec.argv(["env"], { cwd: "/no/such/folder" }),
            JobSpec.argv(["env"], { id: "../x" }),
            JobSpec.argv(["env"], { env: { "a-b": "" } }),
            JobSpec.argv(["echo", "a\0b"]),
            JobSpec.argv([""]),
            JobSpec.argv(["env"], { maxOutput: -1 }),
            JobSpec.argv(["env"], { timeLimit: 0 })
          ],
          (spec) => Effect.map(failing(jobs.start(spec)), ({ outcome, reason }) => `${reason._tag} ${outcome}`)
        )
        assert.deepStrictEqual(reasons, [
          "CommandNotFound did-not-run",
          ...Array.from({ length: 7 }, () => "InvalidArgument did-not-run")
        ])
      })
    )

    it.effect("follows from any offset, each stream apart, while it is written", () =>
      Effect.gen(function* () {
        const jobs = yield* Jobs
        const { id } = yield* jobs.start(
          JobSpec.shell("for i in 1 2 3 4 5; do printf '%s\\0\\377' $i; printf e$i >&2; sleep 0.1; done")
        )
        const whole = ["1\0\xff", "2\0\xff", "3\0\xff", "4\0\xff", "5\0\xff"].join("")
        const live = yield* Stream.runCollect(jobs.follow(id, { streams: ["stdout"] }))
        assert.strictEqual(textOf(live, "stdout"), whole)
        assert.isAbove(live.length, 2)
        const rest = yield* Stream.runCollect(jobs.follow(id, { from: { stdout: 7, stderr: 9 } }))
        assert.deepStrictEqual([textOf(rest, "stdout"), textOf(rest, "stderr")], [whole.slice(7), "5"])
        const piece = yield* jobs.read(id, { offset: 3, maxBytes: 6 })
        assert.strictEqual(Buffer.from(piece.data).toString("latin1"), whole.slice(3, 9))
        assert.deepInclude(piece, { offset: 3, nextOffset: 9, gap: undefined, done: false })
        assert.deepInclude(yield* jobs.read(id, { offset: 9 }), { offset: 9, nextOffset: 15, done: true })
        assert.deepInclude(yield* jobs.read(id, { offset: 20 }), { offset: 20, nextOffset: 20, done: true })
      })
    )

    it.effect("keeps the newest output within its limit, and says what is missing", () =>
      Effect.gen(function* () {
        const jobs = yield* Jobs
        const count = 60_000
        const { events, id, status } = yield* followed(
          JobSpec.shell(`i=0; while [ $i -lt ${count} ]; do printf '%09d\\n' $i; i=$((i+1)); done`, {
            maxOutput: 100_000
          })
        )
        assert.strictEqual(status.stdoutBytes, count * 10)
        // However the follower and the writer ran: each byte at its place, or in a gap.
        let next = 0
        for (const event of events) {
          if (event._tag === "Ended" || event.stream !== "stdout") continue
          assert.strictEqual(event._tag === "Gap" ? event.from : event.offset, next)
          next = event._tag === "Gap" ? event.to : next + event.data.length
        }
        assert.strictEqual(next, count * 10)
        const late = yield* Stream.runCollect(jobs.follow(id, { streams: ["stdout"] }))
        const [gap] = late
        assert(gap?._tag === "Gap" && gap.from === 0)
        assert.isAtMost(gap.to, count * 10 - 100_000)
        assert.isAtLeast(gap.to, count * 10 - 100_000 - 128 * 1024)
        const expected = Array.from({ length: count }, (_, index) => `${String(index).padStart(9, "0")}\n`).join("")
        assert.isTrue(textOf(late.slice(1), "stdout") === expected.slice(gap.to))
        const piece = yield* jobs.read(id, { offset: 5, maxBytes: 20 })
        assert.deepStrictEqual(
          [piece.gap, piece.offset, piece.nextOffset],
          [{ from: 5, to: gap.to }, gap.to, gap.to + 20]
        )
      })
    )

    it.effect("ends a whole group, by force where it must", () =>
      Effect.gen(function* () {
        const jobs = yield* Jobs
        const marker = Leaks.marker()
        const stubborn = yield* jobs.start(
          JobSpec.shell(
            `trap '' TERM; sh -c 'trap "" TERM; while :; do sleep 1; done' ${marker} & echo up; wait; sleep 60`
          )
        )
        yield* jobs.follow(stubborn.id).pipe(
          Stream.takeUntil(({ _tag }) => _tag === "Output"),
          Stream.runDrain
        )
        const hint = yield* jobs.kill(stubborn.id, { killSignal: "SIGTERM" })
        assert.strictEqual(hint.state._tag, "Running")
        const ended = yield* jobs.kill(stubborn.id, { forceKillAfter: 200 })
        assert.deepStrictEqual(ended.state, JobState.Killed({ signal: "SIGKILL" }))
        yield* Leaks.awaitProcesses(marker, 0)
        assert.deepStrictEqual(yield* jobs.kill(stubborn.id), ended)
      })
    )

    it.effect("ends a job at its time limit with no client there", () =>
      Effect.gen(function* () {
        const jobs = yield* Jobs
        const marker = Leaks.marker()
        const { id } = yield* jobs.start(JobSpec.shell(`sleep 600; : ${marker}`, { timeLimit: "1 second" }))
        yield* Leaks.awaitProcesses(marker, 0)
        const status = yield* jobs.wait(id)
        assert.deepStrictEqual([status.state, status.timedOut], [JobState.Killed({ signal: "SIGTERM" }), true])
        const quick = yield* followed(JobSpec.shell(`: ${marker}`, { timeLimit: "10 minutes" }))
        assert.isFalse(quick.status.timedOut)
        // The timer goes with its job.
        yield* Leaks.awaitProcesses(quick.id, 0)
      })
    )

    it.effect("waits no longer than it may, and leaves the job alone", () =>
      Effect.gen(function* () {
        const jobs = yield* Jobs
        const { id } = yield* jobs.start(JobSpec.shell("sleep 60"))
        const error = yield* failing(jobs.wait(id, { timeout: "100 millis" }))
        assert.deepInclude(error.reason, { _tag: "WaitTimeout", timeoutMs: 100 })
        assert.strictEqual((yield* jobs.status(id)).state._tag, "Running")
        yield* jobs.kill(id)
      })
    )

    it.effect("is over when the command is, whatever it left behind", () =>
      Effect.gen(function* () {
        const jobs = yield* Jobs
        const marker = Leaks.marker()
        const { id, pid } = yield* jobs.start(JobSpec.shell(`sh -c 'sleep 60; echo late' ${marker} & echo done`))
        const status = yield* jobs.wait(id)
        assert.deepStrictEqual([status.state, status.stdoutBytes], [JobState.Exited({ exitCode: 0 }), 5])
        assert.strictEqual((yield* Leaks.processes(marker)).length, 1)
        yield* sh(`kill -TERM -${pid}`)
        yield* Leaks.awaitProcesses(marker, 0)
      })
    )

    it.effect("clears away what is over, and nothing else", () =>
      Effect.gen(function* () {
        const jobs = yield* Jobs
        const running = yield* jobs.start(JobSpec.shell("sleep 60"))
        const { id } = yield* followed(JobSpec.shell("true"))
        assert.deepStrictEqual(yield* jobs.prune({ olderThan: "1 hour" }), [])
        const pruned = yield* jobs.prune()
        assert.include(
          pruned.map((job) => job.id),
          id
        )
        assert.deepStrictEqual(
          (yield* jobs.list).map((job) => job.id),
          [running.id]
        )
        yield* jobs.kill(running.id)
        yield* jobs.prune()
        assert.deepStrictEqual(yield* jobs.list, [])
        // Neither files nor processes of any of them.
        assert.strictEqual(yield* sh("ls -A ~/.local/state/toehold/jobs"), "")
        const home = (yield* sh("cd; pwd")).trim()
        yield* Leaks.awaitProcesses(`${home}/.local/state/toehold/jobs`, 0)
      })
    )
  })
}
