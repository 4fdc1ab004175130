/** Why a call of the session API failed: what the server answers, and what its client can meet on the way. */
import { Schema } from "effect"
import { Outcome } from "@toehold/shell/Outcome"
import { oneLine } from "@toehold/shell/RemoteText"

/**
 * The request can't be understood or asks for something that is not allowed; each issue names the place (`payload.repoUrl`)
 * and what is wrong there. Nothing was done.
 *
 * @since 0.1.0
 * @category reasons
 */
export class InvalidRequest extends Schema.TaggedError<InvalidRequest>("@toehold/session-api/InvalidRequest")(
  "InvalidRequest",
  { issues: Schema.Array(Schema.Struct({ path: Schema.String, message: Schema.String })) },
  { httpApiStatus: 400 }
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    const issues = this.issues.map(({ message, path }) => (path === "" ? message : `${path}: ${message}`))
    return oneLine(`The request is not valid${issues.length === 0 ? "" : `: ${issues.join("; ")}`}.`)
  }
  get fix(): string {
    return "Correct the request; GET /openapi.json describes what each call takes."
  }
}

/**
 * The call has no bearer token, or one that is unknown, revoked or expired.
 *
 * @since 0.1.0
 * @category reasons
 */
export class Unauthorized extends Schema.TaggedError<Unauthorized>("@toehold/session-api/Unauthorized")(
  "Unauthorized",
  { detail: Schema.String },
  { httpApiStatus: 401 }
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(this.detail)
  }
  get fix(): string {
    return "Send an Authorization header with a token made by: api-worker token create NAME."
  }
}

/**
 * The token lacks the scope that the call needs.
 *
 * @since 0.1.0
 * @category reasons
 */
export class Forbidden extends Schema.TaggedError<Forbidden>("@toehold/session-api/Forbidden")(
  "Forbidden",
  { scope: Schema.String },
  { httpApiStatus: 403 }
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`The token has no scope ${this.scope}.`)
  }
  get fix(): string {
    return `Use a token with that scope: api-worker token create NAME --scope ${this.scope}.`
  }
}

/**
 * There is no such thing, or not for this caller: a session, a machine, a route.
 *
 * @since 0.1.0
 * @category reasons
 */
export class NotFound extends Schema.TaggedError<NotFound>("@toehold/session-api/NotFound")(
  "NotFound",
  { what: Schema.String },
  { httpApiStatus: 404 }
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`There is no ${this.what}.`)
  }
  get fix(): string {
    return "Check the name, and that the token belongs to the owner of what is asked for."
  }
}

/**
 * What is asked for does not fit the state of things: a retry of a session that did not fail, an id that is taken.
 *
 * @since 0.1.0
 * @category reasons
 */
export class Conflict extends Schema.TaggedError<Conflict>("@toehold/session-api/Conflict")(
  "Conflict",
  { detail: Schema.String, hint: Schema.String },
  { httpApiStatus: 409 }
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(this.detail)
  }
  get fix(): string {
    return this.hint
  }
}

/**
 * The request's body is longer than the server reads.
 *
 * @since 0.1.0
 * @category reasons
 */
export class PayloadTooLarge extends Schema.TaggedError<PayloadTooLarge>("@toehold/session-api/PayloadTooLarge")(
  "PayloadTooLarge",
  { limitBytes: Schema.Int },
  { httpApiStatus: 413 }
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return `The request's body is longer than ${this.limitBytes} bytes.`
  }
  get fix(): string {
    return "Send a smaller body."
  }
}

/**
 * The body is in a format that the call does not take.
 *
 * @since 0.1.0
 * @category reasons
 */
export class UnsupportedMediaType extends Schema.TaggedError<UnsupportedMediaType>(
  "@toehold/session-api/UnsupportedMediaType"
)("UnsupportedMediaType", { contentType: Schema.String }, { httpApiStatus: 415 }) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`The call does not take a body of type ${this.contentType}.`)
  }
  get fix(): string {
    return "Send JSON, with Content-Type: application/json."
  }
}

/**
 * The caller asks too often, or has as many streams of events open as one token may (`streams`). The same call may be made
 * after the time given, in milliseconds.
 *
 * @since 0.1.0
 * @category reasons
 */
export class RateLimited extends Schema.TaggedError<RateLimited>("@toehold/session-api/RateLimited")(
  "RateLimited",
  { retryAfterMs: Schema.Int, streams: Schema.optionalKey(Schema.Int) },
  { httpApiStatus: 429 }
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = true
  override get message(): string {
    return this.streams === undefined
      ? "There were too many requests in too short a time."
      : `The token has ${this.streams} streams of events open, as many as one may have.`
  }
  get fix(): string {
    const seconds = Math.max(1, Math.ceil(this.retryAfterMs / 1000))
    return this.streams === undefined
      ? `Wait ${seconds} s, and ask less often.`
      : `Close one of them, or wait ${seconds} s.`
  }
}

/**
 * The server failed in a way that it did not foresee. Its log has the rest under the request's id.
 *
 * @since 0.1.0
 * @category reasons
 */
export class ServerFailed extends Schema.TaggedError<ServerFailed>("@toehold/session-api/ServerFailed")(
  "ServerFailed",
  { requestId: Schema.String },
  { httpApiStatus: 500 }
) {
  readonly outcome: Outcome = "may-have-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`The server failed at request ${this.requestId}.`)
  }
  get fix(): string {
    return "Look whether the call did its work before you repeat it; the server's log has the cause under the request's id."
  }
}

/**
 * The server can't do it now: it is about to stop, or its database does not answer.
 *
 * @since 0.1.0
 * @category reasons
 */
export class Unavailable extends Schema.TaggedError<Unavailable>("@toehold/session-api/Unavailable")(
  "Unavailable",
  { detail: Schema.String },
  { httpApiStatus: 503 }
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(this.detail)
  }
  get fix(): string {
    return "Try again in a few seconds; GET /readyz says when the server is ready."
  }
}

/**
 * The server could not be reached, or its answer did not come. Seen by clients only.
 *
 * @since 0.1.0
 * @category reasons
 */
export class Unreachable extends Schema.TaggedError<Unreachable>("@toehold/session-api/Unreachable")("Unreachable", {
  url: Schema.String,
  detail: Schema.String,
  /** The request changes something, and may have been sent. */
  isUncertain: Schema.Boolean
}) {
  get outcome(): Outcome {
    return this.isUncertain ? "may-have-run" : "did-not-run"
  }
  get isRetryable(): boolean {
    return !this.isUncertain
  }
  override get message(): string {
    return oneLine(`The session API at ${this.url} could not be reached: ${this.detail}.`)
  }
  get fix(): string {
    return this.isUncertain
      ? "Check the address and that api-worker runs there; then look whether the call did its work before you repeat it."
      : "Check the address and that api-worker runs there, then try again."
  }
}

/**
 * What answered is no session API, or one of another version. Seen by clients only.
 *
 * @since 0.1.0
 * @category reasons
 */
export class BadAnswer extends Schema.TaggedError<BadAnswer>("@toehold/session-api/BadAnswer")("BadAnswer", {
  url: Schema.String,
  detail: Schema.String
}) {
  readonly outcome: Outcome = "may-have-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`What answered at ${this.url} is no session API of this version: ${this.detail}.`)
  }
  get fix(): string {
    return "Check the address, that no proxy answers in the server's place, and that both programs have the same version."
  }
}

/**
 * What a server answers when it does not do what was asked for.
 *
 * @since 0.1.0
 * @category reasons
 */
export const Refusal = Schema.Union([
  InvalidRequest,
  Unauthorized,
  Forbidden,
  NotFound,
  Conflict,
  PayloadTooLarge,
  UnsupportedMediaType,
  RateLimited,
  ServerFailed,
  Unavailable
])

/**
 * @since 0.1.0
 * @category reasons
 */
export type Refusal = typeof Refusal.Type
