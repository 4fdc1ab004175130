/** The stages of `toehold doctor vast:ID` before those of SSH: the API, the keys, the instance's status, its ports. */
import { Effect, Result } from "effect"
import * as ProvisionError from "@toehold/bootstrap-service/ProvisionError"
import type { Identity } from "@toehold/bootstrap-service/ProvisionAccess"
import * as SshPublicKey from "@toehold/ssh-core/SshPublicKey"
import type { SshKey } from "@toehold/vast-api/Account"
import { type SshAddress, sshAddresses } from "@toehold/vast-api/Instance"
import type { Failure } from "../../FailureDocument.ts"
import type { StandardStreams } from "../../StandardStreams.ts"
import type { Invocation } from "../commandSpec.ts"
import { loginOptions, targetFlags, vastClient } from "../machine.ts"
import { findIdentities } from "./identities.ts"
import { probePort } from "./probe.ts"

export type InstanceStage = "api" | "keys" | "status" | "ports"

/** What is at fault, in a word. */
export type Cause = "account" | "firewall" | "host key" | "instance" | "key" | "timing"

/** Runs a stage, reports it, and answers how it failed. */
export type Probe = <A, E extends Failure, R>(
  name: InstanceStage,
  effect: Effect.Effect<A, E, R>,
  tell: (value: A) => string
) => Effect.Effect<E | undefined, Failure, R | StandardStreams>

/** What is wrong with the instance; and if nothing is, whether it knows a key that is at hand. */
export interface Checked {
  readonly failure: Failure | undefined
  readonly cause: Cause | undefined
  readonly isKeyAttached: boolean
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

export const checkInstance = Effect.fnUntraced(function* (invocation: Invocation, id: number, probe: Probe) {
  let isKeyAttached = false
  const end = (failure: Failure | undefined, cause: Cause): Checked => ({
    failure,
    cause: failure === undefined ? undefined : cause,
    isKeyAttached
  })
  const { passphrase } = yield* loginOptions(invocation)
  const client = yield* yield* vastClient

  const api = yield* probe("api", client.user, ({ username, id }) => `the key is of ${username ?? `user ${id}`}`)
  if (api !== undefined) return end(api, "account")

  const keys = yield* probe(
    "keys",
    Effect.gen(function* () {
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
      isKeyAttached = known !== undefined
      if (known !== undefined) return `${known.path} is attached to the instance`
      const owned = usable.find(({ fingerprint }) => accountKeys.includes(fingerprint))
      if (owned !== undefined) return `${owned.path} is registered with the account, not attached to the instance`
      const { fingerprint, path } = first
      return yield* ProvisionError.make(
        new ProvisionError.KeyNotRegistered({ instance: id, path, fingerprint, instanceKeys, accountKeys })
      )
    }),
    (detail) => detail
  )
  if (keys !== undefined) return end(keys, "key")

  let addresses: ReadonlyArray<SshAddress> = []
  const status = yield* probe(
    "status",
    Effect.gen(function* () {
      const { actual_status, intended_status, status_msg, ...instance } = yield* client.instances.show(id)
      addresses = sshAddresses(instance)
      if (actual_status === "running" && intended_status !== "stopped") {
        return `running${status_msg === null || status_msg === "" ? "" : `: ${status_msg.slice(0, 200)}`}`
      }
      const now = `${actual_status ?? "no status yet"}, wanted ${intended_status ?? "unknown"}`
      return yield* ProvisionError.make(new ProvisionError.InstanceStopped({ instance: id, status: now }))
    }),
    (detail) => detail
  )
  if (status !== undefined) return end(status, "instance")

  const probed = yield* Effect.forEach(
    addresses,
    (address) => Effect.map(probePort(address), (report) => ({ ...address, ...report })),
    { concurrency: "unbounded" }
  )
  const words = probed.map(({ host, kind, port, state }) => `${kind} ${host}:${port} ${state}`).join(", ")
  const isSilent = probed.every(({ state }) => state === "filtered" || state === "unreachable")
  const failure =
    addresses.length === 0
      ? new ProvisionError.NoAddress({ instance: id })
      : isSilent
        ? new ProvisionError.PortFiltered({ probed })
        : new ProvisionError.PortClosed({ probed, waitedMs: 0 })
  const ports = yield* probe(
    "ports",
    probed.some(({ state }) => state === "open") ? Effect.succeed(words) : Effect.fail(ProvisionError.make(failure)),
    (detail) => detail
  )
  return end(ports, addresses.length === 0 ? "instance" : isSilent ? "firewall" : "timing")
})

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
