/** `toehold doctor`: the way to a machine, stage by stage. */
import { Effect } from "effect"
import * as VastName from "@toehold/machines/VastName"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import type { Stage } from "@toehold/ssh-core/SshConnectEvent"
import type { SshClient } from "@toehold/ssh-core/SshClient"
import * as SshError from "@toehold/ssh-core/SshError"
import type * as FailureDocument from "../../FailureDocument.ts"
import type { StandardStreams } from "../../StandardStreams.ts"
import type { Handler, Invocation } from "../commandSpec.ts"
import { loginOptions, readReach } from "../machine.ts"
import type { Cause, InstanceStage, Probe } from "../provision/instanceCheck.ts"
import * as StageReport from "../stageReport.ts"

type StageName = InstanceStage | Stage | "channel" | "sftp" | "shell"

const labels: Readonly<Record<StageName, string>> = {
  api: "api",
  keys: "keys",
  status: "status",
  ports: "ports",
  dns: "dns",
  tcp: "tcp",
  banner: "banner",
  kex: "key exchange",
  "host-key": "host key",
  auth: "auth",
  channel: "channel",
  sftp: "sftp",
  shell: "shell"
}

/** The stage of connecting that a reason belongs to; `undefined` for what is wrong before the first. */
export const stageOf = (reason: SshError.Reason): Stage | undefined => {
  switch (reason._tag) {
    case "DnsFailed":
      return "dns"
    case "ConnectionRefused":
    case "HostUnreachable":
      return "tcp"
    case "ConnectTimeout":
    case "ConnectionClosed":
      return reason.stage
    case "NotSsh":
      return "banner"
    case "NoCommonAlgorithm":
    case "PacketTooLong":
      return "kex"
    case "HostKeyUnknown":
    case "HostKeyChanged":
    case "HostKeyRevoked":
      return "host-key"
    case "KeyUnreadable":
    case "KeyPassphraseMissing":
    case "KeyPassphraseWrong":
    case "KeyFormatUnsupported":
    case "KeyIsPublic":
    case "KeyPermissions":
    case "AuthRejected":
    case "PasswordExpired":
      return "auth"
    default:
      return undefined
  }
}

/** What SSH itself says; of a machine with several addresses, of the one that says most. */
const reasonOf = (failure: FailureDocument.Failure): SshError.Reason | undefined => {
  if (failure._tag === "SshError") return failure.reason
  return failure._tag === "MachineError" && failure.reason._tag === "RoutesFailed"
    ? failure.reason.decisive?.error.reason
    : undefined
}

const noSftp = {
  verdict: "Ready for commands, but file transfer will not work: the machine has no SFTP.",
  fix: 'Enable "Subsystem sftp internal-sftp" in the machine\'s sshd_config, or install its sftp-server.'
}

export const doctor: Handler = (invocation) =>
  Effect.gen(function* () {
    const machine = invocation.argument(0)
    if (machine.startsWith("serial:")) {
      const { serialDoctor } = yield* Effect.promise(() => import("./serialDoctor.ts"))
      return yield* serialDoctor(invocation)
    }
    const reach = yield* readReach(invocation, machine)
    const options = yield* loginOptions(invocation)
    const report = StageReport.make<StageName>({
      isJson: invocation.has("json"),
      labelOf: (name) => labels[name],
      isOptional: (name) => name === "sftp"
    })

    /** Runs a stage of ours, and answers its failure. */
    const probe = <A, E extends FailureDocument.Failure, R>(
      name: StageName,
      effect: Effect.Effect<A, E, R>,
      tell: (value: A) => string
    ) =>
      Effect.map(report.run(name, effect, tell), (result) => (result._tag === "Failure" ? result.failure : undefined))

    const check = Effect.gen(function* () {
      const elapsed = yield* StageReport.sinceWhen
      let doneMs = 0
      let agreed = ""
      const services = yield* Effect.context<StandardStreams>()
      const result = yield* reach({
        ...options,
        onEvent: (event) => {
          // RFC 4253, section 7.1: of each list, the client's first that the server has as well.
          if (event._tag === "Offered") {
            const { ours, theirs } = event
            const first = (kind: "kex" | "cipher") => ours[kind].find((name) => theirs[kind].includes(name)) ?? ""
            agreed = `${first("kex")}, ${first("cipher")}`
          }
          if (event._tag !== "StageDone") return Effect.void
          const { detail, durationMs, stage } = event
          doneMs += durationMs
          const result = { name: stage, ok: true, durationMs, detail: detail === "" ? agreed : detail }
          // A reader that went away is noticed at the end.
          return Effect.ignore(report.add(result)).pipe(Effect.provideContext(services))
        }
      }).pipe(Effect.result)
      if (result._tag === "Failure") {
        const reason = reasonOf(result.failure)
        const stage = reason === undefined ? undefined : stageOf(reason)
        if (stage !== undefined) {
          const durationMs = Math.max(0, (yield* elapsed) - doneMs)
          yield* report.add({ name: stage, ok: false, durationMs, detail: result.failure.message })
        }
        return result.failure
      }
      return yield* checkSession(result.success)
    })

    const checkSession = Effect.fnUntraced(function* (client: SshClient["Service"]) {
      // A shell that can't be run is told apart from a channel that isn't opened: it is the last stage's to report.
      const channel = yield* probe(
        "channel",
        client.exec(SshCommand.argv(["true"]), { timeout: "30 seconds" }).pipe(
          Effect.as("a session runs a command"),
          Effect.catchIf(
            ({ reason }) => reason._tag === "ChannelRefused" && reason.request === "shell",
            () => Effect.succeed("a session opens")
          )
        ),
        (detail) => detail
      )
      if (channel !== undefined) return channel
      yield* probe("sftp", client.checkSftp, () => "the subsystem answers")
      return yield* probe(
        "shell",
        client.exec(SshCommand.shell(StageReport.shellProbe), { timeout: "30 seconds", maxOutput: 1024 }),
        StageReport.shellFound
      )
    })

    const id = VastName.idOf(machine)
    const instance = id === undefined ? undefined : yield* Effect.scoped(checkInstanceOf(invocation, id, probe))
    const failed = instance?.isReachable === false ? undefined : yield* Effect.scoped(check)
    const verdict = instance === undefined ? { failure: failed } : instance.verdictOf(failed)
    const withoutSftp = report.stages.some(({ name, ok }) => name === "sftp" && !ok)
    return yield* report.finish({ ...verdict, good: withoutSftp ? noSftp : StageReport.ready })
  })

interface InstanceVerdict {
  /** Whether SSH is worth a try. */
  readonly isReachable: boolean
  /** What all of it comes to, with how SSH failed, if it did. */
  readonly verdictOf: (failure: FailureDocument.Failure | undefined) => Omit<StageReport.Verdict, "good">
}

/** What a rented instance needs before there is a way to it. */
const checkInstanceOf = Effect.fnUntraced(function* (invocation: Invocation, id: number, probe: Probe) {
  const [{ causeOfLogin, checkInstance, decisive }, { makeProbe }] = yield* Effect.promise(() =>
    Promise.all([import("../provision/instanceCheck.ts"), import("../provision/probe.ts")])
  )
  const { findings, isKeyAttached, isReachable } = yield* checkInstance(
    invocation,
    id,
    probe,
    yield* makeProbe(invocation, id)
  )
  const causeOf = (failure: FailureDocument.Failure): Cause => {
    const tag = reasonOf(failure)?._tag ?? ("reason" in failure ? failure.reason._tag : failure._tag)
    return causeOfLogin(tag, isKeyAttached)
  }
  const verdict: InstanceVerdict = {
    isReachable,
    verdictOf: (failure) => {
      // Whoever is let in needs nothing more, whatever the service knows of keys.
      if (failure === undefined && isReachable) return { failure }
      const all = failure === undefined ? findings : [...findings, { cause: causeOf(failure), failure }]
      const first = decisive(all)
      return { ...first, failure: first?.failure, others: all.filter((finding) => finding !== first) }
    }
  }
  return verdict
})
