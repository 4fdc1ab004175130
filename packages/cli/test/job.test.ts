import { afterAll, assert, beforeAll, it } from "@effect/vitest"
import { Effect, PlatformError } from "effect"
import * as JobsError from "@toehold/jobs/JobsError"
import * as SshError from "@toehold/ssh-core/SshError"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import * as Leaks from "@toehold/lab/Leaks"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as ExitCode from "../src/ExitCode.ts"
import * as FailureDocument from "../src/FailureDocument.ts"
import { sshd } from "./support/lab.ts"
import { type Options, toehold, toeholdJson } from "./support/program.ts"

interface Status {
  readonly id: string
  readonly state: string
  readonly exitCode: number | null
  readonly signal: string | null
  readonly startedAt: string
  readonly endedAt: string | null
  readonly stdoutBytes: number
  readonly stderrBytes: number
  readonly timedOut: boolean
  readonly lostTo: string | null
}

interface Failed {
  readonly error: { readonly reason: string; readonly outcome: string; readonly details: Record<string, unknown> }
}

const job = (verb: string, words: ReadonlyArray<string>, options?: Options) =>
  toehold(["job", verb, "local:", ...words], options)
const document = <A>(verb: string, words: ReadonlyArray<string>, options?: Options) =>
  toeholdJson<A>(["job", verb, "local:", "--json", ...words], options)

describeWith(["dash"], "toehold job", () => {
  const home = Fs.mkdtempSync(Path.join(Os.tmpdir(), "job-home-"))
  const before = process.env["HOME"]

  beforeAll(() => {
    process.env["HOME"] = home
  })

  afterAll(() => {
    if (before !== undefined) process.env["HOME"] = before
    Fs.rmSync(home, { recursive: true, force: true })
  })

  it.live("starts a job, follows it to its end and clears it away", () =>
    Effect.gen(function* () {
      const words = ["a b", "$HOME", "--json"]
      const started = yield* document<Status>("start", [
        "--name",
        "first",
        "--env",
        "A=1",
        "--",
        "sh",
        "-c",
        'printf "[%s]" "$A" "$@"; echo err >&2; exit 3',
        "sh",
        ...words
      ])
      assert.deepStrictEqual([started.exitCode, started.stderr, started.json.id], [0, "", "first"])
      assert.deepStrictEqual(yield* job("logs", ["first", "--follow"]), {
        exitCode: 0,
        stdout: "[1][a b][$HOME][--json]",
        stderr: ""
      })
      const ended = yield* document<Status>("wait", ["first"])
      assert.strictEqual(ended.exitCode, 1)
      const { endedAt, startedAt, ...rest } = ended.json
      assert.match(startedAt, /^\d{4}-\d\d-\d\dT/)
      assert.match(endedAt ?? "", /^\d{4}-\d\d-\d\dT/)
      assert.deepInclude(rest, {
        id: "first",
        state: "exited",
        exitCode: 3,
        signal: null,
        stdoutBytes: 23,
        stderrBytes: 4,
        timedOut: false,
        lostTo: null
      })
      assert.deepStrictEqual((yield* document<Status>("status", ["first"])).json, ended.json)
      assert.deepStrictEqual((yield* document<{ jobs: ReadonlyArray<Status> }>("list", [])).json.jobs, [ended.json])
      assert.match((yield* job("list", [])).stdout, /^first {2}exited 3 {2}\S+ {2}23\+4 bytes {2}sh -c /)
      assert.strictEqual((yield* job("logs", ["first", "--stream", "stderr"])).stdout, "err\n")
      assert.strictEqual((yield* job("logs", ["first", "--from", "3"])).stdout, "[a b][$HOME][--json]")
      assert.deepStrictEqual((yield* document("logs", ["first", "--from", "16"])).json, {
        data: "--json]",
        encoding: "utf8",
        offset: 16,
        nextOffset: 23,
        done: true
      })
      assert.strictEqual((yield* job("forget", ["first"])).exitCode, 0)
      const gone = yield* document<Failed>("status", ["first"])
      assert.deepStrictEqual([gone.exitCode, gone.json.error.reason], [66, "NotFound"])
    })
  )

  it.live("takes input, secrets, a folder and limits", () =>
    Effect.gen(function* () {
      const flags = ["--stdin", "-", "--env-from", "SECRET", "--cwd", "/usr", "--max-output", "65536"]
      const { stdout } = yield* job("start", [...flags, "--shell", "cat; printf %s $SECRET; pwd; seq 99999"], {
        stdin: Buffer.from("in "),
        platform: { env: { SECRET: "s" } }
      })
      const id = stdout.trim()
      const logs = yield* job("logs", [id, "--follow"])
      const total = Buffer.byteLength(
        `in s/usr\n${Array.from({ length: 99_999 }, (_, index) => `${index + 1}\n`).join("")}`
      )
      assert.strictEqual((yield* document<Status>("wait", [id])).json.stdoutBytes, total)
      const late = yield* job("logs", [id])
      const [, missing] = /^toehold: (\d+) bytes of stdout from offset 0 on were not kept\.\n$/.exec(late.stderr) ?? []
      assert.strictEqual(Number(missing) + late.stdout.length, total)
      assert.isTrue(logs.stdout.endsWith(late.stdout.slice(-1000)))
      const piece = yield* document<{ gap: object; offset: number }>("logs", [id])
      assert.deepStrictEqual(piece.json.gap, { from: 0, to: piece.json.offset })
      assert.strictEqual((yield* job("prune", [])).stdout.split("  ")[1], id)
    })
  )

  it.live("prints a document a line while it follows, characters whole", () =>
    Effect.gen(function* () {
      yield* job("start", ["--name", "words", "--shell", "printf 'h\\303'; sleep 0.3; printf '\\251'"])
      const { stdout } = yield* job("logs", ["words", "--follow", "--json"])
      const lines = stdout
        .trim()
        .split("\n")
        .map((line): Record<string, unknown> => JSON.parse(line))
      assert.deepStrictEqual(lines, [
        { data: "h", encoding: "utf8", offset: 0, nextOffset: 1, done: false },
        { data: "é", encoding: "utf8", offset: 1, nextOffset: 3, done: false },
        { data: "", encoding: "utf8", offset: 3, nextOffset: 3, done: true }
      ])
      yield* job("forget", ["words"])
    })
  )

  it.live("ends jobs, and waits no longer than it may", () =>
    Effect.gen(function* () {
      const marker = Leaks.marker()
      yield* job("start", [
        "--name",
        "long",
        "--shell",
        `trap 'echo usr' USR1; while :; do sleep 0.1; done; : ${marker}`
      ])
      assert.strictEqual((yield* job("wait", ["long", "--timeout", "200ms"])).exitCode, 124)
      assert.strictEqual((yield* job("forget", ["long"])).exitCode, 1)
      assert.strictEqual((yield* document<Status>("kill", ["long", "--signal", "USR1"])).json.state, "running")
      assert.strictEqual((yield* job("kill", ["long", "--signal", "now!"])).exitCode, 64)
      const killed = yield* document<Status>("kill", ["long"])
      assert.deepInclude(killed.json, { state: "killed", exitCode: null, signal: "SIGTERM" })
      assert.strictEqual((yield* job("wait", ["long"])).exitCode, 1)
      yield* Leaks.awaitProcesses(marker, 0)
      const timed = yield* job("start", ["--timeout", "1s", "--", "sleep", "600"])
      const ended = yield* document<Record<string, unknown>>("wait", [timed.stdout.trim()])
      assert.deepInclude(ended.json, { state: "killed", timedOut: true })
      yield* job("prune", ["--json"])
    })
  )

  it.live("says what is wrong with a command line, and with a job", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* job("start", [])).exitCode, 64)
      assert.strictEqual((yield* job("start", ["--shell", "true", "--", "true"])).exitCode, 64)
      assert.strictEqual((yield* job("logs", ["x", "--from", "1k"])).exitCode, 64)
      assert.strictEqual((yield* toehold(["job"])).exitCode, 64)
      const missing = yield* document<Failed>("start", ["--", "no-such-program"])
      assert.deepInclude(missing.json.error, { reason: "CommandNotFound", outcome: "did-not-run" })
      const name = yield* document<Failed>("start", ["--name", "a/b", "--", "true"])
      assert.deepStrictEqual([name.exitCode, name.json.error.reason], [64, "InvalidArgument"])
    })
  )

  it("names what was wrong with the way to the machine, and the job in question", () => {
    const lost = SshError.make(
      new SshError.AuthRejected({ host: "h", port: 22, user: "u", attempts: [], serverOffers: [] })
    )
    const cause = PlatformError.systemError({ _tag: "Unknown", module: "ChildProcess", method: "spawn", cause: lost })
    const failure = JobsError.make(new JobsError.Transport({ id: "j", cause, outcome: "may-have-run" }))
    const { error } = FailureDocument.of(failure)
    assert.deepInclude(error, {
      reason: "AuthRejected",
      message: lost.message,
      isRetryable: false,
      outcome: "may-have-run"
    })
    assert.deepInclude(error.details, { id: "j", user: "u" })
    assert.include(error.fix, '"j"')
    assert.strictEqual(ExitCode.ofFailure(failure), 77)
  })
})

describeWith(["sshd", "private-accounts"], "toehold job over SSH", () => {
  it.layer(sshd, { excludeTestServices: true })((it) => {
    it.effect("follows a job over connections that are cut, and says where the machine can't be reached", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const proxy = yield* FaultProxy.make({ target: server })
        const machine = `${server.user}@${proxy.host}:${proxy.port}`
        const flags = ["-F", "none", "-i", server.privateKeyPath, "--host-key", "off"]
        const counting = "for i in 1 2 3 4 5 6 7 8 9; do echo line $i; sleep 0.2; done"
        const start = ["job", "start", machine, ...flags, "--json", "--name", "count", "--shell", counting]
        const started = yield* toeholdJson<Status>(start)
        assert.deepInclude(started.json, { id: "count", state: "running" })
        const cutting = Effect.forever(Effect.andThen(Effect.sleep("600 millis"), proxy.cut("rst")))
        const logs = yield* toehold(["job", "logs", machine, ...flags, "count", "--follow"]).pipe(
          Effect.raceFirst(cutting)
        )
        assert.deepStrictEqual(logs, {
          exitCode: 0,
          stdout: [1, 2, 3, 4, 5, 6, 7, 8, 9].map((line) => `line ${line}\n`).join(""),
          stderr: ""
        })
        assert.strictEqual((yield* toehold(["job", "wait", machine, ...flags, "count"])).exitCode, 0)
        assert.strictEqual((yield* toehold(["job", "prune", machine, ...flags])).exitCode, 0)
        const wrong = ["-F", "none", "-i", "/nonexistent", "--host-key", "off", "--json"]
        const refused = yield* toeholdJson<Failed>(["job", "list", machine, ...wrong])
        assert.strictEqual(refused.exitCode, 65)
        assert.strictEqual(refused.json.error.reason, "KeyUnreadable")
      }).pipe(Effect.scoped)
    )
  })
})
