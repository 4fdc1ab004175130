import { Result, Schema, SchemaIssue } from "effect"
import { oneLine } from "@toehold/shell/RemoteText"
import * as Reason from "./reason.ts"
import type { Reason as AnyReason } from "../VastError.ts"

/** What a request asked for, in words for its errors. */
export interface Asked {
  /** `GET /api/v0/instances/{id}/`: no ids, no secrets. */
  readonly call: string
  /** `instance 41000001`, where the request is about one thing. */
  readonly what?: string
  readonly offer?: number
  /** What must not show in an error, whoever repeats it. */
  readonly secrets: ReadonlyArray<string>
}

/** An answer as it came. */
export interface Received {
  readonly status: number
  readonly text: string
  readonly retryAfter?: string | undefined
}

/** Words of the service's: on one line, short, and without the secrets that it was given. */
export const quote = (asked: Asked, text: string, maxLength = 600): string => {
  const hidden = asked.secrets
    .filter((secret) => secret.length >= 4)
    .reduce((text, secret) => text.replaceAll(secret, "<redacted>"), text)
  const line = oneLine(hidden).trim()
  return line.length <= maxLength ? line : `${line.slice(0, maxLength)}…`
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const textOf = (value: unknown): string => (typeof value === "string" ? value : "")

/** The field that the service's words begin with or put in quotes, such as `q.gpu_name: Input should be …`. */
const fieldOf = (detail: string): string | undefined =>
  /^(?:q\.|body\.)?([A-Za-z_][\w.]{0,80}): /.exec(detail)?.[1] ?? /'([A-Za-z_]\w{0,80})' is required/.exec(detail)?.[1]

const intervalOf = (detail: string, retryAfter: string | undefined): number | undefined => {
  const written = /threshold\s{0,3}=\s{0,3}(\d{1,4}(?:\.\d{1,6})?)/.exec(detail)?.[1] ?? retryAfter
  return written !== undefined && /^\d{1,4}(\.\d{1,6})?$/.test(written) ? Number(written) : undefined
}

/** The reason for an answer that is a refusal or a failure, by its words first: the service's statuses vary. */
const refusal = (asked: Asked, received: Received, body: unknown): AnyReason => {
  const { call } = asked
  const { status } = received
  const fields = isRecord(body) ? body : {}
  const error = quote(asked, textOf(fields["error"]), 100)
  const words = textOf(fields["msg"]) || textOf(fields["message"]) || textOf(fields["detail"])
  // A page of HTML says nothing that the status does not.
  const raw = body === undefined && !/^\s*</.test(received.text) ? received.text : ""
  const detail = quote(asked, words || raw)
  const contract = fields["new_contract"]
  if (typeof contract === "number" && Number.isSafeInteger(contract) && contract > 0) {
    return new Reason.BilledButFailed({ call, detail, contract })
  }
  if (status === 429) {
    const interval = intervalOf(detail, received.retryAfter)
    return new Reason.RateLimited({ call, detail, ...(interval === undefined ? {} : { interval }) })
  }
  if (status >= 500) return new Reason.ServerError({ call, detail, status })
  if (/two.?factor|\b2fa\b|\btfa\b/i.test(`${error} ${detail}`)) return new Reason.TwoFactorRequired({ call, detail })
  if (error === "auth_error" || status === 401) return new Reason.Unauthorized({ call, detail })
  if (status === 403) return new Reason.Forbidden({ call, detail })
  if (asked.offer !== undefined && /\bno_such_ask\b/.test(`${error} ${detail}`)) {
    return new Reason.NoSuchOffer({ call, detail, offer: asked.offer })
  }
  if (status === 404 || /^(no_such_\w+|not_found)$/.test(error)) {
    return new Reason.NotFound({ call, detail, what: asked.what ?? "such thing" })
  }
  if (status === 410) return new Reason.Gone({ call, detail })
  if (status >= 300 && status < 400) {
    return new Reason.InvalidResponse({ call, path: "", detail: `a redirection (status ${status})` })
  }
  const field = fieldOf(detail)
  return new Reason.InvalidRequest({ call, detail, error, ...(field === undefined ? {} : { field }) })
}

/** The JSON of an answer that says yes, or the reason why it does not. */
export const read = (asked: Asked, received: Received): Result.Result<unknown, AnyReason> => {
  const parsed = Result.try((): unknown => JSON.parse(received.text))
  const body = Result.getOrUndefined(parsed)
  const isYes = received.status >= 200 && received.status < 300
  if (!isYes || (isRecord(body) && body["success"] === false)) return Result.fail(refusal(asked, received, body))
  return Result.isSuccess(parsed)
    ? Result.succeed(body)
    : Result.fail(new Reason.InvalidResponse({ call: asked.call, path: "", detail: "it is not JSON" }))
}

// The usual texts quote the value at fault, which may be a secret.
const expectation = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) => (issue._tag === "MissingKey" ? "it is missing" : "it is not what it should be"),
  checkHook: () => "it is out of bounds"
})

/** The value in its shape, or the reason that names the path of the first thing that does not fit. */
export const decode = <S extends Schema.ConstraintDecoder<unknown>>(
  asked: Asked,
  schema: S,
  value: unknown,
  at: ReadonlyArray<string> = []
): Result.Result<S["Type"], AnyReason> =>
  Result.mapError(Schema.decodeUnknownResult(schema)(value), ({ issue }) => {
    const [first] = [...expectation(issue).issues].sort((a, b) => (b.path?.length ?? 0) - (a.path?.length ?? 0))
    const path = (first?.path ?? []).map((part) => String(typeof part === "object" ? part.key : part))
    return new Reason.InvalidResponse({
      call: asked.call,
      path: quote(asked, [...at, ...path].join("."), 200),
      detail: first?.message ?? ""
    })
  })
