import { assert, it } from "@effect/vitest"
import { Effect, Redacted, Stream } from "effect"
import * as Leaks from "@toehold/lab/Leaks"
import { describeWith } from "@toehold/lab/RealPart"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Jobs from "../src/Jobs.ts"
import * as JobSpec from "../src/JobSpec.ts"
import { JobState } from "../src/JobStatus.ts"
import * as Machine from "./support/machine.ts"
import { sh, textOf } from "./support/suite.ts"

const killAll = (pids: ReadonlyArray<string | undefined>) => sh(`kill -KILL ${pids.join(" ")} 2>/dev/null; true`)

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
        read: () => (Fs.readFileSync(Path.join(folder, name), "utf8").split("\n")[0] ?? "").trim().split(" "),
        write: (words: ReadonlyArray<string>) => Fs.writeFileSync(Path.join(folder, name), `${words.join(" ")}\n`)
      })
      return { jobs, id: status.id, pid: status.pid, sup: record("sup"), proc: record("proc") }
    })

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
        const { home } = yield* Machine.Machine
        const files = Fs.readdirSync(home, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map(({ name, parentPath }) => Path.join(parentPath, name))
        const texts = files.map((file) => Fs.readFileSync(file, "utf8"))
        assert.deepStrictEqual(
          texts.filter((text) => text.includes(secret) || text.includes(input)),
          []
        )
        const open = yield* sh("find ~/.local/state/toehold/jobs -perm /077")
        assert.strictEqual(open, "")
        yield* jobs.kill(id)
      })
    )

    it.effect("keeps no secret either where the command has a PATH of its own", () =>
      Effect.gen(function* () {
        const { home, jobFolder } = yield* Machine.Machine
        const jobs = yield* Jobs.Jobs
        const own = Path.join(home, "own")
        Fs.mkdirSync(own)
        Fs.symlinkSync("/bin/sleep", Path.join(own, "sleep"))
        const { id } = yield* jobs.start(
          JobSpec.argv(["sleep", "600"], { env: { PATH: own, S: Redacted.make("x") }, stdin: "y" })
        )
        const isThere = (name: string) => Fs.existsSync(Path.join(jobFolder(id), name))
        while (isThere("spec") || isThere("in")) yield* Effect.sleep("10 millis")
        assert.strictEqual((yield* jobs.status(id)).state._tag, "Running")
        yield* jobs.kill(id)
      })
    )

    it.effect("passes over what is no job of its own", () =>
      Effect.gen(function* () {
        const jobs = yield* Jobs.Jobs
        const { id } = yield* jobs.start(JobSpec.shell("true"))
        yield* jobs.wait(id)
        yield* sh("cd ~/.local/state/toehold/jobs; mkdir 'a b' .gone.1 empty; : >file")
        const found = yield* jobs.list
        assert.deepStrictEqual(
          found.filter((job) => job.id === "empty").map(({ state }) => state),
          [JobState.Lost({ cause: "outside" })]
        )
        assert.includeMembers(
          found.map((job) => job.id),
          [id, "empty"]
        )
        yield* jobs.prune()
        assert.strictEqual(yield* sh("ls -A ~/.local/state/toehold/jobs"), "a b\nfile\n")
      })
    )
  })
})
