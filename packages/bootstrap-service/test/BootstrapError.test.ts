import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as BootstrapError from "../src/BootstrapError.ts"

const log = ["first", "last words"]

const reasons: ReadonlyArray<BootstrapError.Reason> = [
  new BootstrapError.InvalidConfig({ field: "branch", detail: "it must not begin with -" }),
  new BootstrapError.MachineBusy({ vmId: "vm-1", sessionId: "s1" }),
  new BootstrapError.Aborted({ step: "repository" }),
  new BootstrapError.StepTimeout({ step: "network", timeoutMs: 1000 }),
  new BootstrapError.ConnectionLost({
    step: "workspace",
    detail: "the connection ended",
    outcome: "may-have-run",
    isRetryable: true
  }),
  new BootstrapError.ConnectionLost({
    step: "workspace",
    cause: "AuthRejected",
    detail: "no",
    outcome: "did-not-run",
    isRetryable: false
  }),
  new BootstrapError.BadAnswer({ step: "network", detail: "nonsense\nin two lines" }),
  new BootstrapError.NoSpace({ step: "repository", path: "/x", detail: "No space left on device" }),
  new BootstrapError.MachineMissing({ vmId: "vm-1" }),
  new BootstrapError.MachineNotRunning({ vmId: "vm-1", state: "stopped" }),
  new BootstrapError.MachineHasNoIp({ vmId: "vm-1" }),
  new BootstrapError.MachineHasNoIp({ vmId: "vm-1", detail: "it must be an IPv4 address" }),
  new BootstrapError.MachineUnknown({ vmId: "vm-1", detail: "no answer" }),
  new BootstrapError.LoginPrompt({}),
  new BootstrapError.ConsoleFailed({ detail: "nobody answers", isRetryable: true }),
  new BootstrapError.InterfaceMissing({}),
  new BootstrapError.AddressOutsideNetwork({ address: "10.0.101.20", network: "10.0.100.0/24" }),
  new BootstrapError.NotPermitted({ detail: "sudo: a password is required" }),
  new BootstrapError.ToolMissing({ tool: "ip" }),
  new BootstrapError.NetworkSetupFailed({ what: "route", detail: "no" }),
  new BootstrapError.GatewaySilent({ gateway: "10.0.100.1", interface: "eth0" }),
  new BootstrapError.WorkspaceReadOnly({ paths: ["/a", "/b"], detail: "Read-only file system" }),
  new BootstrapError.WorkspaceTaken({ path: "/a" }),
  new BootstrapError.GitMissing({}),
  new BootstrapError.SshMissing({}),
  new BootstrapError.RepositoryHostUnknown({ host: "example.org", port: "" }),
  new BootstrapError.RepositoryHostChanged({ host: "example.org", port: "2222" }),
  new BootstrapError.RepositoryPrivate({ refused: false, detail: "terminal prompts disabled" }),
  new BootstrapError.RepositoryPrivate({ refused: true, detail: "Authentication failed" }),
  new BootstrapError.RepositoryMissing({ detail: "not found" }),
  new BootstrapError.RepositoryUnreachable({ detail: "Could not resolve host" }),
  new BootstrapError.RepositoryUntrusted({ detail: "Host key verification failed" }),
  new BootstrapError.BranchUnknown({ branch: "x" }),
  new BootstrapError.RepositoryEmpty({}),
  new BootstrapError.RepositoryTimeout({ timeoutMs: 1000, detail: "Receiving objects" }),
  new BootstrapError.RepositoryFailed({ exitCode: 128, detail: "fatal" }),
  new BootstrapError.OpenCodeMissing({}),
  new BootstrapError.OpenCodeFailed({ step: "health", detail: "it ended with exit code 3", log }),
  new BootstrapError.PortTaken({ step: "health", port: 4096, log }),
  new BootstrapError.HealthTimeout({ url: "http://10.0.100.20:4096/", timeoutMs: 1000, seen: "refused", log: [] }),
  new BootstrapError.PasswordRejected({ url: "http://10.0.100.20:4096/", given: false, log: [] }),
  new BootstrapError.SessionNotFound({ id: "s1" }),
  new BootstrapError.SessionExists({ id: "s1" }),
  new BootstrapError.WrongStatus({ id: "s1", status: "ready", action: "retry" }),
  new BootstrapError.StoreFailed({ detail: "database is locked", isRetryable: true }),
  new BootstrapError.SecretsUnreadable({ id: "s1" }),
  new BootstrapError.StepCrashed({ step: "network", detail: "a bug" })
]

const json = Schema.fromJsonString(Schema.toCodecJson(BootstrapError.BootstrapError))

describe("BootstrapError", () => {
  it("has every reason in this test", () => {
    const tags = new Set(reasons.map(({ _tag }) => _tag))
    assert.deepStrictEqual(
      BootstrapError.Reason.members.filter((member) => !tags.has(member.identifier.split("/").at(-1) as never)), // any text may be asked for
      []
    )
  })

  it.each(reasons.map((reason) => [reason._tag, reason] as const))(
    "%s says what happened and what to do",
    (_, reason) => {
      const error = BootstrapError.make(reason)
      assert.match(error.message, /^[^\n]{5,400}[.)a-z0-9]$/)
      assert.match(error.fix, /^[A-Z][^\n]{10,300}\.$/)
      assert.strictEqual(typeof error.isRetryable, "boolean")
      assert.oneOf(error.outcome, ["did-not-run", "may-have-run", "finished"])
      const back = Schema.decodeSync(json)(Schema.encodeSync(json)(error))
      assert.deepStrictEqual(
        [back.reason._tag, back.message, back.fix, back.isRetryable, back.outcome, back.step],
        [reason._tag, error.message, error.fix, error.isRetryable, error.outcome, error.step]
      )
    }
  )
})
