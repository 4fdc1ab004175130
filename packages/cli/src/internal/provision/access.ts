/** What provisioning needs of SSH, by this program's own. */
import { Effect, type FileSystem, type Path, type Scope } from "effect"
import { ChildProcessSpawner } from "effect/process"
import * as ProvisionAccess from "@toehold/bootstrap-service/ProvisionAccess"
import { InstanceMemory } from "@toehold/machines/InstanceMemory"
import * as VastMachine from "@toehold/machines/VastMachine"
import { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import * as HostKeys from "@toehold/ssh-core/HostKeys"
import { SshClient } from "@toehold/ssh-core/SshClient"
import type * as SshError from "@toehold/ssh-core/SshError"
import * as SshFiles from "@toehold/ssh-core/SshFiles"
import * as SshLogin from "@toehold/ssh-core/SshLogin"
import * as SshPool from "@toehold/ssh-core/SshPool"
import * as SshProcess from "@toehold/ssh-core/SshProcess"
import type { Invocation } from "../commandSpec.ts"
import { loginOptions, targetFlags } from "../machine.ts"
import { agentPath, findIdentities } from "./identities.ts"
import { makeProbe } from "./probe.ts"

type Needs = FileSystem.FileSystem | Path.Path | ClientPlatform | ChildProcessSpawner.ChildProcessSpawner

const loginFailure = (error: SshError.SshError): ProvisionAccess.LoginFailure => {
  const { fix, isRetryable, message, reason } = error
  switch (reason._tag) {
    case "AuthRejected":
      return {
        _tag: "Denied",
        message,
        tried: reason.attempts.flatMap(({ fingerprint }) => (fingerprint === undefined ? [] : [fingerprint]))
      }
    case "HostKeyChanged":
      return { _tag: "HostKeyChanged", message }
    case "ConnectionRefused":
    case "ConnectTimeout":
    case "ConnectionClosed":
    case "ConnectionLost":
    case "HostUnreachable":
    case "DnsFailed":
    case "NotSsh":
      return { _tag: "Unreachable", message }
    default:
      return { _tag: "Other", kind: reason._tag, message, fix, isRetryable, cause: error }
  }
}

/** The service, for the flags of a call; its connections are closed with the scope of each login. */
export const makeAccess = Effect.fnUntraced(function* (invocation: Invocation, id: number) {
  const context = yield* Effect.context<Needs>()
  const platform = yield* ClientPlatform
  const memory = yield* InstanceMemory
  // One command after the other: each finds a session that was opened while the one before it ran.
  const login = { ...(yield* loginOptions(invocation)), spareSessions: 2 }
  const flags = targetFlags(invocation)

  const targetOf = ({ address, identity, instance }: ProvisionAccess.LoginRequest) =>
    Effect.fromResult(
      VastMachine.route(
        instance,
        address,
        identity.path.startsWith(agentPath)
          ? { ...flags, identityFiles: [] }
          : {
              ...flags,
              identityFiles: [identity.path],
              // A server counts every key that it is offered.
              options: [...(flags.options ?? []), "IdentitiesOnly=yes"]
            },
        { platform }
      )
    )

  const forget = Effect.fnUntraced(function* (target: Parameters<typeof SshLogin.resolve>[0]) {
    const resolved = yield* SshLogin.resolve(target, login)
    const hosts = yield* HostKeys.make(resolved.hostKeys)
    const { host, hostKeyAlias, port } = resolved.client
    yield* hosts.forget({ host, port: port ?? 22, alias: hostKeyAlias })
  })

  const enter = Effect.fnUntraced(function* (
    request: ProvisionAccess.LoginRequest
  ): Effect.fn.Return<ProvisionAccess.OpenMachine, SshError.SshError, Scope.Scope | Needs> {
    const { target } = yield* targetOf(request)
    if (request.renewHostKey) yield* forget(target)
    const pool = yield* SshPool.make()
    const ssh = yield* pool.client(target, login)
    const processes = yield* Effect.provideService(SshProcess.make, SshClient, ssh)
    const files = yield* SshFiles.make().pipe(
      Effect.provideService(SshClient, ssh),
      Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, processes)
    )
    return { processes, files }
  })

  return ProvisionAccess.ProvisionAccess.of({
    identities: findIdentities(flags.identityFiles ?? [], login.passphrase).pipe(Effect.provideContext(context)),
    probe: yield* makeProbe(invocation, id),
    login: (request) => enter(request).pipe(Effect.mapError(loginFailure), Effect.provide(context)),
    remembered: memory.recall,
    remember: memory.keep
  })
})
