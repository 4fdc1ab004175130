import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as Leaks from "@toehold/lab/Leaks"
import { describeWith } from "@toehold/lab/RealPart"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Jobs from "../src/Jobs.ts"
import * as JobSpec from "../src/JobSpec.ts"
import { JobState } from "../src/JobStatus.ts"
import * as Machine from "./support/machine.ts"
import { sh, textOf } from "./support/suite.ts"

/** A job that is started, followed and killed with what it started. */
const lives = Effect.gen(function* () {
  const jobs = yield* Jobs.Jobs
  const marker = Leaks.marker()
  const { id } = yield* jobs.start(JobSpec.shell(`echo up; sh -c 'sleep 600; :' ${marker}; echo on`))
  const first = yield* jobs.follow(id).pipe(
    Stream.takeUntil(({ _tag }) => _tag === "Output"),
    Stream.runCollect
  )
  assert.strictEqual(textOf(first, "stdout"), "up\n")
  assert.deepStrictEqual((yield* jobs.kill(id)).state, JobState.Killed({ signal: "SIGTERM" }))
  yield* Leaks.awaitProcesses(marker, 0)
  yield* jobs.forget(id)
  yield* Leaks.awaitProcesses(id, 0)
})

describe("Jobs on a machine without util-linux", () => {
  describeWith(["busybox", "dash", "perl"], "with perl", () => {
    it.layer(Machine.layer({ shell: "dash", busyboxOnly: true, without: ["setsid"], programs: ["perl"] }), {
      excludeTestServices: true
    })((it) => {
      it.effect("run in a session that perl begins", () => lives)
    })
  })

  describeWith(["busybox", "bash"], "with bash", () => {
    it.layer(Machine.layer({ shell: "bash", busyboxOnly: true, without: ["setsid"] }), { excludeTestServices: true })(
      (it) => {
        it.effect("run in groups of the shell's own", () => lives)
      }
    )
  })

  describeWith(["busybox", "dash"], "with nothing", () => {
    it.layer(Machine.layer({ shell: "dash", busyboxOnly: true, without: ["setsid"] }), { excludeTestServices: true })(
      (it) => {
        it.effect("are not run at all", () =>
          Effect.gen(function* () {
            const jobs = yield* Jobs.Jobs
            const error = yield* Effect.flip(jobs.start(JobSpec.shell("true")))
            assert.deepStrictEqual([error.reason._tag, error.outcome], ["Unsupported", "did-not-run"])
            assert.strictEqual(yield* sh("ls -A ~/.local/state/toehold/jobs"), "")
          })
        )
      }
    )
  })
})

const logind = (lingers: boolean) =>
  Effect.map(Machine.Machine, ({ program }) => {
    program("id", "case $1 in -u) echo 1000 ;; *) echo user ;; esac")
    program(
      "loginctl",
      `case "$*" in *KillUserProcesses) echo KillUserProcesses=yes ;; *Linger) echo Linger=${lingers ? "yes" : "no"} ;; esac`
    )
    program("systemd-run", 'echo "$@" >>"$HOME/scopes"; while [ "$1" != -- ]; do shift; done; shift; exec "$@"')
  })

describeWith(["dash"], "Jobs where logind ends what a user leaves behind", () => {
  it.layer(Machine.layer(), { excludeTestServices: true })((it) => {
    it.effect("run in a scope of the user's systemd", () =>
      Effect.gen(function* () {
        yield* logind(true)
        yield* lives
        const { home } = yield* Machine.Machine
        assert.match(
          Fs.readFileSync(Path.join(home, "scopes"), "utf8"),
          /^--user --scope --collect --quiet -- setsid -f sh \S+/m
        )
      })
    )

    it.effect("are not run where lingering is not allowed", () =>
      Effect.gen(function* () {
        yield* logind(false)
        const jobs = yield* Jobs.Jobs
        const { reason } = yield* Effect.flip(jobs.start(JobSpec.shell("true")))
        assert.strictEqual(reason._tag, "Unsupported")
        assert.strictEqual(yield* sh("ls -A ~/.local/state/toehold/jobs"), "")
      })
    )
  })
})
