import { Effect, Result } from "effect"
import * as HostKeys from "../HostKeys.ts"
import type { AlgorithmList } from "../SshConfig.ts"
import * as SshError from "../SshError.ts"
import * as SshPublicKey from "../SshPublicKey.ts"
import { applied } from "./algorithms.ts"
import type * as Handshake from "./handshake.ts"

/** What the handshake asks about the host key, answered by the {@link HostKeys.HostKeys} service. */
export const make = Effect.fnUntraced(function* (options: {
  readonly host: string
  readonly port: number
  readonly alias: string | undefined
  readonly algorithms: AlgorithmList | undefined
  readonly requiredRsaBits: number | undefined
}): Effect.fn.Return<
  Pick<Handshake.Options, "hostKeyAlgorithms" | "verifyHostKey" | "noKnownHostKey">,
  never,
  HostKeys.HostKeys
> {
  const hostKeys = yield* HostKeys.HostKeys
  const { alias, host, port } = options
  const name = alias === undefined ? { host, port } : { host, port, alias }
  return {
    hostKeyAlgorithms: Effect.fnUntraced(function* (supported) {
      const known = yield* hostKeys.knownTypes(name)
      const wanted = applied(options.algorithms, supported)
      const algorithms = HostKeys.serverHostKeyAlgorithms(known, wanted)
      if (algorithms.length === 0 && known.length > 0) return yield* hostKeys.changedBecauseNoKnownType(name)
      return algorithms
    }),
    verifyHostKey: Effect.fnUntraced(function* (key) {
      const parsed = SshPublicKey.fromBlob(key, { source: `the host key of ${host}` })
      const { requiredRsaBits } = options
      if (Result.isSuccess(parsed) && requiredRsaBits !== undefined) {
        const { bits, type } = parsed.success
        if (type === "ssh-rsa" && bits < requiredRsaBits) {
          const offered = [`ssh-rsa of at least ${requiredRsaBits} bits (RequiredRSASize)`]
          const serverOffers = [`ssh-rsa of ${bits} bits`]
          return yield* SshError.make(
            new SshError.NoCommonAlgorithm({ host, port, kind: "host-key", offered, serverOffers })
          )
        }
      }
      yield* hostKeys.verify({ ...name, key })
    }),
    noKnownHostKey: Effect.flatMap(hostKeys.knownTypes(name), (known) =>
      known.length === 0 ? Effect.void : hostKeys.changedBecauseNoKnownType(name)
    )
  }
})
