import { Effect, Redacted, Result, Schema } from "effect"
import { ApiKey, SshKey, Template, User, Volume } from "../Account.ts"
import { Offer, toBody } from "../Offer.ts"
import * as VastError from "../VastError.ts"
import type { AccountCalls } from "./calls.ts"
import { decode } from "./answer.ts"
import { listOrString } from "./field.ts"
import type { ApiRequest, Transport } from "./transport.ts"

const KeyList = Schema.Struct({ ssh_keys: listOrString(SshKey) })
const KeyMade = Schema.Struct({ key: SshKey })
const Offers = Schema.Struct({ offers: Schema.Union([Schema.Array(Offer), Offer]) })
const GpuNames = Schema.Struct({ gpu_names: Schema.Array(Schema.String) })
const Secrets = Schema.Struct({
  secrets: Schema.Record(Schema.String, Schema.RedactedFromValue(Schema.String))
})
const ApiKeys = Schema.Struct({ apikeys: Schema.Array(ApiKey) })
const ApiKeyMade = Schema.Struct({
  id: Schema.Int,
  key: Schema.RedactedFromValue(Schema.String.check(Schema.isNonEmpty()))
})
const Templates = Schema.Struct({ templates: Schema.Array(Template) })
const Volumes = Schema.Struct({ volumes: Schema.Array(Volume) })

/** The service refuses a key that is there already, which is all that was wanted. */
const isDuplicate = ({ reason }: VastError.VastError): boolean =>
  reason._tag === "InvalidRequest" && /already (associated|attached|exists)/i.test(reason.detail)

/** SSH keys come as a list, as a list with a name, or as a string that holds a list. */
const keys = (transport: Transport, request: ApiRequest): Effect.Effect<ReadonlyArray<SshKey>, VastError.VastError> =>
  Effect.flatMap(transport.json(request), (body) => {
    const asked = transport.askedOf(request)
    const decoded = Array.isArray(body)
      ? decode(asked, Schema.Array(SshKey), body)
      : Result.map(decode(asked, KeyList, body), ({ ssh_keys }) => ssh_keys)
    return Effect.fromResult(Result.mapError(decoded, VastError.make))
  })

const read = (path: string, query: Readonly<Record<string, string>> = {}): ApiRequest => ({
  method: "GET",
  path,
  query,
  isIdempotent: true
})
const instance = (id: number) => ({ id, what: `instance ${id}` })

export const make = (transport: Transport): AccountCalls => {
  const changeEnv = (method: "POST" | "PUT", name: string, value: Redacted.Redacted) =>
    Effect.asVoid(
      transport.json({
        method,
        path: "/api/v0/secrets/",
        body: { key: name, value: Redacted.value(value) },
        what: `environment variable ${name}`,
        isIdempotent: method === "PUT",
        secrets: [Redacted.value(value)]
      })
    )

  return {
    user: transport.decoded(read("/api/v0/users/current"), User),
    sshKeys: {
      list: keys(transport, read("/api/v0/ssh/")),
      create: (publicKey) =>
        Effect.map(
          transport.decoded(
            { method: "POST", path: "/api/v0/ssh/", body: { ssh_key: publicKey }, isIdempotent: false },
            KeyMade
          ),
          ({ key }) => key
        ),
      update: (id, publicKey) =>
        Effect.asVoid(
          transport.json({
            method: "PUT",
            path: "/api/v0/ssh/{id}/",
            id,
            what: `SSH key ${id}`,
            body: { ssh_key: publicKey },
            isIdempotent: true
          })
        ),
      remove: (id) =>
        Effect.asVoid(
          transport.json({
            method: "DELETE",
            path: "/api/v0/ssh/{id}/",
            id,
            what: `SSH key ${id}`,
            body: {},
            isIdempotent: true
          })
        )
    },
    instanceKeys: {
      list: (id) => keys(transport, { ...read("/api/v0/instances/{id}/ssh/"), ...instance(id) }),
      attach: (id, publicKey) =>
        transport
          .json({
            method: "POST",
            path: "/api/v0/instances/{id}/ssh/",
            ...instance(id),
            body: { ssh_key: publicKey },
            isIdempotent: true
          })
          .pipe(
            Effect.as("attached" as const),
            Effect.catchIf(isDuplicate, () => Effect.succeed("already-attached" as const))
          ),
      detach: (id, key) =>
        Effect.asVoid(
          transport.json({
            method: "DELETE",
            path: `/api/v0/instances/{id}/ssh/{key}/`,
            ...instance(id),
            key,
            body: {},
            isIdempotent: true
          })
        )
    },
    offers: {
      search: (query = {}) =>
        Effect.map(
          transport.decoded(
            { method: "POST", path: "/api/v0/bundles/", body: toBody(query), isIdempotent: true },
            Offers
          ),
          ({ offers }) => ("id" in offers ? [offers] : offers)
        ),
      gpuNames: Effect.map(transport.decoded(read("/api/v0/gpu_names/unique/"), GpuNames), ({ gpu_names }) => gpu_names)
    },
    envVars: {
      list: Effect.map(transport.decoded(read("/api/v0/secrets/"), Secrets), ({ secrets }) => secrets),
      create: (name, value) => changeEnv("POST", name, value),
      update: (name, value) => changeEnv("PUT", name, value),
      remove: (name) =>
        Effect.asVoid(
          transport.json({
            method: "DELETE",
            path: "/api/v0/secrets/",
            body: { key: name },
            what: `environment variable ${name}`,
            isIdempotent: true
          })
        )
    },
    apiKeys: {
      list: Effect.map(transport.decoded(read("/api/v0/auth/apikeys/"), ApiKeys), ({ apikeys }) => apikeys),
      create: (name, { keyParams, permissions } = {}) =>
        transport.decoded(
          {
            method: "POST",
            path: "/api/v0/auth/apikeys/",
            body: {
              name,
              ...(permissions === undefined ? {} : { permissions }),
              ...(keyParams === undefined ? {} : { key_params: keyParams })
            },
            what: `API key ${name}`,
            isIdempotent: false
          },
          ApiKeyMade
        ),
      remove: (id) =>
        Effect.asVoid(
          transport.json({
            method: "DELETE",
            path: "/api/v0/auth/apikeys/{id}/",
            id,
            what: `API key ${id}`,
            body: {},
            isIdempotent: true
          })
        )
    },
    templates: (filters = {}) =>
      Effect.map(
        transport.decoded(
          read("/api/v0/template/", { select_cols: '["*"]', select_filters: JSON.stringify(filters) }),
          Templates
        ),
        ({ templates }) => templates
      ),
    volumes: Effect.map(
      transport.decoded(read("/api/v0/volumes", { owner: "me", type: "all_volume" }), Volumes),
      ({ volumes }) => volumes
    )
  }
}
