import { Effect, Random, Redacted, Schedule, Schema } from "effect"
import type { Instance } from "../Instance.ts"
import * as VastError from "../VastError.ts"
import type { Created, CreateOptions } from "./calls.ts"
import { orNull } from "./field.ts"
import type { ApiRequest, Transport } from "./transport.ts"

const Answer = Schema.Struct({
  new_contract: Schema.Int.check(Schema.isGreaterThan(0)),
  instance_api_key: orNull(Schema.RedactedFromValue(Schema.String))
})

/** A label that no other create has: the one thing by which an instance is known whose id got lost. */
const markedLabel = (label: string | undefined): Effect.Effect<string> =>
  Effect.map(Random.nextIntBetween(0, 36 ** 8), (mark) => {
    const unique = `toehold-${mark.toString(36).padStart(8, "0")}`
    return label === undefined || label === "" ? unique : `${label} ${unique}`
  })

const plain = (value: string | Redacted.Redacted): string =>
  Redacted.isRedacted(value) ? Redacted.value(value) : value

const secretsOf = (options: CreateOptions): ReadonlyArray<string> =>
  [...Object.values(options.env ?? {}), options.onstart, options.imageLogin].flatMap((value) =>
    Redacted.isRedacted(value) ? [Redacted.value(value)] : []
  )

const bodyOf = (options: CreateOptions, label: string): Readonly<Record<string, unknown>> => ({
  client_id: "me",
  image: options.image ?? null,
  template_hash_id: options.template ?? null,
  disk: options.disk ?? 16,
  runtype: options.runtype ?? "ssh_direc ssh_proxy",
  env: Object.fromEntries(Object.entries(options.env ?? {}).map(([name, value]) => [name, plain(value)])),
  ...(options.onstart === undefined ? {} : { onstart: plain(options.onstart) }),
  image_login: options.imageLogin === undefined ? null : Redacted.value(options.imageLogin),
  label,
  price: options.price ?? null,
  force: false,
  cancel_unavail: options.waitForGpu !== true
})

/** Whether the answer leaves open what the service did. */
const isAmbiguous = ({ outcome, reason }: VastError.VastError): boolean =>
  outcome === "may-have-run" && reason._tag !== "CreateUnknown"

export const make =
  (
    transport: Transport,
    list: Effect.Effect<ReadonlyArray<Instance>, VastError.VastError>,
    lookAgain: Schedule.Schedule<unknown>
  ) =>
  (offer: number, options: CreateOptions): Effect.Effect<Created, VastError.VastError> =>
    Effect.gen(function* () {
      const label = yield* markedLabel(options.label)
      const request: ApiRequest = {
        method: "PUT",
        path: "/api/v0/asks/{id}/",
        id: offer,
        offer,
        what: `offer ${offer}`,
        body: bodyOf(options, label),
        isIdempotent: false,
        secrets: secretsOf(options)
      }
      const sent = transport.decoded(request, Answer).pipe(
        Effect.map((answer): Created => ({
          instance: answer.new_contract,
          label,
          apiKey: answer.instance_api_key ?? undefined,
          adopted: false
        }))
      )
      const unknown = (error: VastError.VastError): VastError.VastError =>
        VastError.make(
          new VastError.CreateUnknown({ call: transport.askedOf(request).call, detail: error.message, label })
        )
      // The list lags behind: that the label is not there yet proves nothing.
      const adopt = (error: VastError.VastError): Effect.Effect<Created, VastError.VastError> =>
        list.pipe(
          Effect.flatMap((instances) => {
            const mine = instances.find((instance) => instance.label === label)
            return mine === undefined
              ? Effect.fail(unknown(error))
              : Effect.succeed<Created>({ instance: mine.id, label, apiKey: undefined, adopted: true })
          }),
          Effect.retry(lookAgain),
          Effect.mapError(() => unknown(error))
        )
      return yield* Effect.catchIf(sent, isAmbiguous, adopt)
    })
