/** A refusal as it goes over the wire: the document that the command line prints for a failure. */
import { Schema, SchemaTransformation } from "effect"
import { Outcome } from "@toehold/shell/Outcome"
import * as reasons from "./reason.ts"

export interface RefusalDocument {
  readonly error: {
    readonly reason: string
    readonly message: string
    readonly fix: string
    readonly isRetryable: boolean
    readonly outcome: Outcome
    readonly details: unknown
  }
}

const notDetails = new Set(["_tag", "outcome", "isRetryable", "message", "stack", "name", "cause"])

/** The document of a refusal. */
export const of = (refusal: reasons.Refusal): RefusalDocument => {
  const { _tag: reason, fix, isRetryable, message, outcome } = refusal
  const details = Object.fromEntries(Object.entries(refusal).filter(([name]) => !notDetails.has(name)))
  return { error: { reason, message, fix, isRetryable, outcome, details } }
}

const statuses = {
  InvalidRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  Conflict: 409,
  PayloadTooLarge: 413,
  UnsupportedMediaType: 415,
  RateLimited: 429,
  ServerFailed: 500,
  Unavailable: 503
} as const

/** The status of the answer that carries a refusal. */
export const statusOf = (refusal: reasons.Refusal): number => statuses[refusal._tag]

/** A reason's class, of which the details are the fields. */
type ReasonClass<A> = Schema.Codec<A, unknown> & (new (details: never) => A) & { readonly fields: Schema.Struct.Fields }

/** A reason as what an endpoint may fail with: the document in the answer, the class in programs. */
const overTheWire = <A extends reasons.Refusal>(
  reason: ReasonClass<A>,
  tag: A["_tag"]
): Schema.Codec<A, RefusalDocument> => {
  const { _tag, ...fields } = reason.fields
  // Every schema has a constructor of its own in its type; this is the one that the class has.
  const Reason: new (details: never) => A = reason
  const document = Schema.Struct({
    error: Schema.Struct({
      reason: Schema.Literal(tag),
      message: Schema.String,
      fix: Schema.String,
      isRetryable: Schema.Boolean,
      outcome: Outcome,
      details: Schema.Struct(fields)
    })
  })
  const codec = document.pipe(
    Schema.decodeTo(
      Schema.toType(reason),
      SchemaTransformation.transform<A, typeof document.Type>({
        // Both are checked by the schemas on either side, which the compiler can't follow.
        decode: ({ error }): A => new Reason(error.details as never),
        encode: (refusal) => of(refusal) as typeof document.Type
      })
    )
  )
  const annotated = codec.annotate({ identifier: tag, httpApiStatus: statuses[tag] })
  // The fields of a reason need no services.
  return annotated as unknown as Schema.Codec<A, RefusalDocument>
}

export const InvalidRequest = overTheWire(reasons.InvalidRequest, "InvalidRequest")
export const Unauthorized = overTheWire(reasons.Unauthorized, "Unauthorized")
export const Forbidden = overTheWire(reasons.Forbidden, "Forbidden")
export const NotFound = overTheWire(reasons.NotFound, "NotFound")
export const Conflict = overTheWire(reasons.Conflict, "Conflict")
export const PayloadTooLarge = overTheWire(reasons.PayloadTooLarge, "PayloadTooLarge")
export const UnsupportedMediaType = overTheWire(reasons.UnsupportedMediaType, "UnsupportedMediaType")
export const RateLimited = overTheWire(reasons.RateLimited, "RateLimited")
export const ServerFailed = overTheWire(reasons.ServerFailed, "ServerFailed")
export const Unavailable = overTheWire(reasons.Unavailable, "Unavailable")
