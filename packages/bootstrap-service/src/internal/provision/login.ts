/** The fifth step: a login, while the key may still be on its way into the container. */
import { Clock, Duration, Effect, type Scope } from "effect"
import { type Instance, markOf, type SshAddress } from "@toehold/vast-api/Instance"
import type { VastClient } from "@toehold/vast-api/VastClient"
import { type Identity, type OpenMachine, ProvisionAccess } from "../../ProvisionAccess.ts"
import * as ProvisionError from "../../ProvisionError.ts"
import { knownKeys, type KnownKeys } from "./keys.ts"
import type { Reporter, StepResult } from "./runner.ts"

export interface LoginOptions {
  /** How long a refused key may be on its way. Default: 2 minutes. */
  readonly injectionWindow?: Duration.Input | undefined
  /** Time between two attempts. Default: 15 seconds. */
  readonly retryEvery?: Duration.Input | undefined
  /** The user says that a changed host key is the instance's own. */
  readonly newHostKey?: boolean | undefined
}

const unknown: KnownKeys = { instanceKeys: [], accountKeys: [] }

export interface Entered {
  readonly machine: OpenMachine
  readonly address: SshAddress
}

const spell = ({ host, kind, port }: SshAddress): string => `${kind} ${host}:${port}`

export const login = Effect.fnUntraced(function* (
  instance: Instance,
  addresses: ReadonlyArray<SshAddress>,
  identity: Identity,
  options: LoginOptions,
  report: Reporter
): Effect.fn.Return<StepResult<Entered>, ProvisionError.ProvisionError, ProvisionAccess | VastClient | Scope.Scope> {
  const access = yield* ProvisionAccess
  const windowMs = Duration.toMillis(options.injectionWindow ?? "2 minutes")
  const every = Duration.fromInputUnsafe(options.retryEvery ?? "15 seconds")
  const { id } = instance
  const mark = markOf(instance)
  const renewHostKey = options.newHostKey === true
  let began: number | undefined
  let unreachable = ""
  for (let attempt = 0; ; attempt++) {
    const address = addresses[attempt % addresses.length]
    if (address === undefined) return yield* ProvisionError.make(new ProvisionError.NoAddress({ instance: id }))
    const entered = yield* Effect.result(access.login({ instance: id, address, identity, renewHostKey }))
    if (entered._tag === "Success") {
      yield* access.remember(id, mark)
      return { value: { machine: entered.success, address }, detail: `root at ${spell(address)}` }
    }
    const failure = entered.failure
    if (failure._tag === "Other") {
      const { cause, fix, isRetryable, kind, message } = failure
      return yield* ProvisionError.make(
        new ProvisionError.LoginFailed({ kind, detail: message, hint: fix, isRetryable, cause })
      )
    }
    if (failure._tag === "HostKeyChanged") {
      const before = yield* access.remembered(id)
      const wasMadeAnew = before !== undefined && before !== mark
      return yield* ProvisionError.make(
        new ProvisionError.HostKeyChanged({
          instance: id,
          address: spell(address),
          detail: failure.message,
          wasMadeAnew
        })
      )
    }
    const now = yield* Clock.currentTimeMillis
    began ??= now
    const waitedMs = now - began
    const leftMs = windowMs - waitedMs
    if (leftMs <= 0) {
      if (failure._tag === "Denied") {
        const known = yield* knownKeys(id).pipe(Effect.orElseSucceed(() => unknown))
        return yield* ProvisionError.make(
          new ProvisionError.LoginDenied({ address: spell(address), tried: failure.tried, ...known, waitedMs })
        )
      }
      return yield* ProvisionError.make(
        new ProvisionError.LoginFailed({
          kind: "Unreachable",
          detail: failure.message,
          hint: "Run the same again; if it stays, look at the way there with: toehold doctor.",
          isRetryable: true,
          cause: failure
        })
      )
    }
    const left = Math.ceil(leftMs / 1000)
    if (failure._tag === "Denied") {
      yield* report.progress(`the key is not in place yet at ${spell(address)}: trying again, for ${left} s at most`)
    } else if (failure.message !== unreachable) {
      unreachable = failure.message
      yield* report.progress(`${failure.message} Trying again, for ${left} s at most`)
    }
    // With several addresses each has its turn before the pause.
    if ((attempt + 1) % addresses.length === 0) {
      yield* Effect.sleep(Duration.min(every, Duration.millis(Math.max(1, leftMs))))
    }
  }
})
