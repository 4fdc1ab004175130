import { assert, describe, it } from "@effect/vitest"
import * as MachineError from "@toehold/machines/MachineError"
import * as SshError from "@toehold/ssh-core/SshError"
import * as VastError from "@toehold/vast-api/VastError"
import * as ExitCode from "../src/ExitCode.ts"
import { text } from "../src/internal/topic/exitCodes.ts"
import { OutputFailed } from "../src/StandardStreams.ts"
import { UsageError } from "../src/UsageError.ts"

const target = { word: "x", detail: "d" }
const refused = { request: "session", detail: "" }
const reasons: ReadonlyArray<SshError.Reason> = [
  new SshError.DnsFailed({ host: "h", code: "ENOTFOUND" }),
  new SshError.ConnectionRefused({ host: "h", port: 22 }),
  new SshError.AuthRejected({ host: "h", port: 22, user: "u", attempts: [], serverOffers: [] }),
  new SshError.KeyUnreadable({ path: "p", detail: "d" }),
  new SshError.KeyPermissions({ path: "p", mode: 0o644 }),
  new SshError.NotFound({ path: "p" }),
  new SshError.FileLocked({ path: "p", lock: "l" }),
  new SshError.FileFailed({ path: "p", detail: "d" }),
  new SshError.InvalidTarget(target),
  new SshError.InvalidTarget({ ...target, location: "config:1" }),
  new SshError.InvalidArgument({ argument: "a", detail: "d" }),
  new SshError.ChannelRefused({ ...refused, busy: true }),
  new SshError.ChannelRefused({ ...refused, busy: false })
]

const of = (exitCode: number | null, signal: string | null) => ExitCode.ofStatus({ exitCode, signal })

const call = { call: "GET /", detail: "" }
const vastReasons: ReadonlyArray<VastError.Reason> = [
  new VastError.KeyMissing({ searched: [] }),
  new VastError.Unauthorized(call),
  new VastError.NoSuchOffer({ ...call, offer: 1 }),
  new VastError.InvalidRequest({ ...call, error: "e" }),
  new VastError.RateLimited(call),
  new VastError.CreateUnknown({ ...call, label: "l" }),
  new VastError.ServerError({ ...call, status: 500 }),
  new VastError.ResultTimeout({ call: "GET /", seconds: 1 })
]

const attempt = (reason: SshError.Reason) => ({
  route: "direct",
  host: "h",
  port: 1,
  command: "ssh h",
  error: SshError.make(reason)
})

const routes = (...reasons: ReadonlyArray<SshError.Reason>) =>
  ExitCode.ofMachineReason(new MachineError.RoutesFailed({ machine: "vast:1", attempts: reasons.map(attempt) }))

describe("ExitCode", () => {
  it("of Vast.ai is the documented one for each reason", () => {
    const codes = vastReasons.map(ExitCode.ofVastReason)
    assert.deepStrictEqual(codes, [77, 77, 66, 65, 75, 1, 69, 124])
    for (const [index, reason] of vastReasons.entries()) {
      const rows = text.split("\n").filter((line) => line.startsWith(`| ${codes[index]} |`))
      assert.isTrue(
        rows.some((row) => row.includes(`\`${reason._tag}\``)),
        `${codes[index]} does not name ${reason._tag}`
      )
    }
  })

  it("of a machine with several ways is that of the attempt that says most", () => {
    const refused = new SshError.ConnectionRefused({ host: "h", port: 22 })
    const rejected = new SshError.AuthRejected({ host: "h", port: 22, user: "u", attempts: [], serverOffers: [] })
    assert.deepStrictEqual(
      [routes(refused, rejected), routes(rejected, refused), routes(refused), routes()],
      [77, 77, 69, 75]
    )
    const down = { instance: 1, status: "exited", detail: "" }
    const codes = [true, false].map((isStarting) =>
      ExitCode.ofMachineReason(new MachineError.NotRunning({ ...down, isStarting }))
    )
    assert.deepStrictEqual(codes, [75, 69])
  })

  it("is the documented one for each reason", () => {
    const codes = reasons.map(ExitCode.ofReason)
    assert.deepStrictEqual(codes, [69, 69, 77, 65, 77, 66, 75, 74, 64, 78, 64, 75, 77])
    for (const [index, reason] of reasons.entries()) {
      const rows = text.split("\n").filter((line) => line.startsWith(`| ${codes[index]} |`))
      assert.isTrue(
        rows.some((row) => row.includes(`\`${reason._tag}\``)),
        `${codes[index]} does not name ${reason._tag}`
      )
    }
  })

  it("of exec is 255 for all but usage, time limits and a reader that went away", () => {
    const codes = reasons.map((reason) => ExitCode.ofExecFailure(SshError.make(reason)))
    assert.deepStrictEqual(codes, [255, 255, 255, 255, 255, 255, 255, 255, 64, 255, 64, 255, 255])
    assert.strictEqual(ExitCode.ofExecFailure(new UsageError({ detail: "d", hint: "h" })), 64)
    assert.strictEqual(ExitCode.ofExecFailure(new OutputFailed({ stream: "stdout", code: "EPIPE" })), 141)
    assert.strictEqual(ExitCode.ofExecFailure(new OutputFailed({ stream: "stdout", code: "ENOSPC" })), 255)
  })

  it("of a command is its own, or 128 and the signal's number", () => {
    assert.deepStrictEqual(
      [of(0, null), of(255, null), of(null, "SIGTERM"), of(null, "KILL"), of(null, "SIGNEW")],
      [0, 255, 143, 137, 137]
    )
  })
})
