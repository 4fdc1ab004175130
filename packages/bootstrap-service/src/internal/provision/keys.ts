/** The first two steps: a key to log in with, and that the instance knows it. */
import { Effect } from "effect"
import type { SshKey } from "@toehold/vast-api/Account"
import { VastClient } from "@toehold/vast-api/VastClient"
import type { Identity } from "../../ProvisionAccess.ts"
import { ProvisionAccess } from "../../ProvisionAccess.ts"
import * as ProvisionError from "../../ProvisionError.ts"
import { apiFailure } from "./apiFailure.ts"
import { fingerprintsOf } from "./fingerprint.ts"
import type { Reporter, StepResult } from "./runner.ts"

const fileName = (path: string): string => path.split(/[\\/]/).at(-1) ?? path

/** `id_vast` first, then what is shortest and fastest, then the rest. */
const rank = ({ keyType, path }: Identity): number =>
  (fileName(path).startsWith("id_vast") ? 0 : 2) + (keyType === "ssh-ed25519" ? 0 : 1)

/** Keys that can be used, best first. */
export const identity: Effect.Effect<
  StepResult<readonly [Identity, ...Array<Identity>]>,
  ProvisionError.ProvisionError,
  ProvisionAccess
> = Effect.gen(function* () {
  const { identities, searched } = yield* (yield* ProvisionAccess).identities
  const [first, ...others] = identities
    .filter(({ problem }) => problem === undefined)
    .toSorted((one, other) => rank(one) - rank(other))
  if (first !== undefined) {
    return { value: [first, ...others], detail: `${first.path} (${first.keyType} ${first.fingerprint})` }
  }
  const problems = identities.flatMap(({ path, problem }) =>
    problem === undefined ? [] : [{ path, problem: problem.message, fix: problem.fix }]
  )
  return yield* ProvisionError.make(
    problems.length === 0
      ? new ProvisionError.NoIdentity({ searched })
      : new ProvisionError.IdentityUnusable({ problems })
  )
})

export interface KnownKeys {
  readonly instanceKeys: ReadonlyArray<string>
  readonly accountKeys: ReadonlyArray<string>
}

const lines = (keys: ReadonlyArray<SshKey>): ReadonlyArray<string> => keys.map(({ public_key }) => public_key)

/** Fingerprints of the keys that the service has. */
export const knownKeys = Effect.fnUntraced(function* (instance: number) {
  const client = yield* VastClient
  const [attached, registered] = yield* Effect.all([client.instanceKeys.list(instance), client.sshKeys.list], {
    concurrency: 2
  })
  const known: KnownKeys = {
    instanceKeys: fingerprintsOf(lines(attached)),
    accountKeys: fingerprintsOf(lines(registered))
  }
  return known
})

/** The key to log in with: one that the instance knows, else one of the account's, else the best. */
export const registration = Effect.fnUntraced(function* (
  instance: number,
  identities: readonly [Identity, ...Array<Identity>],
  isAllowed: boolean,
  report: Reporter
): Effect.fn.Return<StepResult<Identity>, ProvisionError.ProvisionError, VastClient> {
  const client = yield* VastClient
  const failure = apiFailure("registration")
  const known = yield* Effect.mapError(knownKeys(instance), failure)
  const attached = identities.find(({ fingerprint }) => known.instanceKeys.includes(fingerprint))
  if (attached !== undefined) {
    return { value: attached, detail: `${attached.path} is attached to the instance`, skipped: true }
  }
  const registered = identities.find(({ fingerprint }) => known.accountKeys.includes(fingerprint))
  const chosen = registered ?? identities[0]
  if (!isAllowed) {
    if (registered !== undefined) {
      return {
        value: registered,
        detail: `${registered.path} is registered with the account, and not attached to the instance: --register attaches it`,
        skipped: true
      }
    }
    const { fingerprint, path } = chosen
    return yield* ProvisionError.make(new ProvisionError.KeyNotRegistered({ instance, path, fingerprint, ...known }))
  }
  yield* Effect.mapError(client.instanceKeys.attach(instance, chosen.publicKey), failure)
  yield* report.progress(`attached ${chosen.path} to the instance`)
  if (registered === undefined) {
    // The account's keys are for later instances; a team's account can't have any, and this one needs none.
    yield* client.sshKeys.create(chosen.publicKey).pipe(
      Effect.andThen(report.progress(`registered ${chosen.path} with the account`)),
      Effect.catchTag("VastError", (error) => report.progress(`not registered with the account: ${error.message}`))
    )
  }
  return { value: chosen, detail: `${chosen.path} is attached to the instance now` }
})
