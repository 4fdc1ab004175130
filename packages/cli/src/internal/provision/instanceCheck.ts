/** The stages of `toehold doctor vast:ID` before those of SSH: the API, the keys, the instance's status, its ports. */
import { Effect, Result } from "effect"
import * as ProvisionError from "@toehold/bootstrap-service/ProvisionError"
import type { Identity, ProvisionAccess } from "@toehold/bootstrap-service/ProvisionAccess"
import * as MachineError from "@toehold/machines/MachineError"
import * as VastMachine from "@toehold/machines/VastMachine"
import * as SshPublicKey from "@toehold/ssh-core/SshPublicKey"
import type { SshKey } from "@toehold/vast-api/Account"
import { type Instance, type SshAddress, sshAddresses } from "@toehold/vast-api/Instance"
import * as InstanceWait from "@toehold/vast-api/InstanceWait"
import type { VastClient } from "@toehold/vast-api/VastClient"
import * as VastError from "@toehold/vast-api/VastError"
import type { Failure } from "../../FailureDocument.ts"
import type { StandardStreams } from "../../StandardStreams.ts"
import type { Invocation } from "../commandSpec.ts"
import { loginOptions, targetFlags, vastClient } from "../machine.ts"
import { findIdentities } from "./identities.ts"

type Client = VastClient["Service"]

export type InstanceStage = "api" | "keys" | "status" | "ports"

/** What is at fault, in a word. */
export type Cause = "account" | "firewall" | "host key" | "instance" | "key" | "timing"

/** Runs a stage, reports it, and answers how it failed. */
export type Probe = <A, E extends Failure, R>(
  name: InstanceStage,
  effect: Effect.Effect<A, E, R>,
  tell: (value: A) => string
) => Effect.Effect<E | undefined, Failure, R | StandardStreams>

/** Something that is wrong, and who is at fault. */
export interface Finding {
  readonly cause: Cause
  readonly failure: Failure
}

/** What was found of the instance. */
export interface Checked {
  readonly findings: ReadonlyArray<Finding>
  /** Whether the instance knows a key that is at hand. */
  readonly isKeyAttached: boolean
  /** Whether there is a way to try: an instance that runs, and an address of it that answers. */
  readonly isReachable: boolean
}

const fingerprintOf = ({ public_key }: SshKey): ReadonlyArray<string> => {
  const parsed = SshPublicKey.parse(public_key, { source: "vast" })
  return Result.isSuccess(parsed) ? [SshPublicKey.fingerprint(parsed.success.blob)] : []
}

const noKey = (identities: ReadonlyArray<Identity>, searched: ReadonlyArray<string>) =>
  ProvisionError.make(
    identities.length === 0
      ? new ProvisionError.NoIdentity({ searched })
      : new ProvisionError.IdentityUnusable({
          problems: identities.flatMap(({ path, problem }) =>
            problem === undefined ? [] : [{ path, problem: problem.message, fix: problem.fix }]
          )
        })
  )

const checkKeys = Effect.fnUntraced(function* (invocation: Invocation, client: Client, id: number) {
  const { passphrase } = yield* loginOptions(invocation)
  const { identities, searched } = yield* findIdentities(targetFlags(invocation).identityFiles ?? [], passphrase)
  const usable = identities.filter(({ problem }) => problem === undefined)
  const first = usable[0]
  if (first === undefined) return yield* noKey(identities, searched)
  const [attached, registered] = yield* Effect.all([client.instanceKeys.list(id), client.sshKeys.list], {
    concurrency: 2
  })
  const instanceKeys = attached.flatMap(fingerprintOf)
  const accountKeys = registered.flatMap(fingerprintOf)
  const known = usable.find(({ fingerprint }) => instanceKeys.includes(fingerprint))
  if (known !== undefined) return { isAttached: true, detail: `${known.path} is attached to the instance` }
  const owned = usable.find(({ fingerprint }) => accountKeys.includes(fingerprint))
  if (owned !== undefined) {
    const detail = `${owned.path} is registered with the account, not attached to the instance`
    return { isAttached: false, detail }
  }
  const { fingerprint, path } = first
  return yield* ProvisionError.make(
    new ProvisionError.KeyNotRegistered({ instance: id, path, fingerprint, instanceKeys, accountKeys })
  )
})

/** Why an instance does not run; `undefined` for one that does. */
const whyNotRunning = (instance: Instance): Failure | undefined => {
  const failed = InstanceWait.failureNow(instance)
  if (failed !== undefined && failed.why !== "stopped") return VastError.make(failed)
  const { actual_status, id, intended_status, status_msg } = instance
  if (actual_status !== "running" || intended_status !== "stopped") return VastMachine.notRunning(instance)
  const detail = (status_msg ?? "").slice(0, 600)
  return MachineError.make(
    new MachineError.NotRunning({ instance: id, status: "running, about to stop", isStarting: false, detail })
  )
}

/** A call that failed: the account's key, what it was about, or the way to the service. */
const causeOfApi = ({ reason }: VastError.VastError): Cause => {
  switch (reason._tag) {
    case "NotFound":
    case "Gone":
    case "InstanceFailed":
      return "instance"
    case "Transport":
      return "firewall"
    case "RateLimited":
    case "ServerError":
      return "timing"
    default:
      return "account"
  }
}

const causeOfStatus = (failure: Failure): Cause => {
  if (failure._tag === "VastError") return causeOfApi(failure)
  return failure._tag === "MachineError" && failure.reason._tag === "NotRunning" && failure.reason.isStarting
    ? "timing"
    : "instance"
}

const silent = new Set(["filtered", "unreachable"])

/** Runs the stages. Only what can't be asked of an instance that is not there, or does not run, is left out. */
export const checkInstance = Effect.fnUntraced(function* (
  invocation: Invocation,
  id: number,
  probe: Probe,
  probePort: ProvisionAccess["Service"]["probe"]
) {
  const findings: Array<Finding> = []
  let isKeyAttached = false
  let isReachable = false
  const checked = (): Checked => ({ findings, isKeyAttached, isReachable })
  const client = yield* yield* vastClient

  const api = yield* probe("api", client.user, ({ username, id }) => `the key is of ${username ?? `user ${id}`}`)
  if (api !== undefined) {
    findings.push({ cause: causeOfApi(api), failure: api })
    return checked()
  }

  const keys = yield* probe(
    "keys",
    Effect.tap(checkKeys(invocation, client, id), ({ isAttached }) =>
      Effect.sync(() => {
        isKeyAttached = isAttached
      })
    ),
    ({ detail }) => detail
  )
  if (keys !== undefined) findings.push({ cause: keys._tag === "VastError" ? causeOfApi(keys) : "key", failure: keys })

  let addresses: ReadonlyArray<SshAddress> = []
  const status = yield* probe(
    "status",
    Effect.gen(function* () {
      const instance = yield* client.instances.show(id)
      addresses = sshAddresses(instance)
      const failure = whyNotRunning(instance)
      if (failure !== undefined) return yield* failure
      const { actual_status, status_msg } = instance
      return `${actual_status ?? "unknown"}${status_msg === null || status_msg === "" ? "" : `: ${status_msg.slice(0, 200)}`}`
    }),
    (detail) => detail
  )
  if (status !== undefined) {
    findings.push({ cause: causeOfStatus(status), failure: status })
    return checked()
  }

  const ports = yield* probe(
    "ports",
    Effect.gen(function* () {
      const probed = yield* Effect.forEach(
        addresses,
        (address) => Effect.map(probePort(address), (report) => ({ ...address, ...report })),
        { concurrency: "unbounded" }
      )
      if (probed.some(({ state }) => state === "open")) {
        return probed.map(({ host, kind, port, state }) => `${kind} ${host}:${port} ${state}`).join(", ")
      }
      if (probed.length === 0) return yield* ProvisionError.make(new ProvisionError.NoAddress({ instance: id }))
      return yield* ProvisionError.make(
        probed.every(({ state }) => silent.has(state))
          ? new ProvisionError.PortFiltered({ instance: id, probed })
          : new ProvisionError.PortClosed({ probed, waitedMs: 0 })
      )
    }),
    (detail) => detail
  )
  isReachable = ports === undefined
  if (ports !== undefined) findings.push({ cause: causeOfPorts(ports), failure: ports })
  return checked()
})

const causeOfPorts = ({ reason }: ProvisionError.ProvisionError): Cause => {
  switch (reason._tag) {
    case "JumpFailed":
      return causeOfLogin(reason.kind, false)
    case "NoAddress":
      return "instance"
    case "PortClosed":
      return "timing"
    default:
      return "firewall"
  }
}

/**
 * What has to be mended before the others matter comes first: an instance that does not run, then the way to it, then the
 * key. What time alone mends is last.
 */
const order: ReadonlyArray<Cause> = ["account", "instance", "firewall", "host key", "key", "timing"]

/** The finding to begin with. */
export const decisive = (findings: ReadonlyArray<Finding>): Finding | undefined =>
  findings.toSorted((left, right) => order.indexOf(left.cause) - order.indexOf(right.cause))[0]

/** What a login that failed after all that says of the cause. */
export const causeOfLogin = (tag: string, isKeyAttached: boolean): Cause => {
  switch (tag) {
    case "AuthRejected":
      // A key that is attached is put in place within two minutes.
      return isKeyAttached ? "timing" : "key"
    case "HostKeyChanged":
    case "HostKeyUnknown":
    case "HostKeyRevoked":
      return "host key"
    case "ConnectTimeout":
    case "HostUnreachable":
      return "firewall"
    case "ConnectionRefused":
    case "ConnectionClosed":
    case "NotRunning":
      return "timing"
    default:
      return tag.startsWith("Key") ? "key" : "instance"
  }
}
