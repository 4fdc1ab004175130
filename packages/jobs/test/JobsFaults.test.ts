import { assert, it } from "@effect/vitest"
import { Effect, Redacted, Stream } from "effect"
import { ChildProcessSpawner } from "effect/process"
import * as FastCheck from "effect/testing/FastCheck"
import * as Leaks from "@toehold/lab/Leaks"
import { describeWith } from "@toehold/lab/RealPart"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Jobs from "../src/Jobs.ts"
import * as JobSpec from "../src/JobSpec.ts"
import { JobState } from "../src/JobStatus.ts"
import { cutting, killing } from "./support/cuts.ts"
import * as Machine from "./support/machine.ts"
import { sh, textOf } from "./support/suite.ts"

const jobsOn = (spawner: ChildProcessSpawner.ChildProcessSpawner["Service"]) =>
  Jobs.make({ reconnectFor: "20 seconds" }).pipe(
    Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, spawner)
  )

const awaitEnd = (id: string) => Effect.flatMap(Jobs.Jobs, (jobs) => jobs.wait(id))

describeWith(["dash"], "Jobs over connections that break", () => {
  it.layer(Machine.layer(), { excludeTestServices: true })((it) => {
    it.effect("follows every byte once, wherever the answers are cut", () =>
      Effect.gen(function* () {
        const { spawner } = yield* Machine.Machine
        const jobs = yield* Jobs.Jobs
        const { id } = yield* jobs.start(
          JobSpec.shell("head -c 300000 /dev/urandom | tee whole; head -c 5000 /dev/urandom | tee words >&2")
        )
        yield* awaitEnd(id)
        const { home } = yield* Machine.Machine
        const whole = Fs.readFileSync(Path.join(home, "whole")).toString("latin1")
        const words = Fs.readFileSync(Path.join(home, "words")).toString("latin1")
        const cuts = FastCheck.array(FastCheck.oneof(FastCheck.nat(60), FastCheck.nat(150_000)), { maxLength: 6 })
        for (const limits of FastCheck.sample(cuts, 12)) {
          const left = [...limits]
          const broken = yield* jobsOn(cutting(spawner, left))
          const events = yield* Stream.runCollect(broken.follow(id))
          assert.isTrue(textOf(events, "stdout") === whole, `stdout after cuts at ${limits.join()}`)
          assert.isTrue(textOf(events, "stderr") === words, `stderr after cuts at ${limits.join()}`)
        }
      })
    )

    it.effect("starts once, whenever the login that starts it is killed", () =>
      Effect.gen(function* () {
        const { spawner } = yield* Machine.Machine
        const marker = Leaks.marker()
        for (const delay of [0, 5, 15, 25, 35, 45, 60, 80, 110]) {
          const id = `${marker}-${delay}`
          const broken = yield* jobsOn(killing(spawner, [delay, delay]))
          yield* broken.start(JobSpec.shell(`echo ran >>"$HOME/${id}"`, { id, env: { S: Redacted.make("x") } }))
          yield* awaitEnd(id)
          assert.strictEqual(yield* sh(`cat "$HOME/${id}"`), "ran\n")
        }
        yield* Leaks.awaitProcesses(marker, 0)
        // What a killed attempt had made ready is gone with the next start or prune.
        yield* (yield* Jobs.Jobs).prune()
        assert.strictEqual(yield* sh("ls -A ~/.local/state/toehold/jobs"), "")
      })
    )

    it.effect("starts once when the answer is lost", () =>
      Effect.gen(function* () {
        const { spawner } = yield* Machine.Machine
        const marker = Leaks.marker()
        const broken = yield* jobsOn(cutting(spawner, [0, 1, 40]))
        const { id } = yield* broken.start(JobSpec.shell(`echo ran >>"$HOME/${marker}"`))
        yield* awaitEnd(id)
        assert.strictEqual(yield* sh(`cat "$HOME/${marker}"`), "ran\n")
        const forgetful = yield* jobsOn(cutting(spawner, [0]))
        yield* forgetful.forget(id)
      })
    )

    it.effect("says that a job may have started when nobody could tell, and under which name", () =>
      Effect.gen(function* () {
        const { spawner } = yield* Machine.Machine
        const lossy = cutting(
          spawner,
          Array.from({ length: 99 }, () => 0)
        )
        const jobs = yield* Jobs.make({ reconnectFor: "1 second" }).pipe(
          Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, lossy)
        )
        const { reason } = yield* Effect.flip(jobs.start(JobSpec.shell("true")))
        assert(reason._tag === "Transport")
        assert.strictEqual(reason.outcome, "may-have-run")
        assert.include(reason.fix, reason.id)
        const { reason: other } = yield* Effect.flip(jobs.status(reason.id ?? ""))
        assert.deepInclude(other, { _tag: "Transport", outcome: "did-not-run" })
      })
    )

    it.effect("gives up on a machine that answers nonsense", () =>
      Effect.gen(function* () {
        const { program, spawner } = yield* Machine.Machine
        const jobs = yield* Jobs.Jobs
        const { id } = yield* jobs.start(JobSpec.shell("echo out"))
        yield* awaitEnd(id)
        program("dd", "exit 1")
        const { reason } = yield* Effect.flip(Stream.runDrain((yield* jobsOn(spawner)).follow(id)))
        assert.strictEqual(reason._tag, "BadReply")
        Fs.rmSync(Path.join((yield* Machine.Machine).bin, "dd"))
        assert.strictEqual(textOf(yield* Stream.runCollect(jobs.follow(id)), "stdout"), "out\n")
      })
    )
  })
})

describeWith(["dash"], "Jobs and what happens to their machine", () => {
  it.layer(Machine.layer(), { excludeTestServices: true })((it) => {
    const sleeping = Effect.gen(function* () {
      const jobs = yield* Jobs.Jobs
      const { jobFolder } = yield* Machine.Machine
      const status = yield* jobs.start(JobSpec.shell("echo out; exec sleep 600"))
      yield* jobs.follow(status.id).pipe(
        Stream.takeUntil(({ _tag }) => _tag === "Output"),
        Stream.runDrain
      )
      const folder = jobFolder(status.id)
      const record = (name: "sup" | "proc") => ({
        read: () => Fs.readFileSync(Path.join(folder, name), "utf8").split(/\s+/),
        write: (words: ReadonlyArray<string>) => Fs.writeFileSync(Path.join(folder, name), `${words.join(" ")}\n`)
      })
      return { jobs, id: status.id, pid: status.pid, sup: record("sup"), proc: record("proc") }
    })

    const killAll = (pids: ReadonlyArray<string | undefined>) => sh(`kill -KILL ${pids.join(" ")} 2>/dev/null; true`)

    it.effect("a job that was killed with all that belonged to it is lost", () =>
      Effect.gen(function* () {
        const { id, jobs, proc, sup } = yield* sleeping
        yield* killAll([sup.read()[0], proc.read()[0]])
        const events = yield* Stream.runCollect(jobs.follow(id))
        assert.strictEqual(textOf(events, "stdout"), "out\n")
        const { endedAt, state } = yield* jobs.status(id)
        assert.deepStrictEqual([state, endedAt], [JobState.Lost({ cause: "outside" }), undefined])
        assert.deepStrictEqual((yield* jobs.kill(id)).state, state)
        yield* jobs.forget(id)
      })
    )

    it.effect("a job whose command alone was killed was killed", () =>
      Effect.gen(function* () {
        const { id, jobs, pid } = yield* sleeping
        yield* killAll([String(pid)])
        assert.deepStrictEqual((yield* jobs.wait(id)).state, JobState.Killed({ signal: "SIGKILL" }))
      })
    )

    it.effect("a job runs on as long as its command lives", () =>
      Effect.gen(function* () {
        const { id, jobs, sup } = yield* sleeping
        yield* killAll([sup.read()[0]])
        assert.strictEqual((yield* jobs.status(id)).state._tag, "Running")
        assert.deepStrictEqual((yield* jobs.kill(id)).state, JobState.Lost({ cause: "outside" }))
      })
    )

    it.effect("a job of an earlier boot is lost to it, whoever has its number now", () =>
      Effect.gen(function* () {
        const { id, jobs, proc, sup } = yield* sleeping
        const before = [sup.read(), proc.read()] as const
        sup.write([...before[0].slice(0, 2), "another-boot"])
        proc.write([...before[1].slice(0, 2), "another-boot", ...before[1].slice(3)])
        assert.deepStrictEqual((yield* jobs.status(id)).state, JobState.Lost({ cause: "reboot" }))
        // Nothing of another boot's is signalled.
        yield* jobs.kill(id)
        sup.write(before[0])
        proc.write(before[1])
        assert.deepStrictEqual((yield* jobs.kill(id)).state, JobState.Killed({ signal: "SIGTERM" }))
      })
    )

    it.effect("a process that got a job's number is not the job, and is left alone", () =>
      Effect.gen(function* () {
        const { id, jobs, proc, sup } = yield* sleeping
        const before = [sup.read(), proc.read()] as const
        for (const [record, words] of [
          [sup, before[0]],
          [proc, before[1]]
        ] as const) {
          record.write([words[0] ?? "", String(Number(words[1]) - 1), ...words.slice(2)])
        }
        assert.deepStrictEqual((yield* jobs.kill(id)).state, JobState.Lost({ cause: "outside" }))
        sup.write(before[0])
        proc.write(before[1])
        assert.deepStrictEqual((yield* jobs.kill(id)).state, JobState.Killed({ signal: "SIGTERM" }))
      })
    )

    it.effect("a clock that is set a day off misleads nobody", () =>
      Effect.gen(function* () {
        const { bin, program } = yield* Machine.Machine
        const jobs = yield* Jobs.Jobs
        program("date", 'echo $(($(/bin/date "$@") + 86400))')
        const { id } = yield* sleeping
        program("date", 'echo $(($(/bin/date "$@") - 86400))')
        assert.strictEqual((yield* jobs.status(id)).state._tag, "Running")
        assert.deepStrictEqual((yield* jobs.kill(id)).state, JobState.Killed({ signal: "SIGTERM" }))
        Fs.rmSync(Path.join(bin, "date"))
      })
    )

    it.effect("keeps secrets off command lines, and on disk only until the command begins", () =>
      Effect.gen(function* () {
        const jobs = yield* Jobs.Jobs
        const secret = Leaks.marker()
        const input = Leaks.marker()
        const { id } = yield* jobs.start(
          JobSpec.shell('cat >/dev/null; test -n "$S" && echo up; exec sleep 600', {
            env: { S: Redacted.make(secret) },
            stdin: Redacted.make(input)
          })
        )
        yield* jobs.follow(id).pipe(
          Stream.takeUntil(({ _tag }) => _tag === "Output"),
          Stream.runDrain
        )
        assert.deepStrictEqual([...(yield* Leaks.processes(secret)), ...(yield* Leaks.processes(input))], [])
        const files = yield* sh(`cd ~/.local/state/toehold; grep -rlE 'S=|lab-' . ; find . ! -perm -u=r -o -perm /077`)
        assert.strictEqual(files, "")
        yield* jobs.kill(id)
      })
    )
  })
})
