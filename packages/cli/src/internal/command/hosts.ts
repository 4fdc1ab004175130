/** `toehold hosts`: the host keys that are known. */
import { Effect } from "effect"
import * as Machine from "@toehold/machines/Machine"
import * as MachineError from "@toehold/machines/MachineError"
import * as VastName from "@toehold/machines/VastName"
import * as HostKeys from "@toehold/ssh-core/HostKeys"
import * as KnownHosts from "@toehold/ssh-core/KnownHosts"
import * as SshError from "@toehold/ssh-core/SshError"
import * as SshLogin from "@toehold/ssh-core/SshLogin"
import * as SshPublicKey from "@toehold/ssh-core/SshPublicKey"
import type * as SshTarget from "@toehold/ssh-core/SshTarget"
import * as ExitCode from "../../ExitCode.ts"
import type { Handler, Invocation } from "../commandSpec.ts"
import { locateInstance, loginOptions, readTarget, targetFlags, vastClient } from "../machine.ts"
import { plain, print, printJson } from "../print.ts"

const describe = (entry: KnownHosts.Entry) => ({
  hosts: entry.hosts,
  keyType: entry.keyType,
  fingerprint: SshPublicKey.fingerprint(entry.blob),
  marker: entry.marker ?? null,
  file: entry.file,
  line: entry.line,
  comment: entry.comment
})

const printEntry = ({ file, fingerprint, hosts, keyType, line, marker }: ReturnType<typeof describe>) =>
  print(`${marker === null ? "" : `@${marker} `}${plain(hosts)}  ${keyType} ${fingerprint}  ${plain(file)}:${line}\n`)

/** The host as known_hosts names it, and the service over the files that are read for it. */
const locate = Effect.fnUntraced(function* (invocation: Invocation, target: SshTarget.SshTarget) {
  const resolved = yield* SshLogin.resolve(target, { knownHostsFile: invocation.one("known-hosts") })
  const { hostKeyAlias: alias, hostName: host, port } = resolved.target
  const service = yield* HostKeys.make(resolved.hostKeys)
  return { service, host: alias === undefined ? { host, port } : { host, port, alias } }
})

/** All that a machine is known by. An instance has a key for each of its addresses, whatever they are now or were. */
const locateAll = Effect.fnUntraced(function* (invocation: Invocation, machine: string) {
  const id = VastName.idOf(machine)
  if (id === undefined) {
    const { host, service } = yield* locate(invocation, yield* readTarget(invocation, machine))
    return { service, hosts: [host] }
  }
  const [alias, ...more] = VastName.hostKeyAliases(id)
  const { host, service } = yield* locate(invocation, yield* Machine.target(alias, targetFlags(invocation)))
  return { service, hosts: [alias, ...more].map((alias) => ({ ...host, alias })) }
})

export const hostsList: Handler = (invocation) =>
  Effect.gen(function* () {
    const machine = invocation.arguments[0]
    const file = invocation.one("known-hosts")
    const entries =
      machine === undefined
        ? yield* Effect.flatMap(
            HostKeys.make(file === undefined ? {} : { userFiles: [file], globalFiles: [] }),
            (service) => service.list()
          )
        : yield* Effect.flatMap(locateAll(invocation, machine), ({ hosts, service }) =>
            Effect.map(Effect.forEach(hosts, service.list), (found) => found.flat())
          )
    const hosts = entries.map(describe)
    yield* invocation.has("json") ? printJson({ hosts }) : Effect.forEach(hosts, printEntry, { discard: true })
    return ExitCode.done
  })

/** Forgets all that a machine is known by. */
export const forgetKeys = Effect.fnUntraced(function* (invocation: Invocation, machine: string) {
  const { hosts, service } = yield* locateAll(invocation, machine)
  return { hosts, removed: (yield* Effect.forEach(hosts, service.forget)).flat().map(describe) }
})

export const hostsForget: Handler = (invocation) =>
  Effect.gen(function* () {
    const machine = invocation.argument(0)
    const { hosts, removed } = yield* forgetKeys(invocation, machine)
    if (invocation.has("json")) yield* printJson({ machine, removed })
    else if (removed.length === 0) yield* print(`${hosts.map(KnownHosts.hostName).join(", ")} was not known.\n`)
    else yield* Effect.forEach(removed, (entry) => Effect.andThen(print("forgotten  "), printEntry(entry)))
    return ExitCode.done
  })

/** Types to ask for, one after the other, when a machine should have a key with a certain fingerprint. */
const keyTypes = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"]

const typeOf = (key: Uint8Array): Effect.Effect<string, SshError.SshError> =>
  Effect.map(Effect.fromResult(SshPublicKey.fromBlob(key, { source: "the host key" })), ({ type }) => type)

/** The key that the machine shows, or of all its keys the one with the fingerprint that is demanded. */
const findKey = Effect.fnUntraced(function* (
  target: SshTarget.SshTarget,
  options: SshLogin.Options,
  wanted: string | undefined,
  isFresh: boolean
) {
  const show = (types?: ReadonlyArray<string>) =>
    Effect.scoped(SshLogin.showHostKey(target, { ...options, keyTypes: types }))
  if (wanted === undefined) return yield* show(isFresh ? [] : undefined)
  const first = yield* show([])
  if (SshPublicKey.fingerprint(first.key) === wanted) return first
  const firstType = yield* typeOf(first.key)
  for (const type of keyTypes.filter((type) => type !== firstType)) {
    const other = yield* show([type]).pipe(
      Effect.map((shown) => (SshPublicKey.fingerprint(shown.key) === wanted ? shown : undefined)),
      // A server without a key of this type.
      Effect.catchIf(
        ({ reason }) => reason._tag === "NoCommonAlgorithm" || reason._tag === "HostKeyChanged",
        () => Effect.undefined
      )
    )
    if (other !== undefined) return other
  }
  const { host, port } = first.host
  return yield* SshError.make(
    new SshError.HostKeyChanged({
      host,
      port,
      keyType: firstType,
      fingerprint: SshPublicKey.fingerprint(first.key),
      known: [{ keyType: "a key", fingerprint: wanted, file: "--fingerprint", line: 1 }]
    })
  )
})

/** Puts the key that the machine shows on file. */
const trustOne = Effect.fnUntraced(function* (
  invocation: Invocation,
  target: SshTarget.SshTarget,
  options: SshLogin.Options
) {
  const replace = invocation.has("replace")
  const { service } = yield* locate(invocation, target)
  const { host, key } = yield* findKey(target, options, invocation.one("fingerprint"), replace)
  // Keys of other types would still be asked for, and be missed: a machine that was rebuilt has lost them all.
  const before = replace ? yield* service.forget(host) : []
  const { status } = yield* service.trust({ ...host, key })
  const isOld = before.some((entry) => Buffer.from(entry.blob).equals(key))
  return {
    host: KnownHosts.hostName(host),
    keyType: yield* typeOf(key),
    fingerprint: SshPublicKey.fingerprint(key),
    status: isOld ? "known" : before.length > 0 ? "replaced" : status,
    removed: before.filter((entry) => !Buffer.from(entry.blob).equals(key)).map(describe)
  }
})

/** The keys of the addresses that answer; an instance has one for each. */
const trustInstance = Effect.fnUntraced(function* (invocation: Invocation, id: number, options: SshLogin.Options) {
  const { VastMachine, located } = yield* locateInstance(invocation, id, yield* vastClient)
  const attempts: Array<MachineError.Attempt> = []
  const trusted: Array<Effect.Success<ReturnType<typeof trustOne>>> = []
  for (const route of located.routes) {
    const tried = yield* Effect.result(trustOne(invocation, route.target, options))
    if (tried._tag === "Success") trusted.push(tried.success)
    else attempts.push(VastMachine.attemptOf(route, tried.failure))
  }
  if (trusted.length > 0) return trusted
  return yield* MachineError.make(new MachineError.RoutesFailed({ machine: VastName.nameOf(id), attempts }))
})

export const hostsTrust: Handler = (invocation) =>
  Effect.gen(function* () {
    const machine = invocation.argument(0)
    const wanted = invocation.one("fingerprint")
    if (wanted !== undefined && !/^SHA256:[A-Za-z0-9+/]{43}$/.test(wanted)) {
      return yield* invocation.usage(
        `--fingerprint ${wanted}: write it as ssh-keygen -l does, SHA256: and 43 characters.`
      )
    }
    const id = VastName.idOf(machine)
    const options = yield* loginOptions(invocation)
    const trusted =
      id === undefined
        ? [yield* trustOne(invocation, yield* readTarget(invocation, machine), options)]
        : yield* trustInstance(invocation, id, options)
    yield* invocation.has("json")
      ? printJson({ machine, ...(id === undefined ? trusted[0] : { keys: trusted }) })
      : Effect.forEach(trusted, ({ fingerprint, host, keyType, status }) =>
          print(`${host}  ${keyType} ${fingerprint}  ${status}\n`)
        )
    return ExitCode.done
  })
