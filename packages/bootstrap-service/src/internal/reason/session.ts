import { Schema } from "effect"
import type { Outcome } from "@toehold/shell/Outcome"
import { oneLine } from "@toehold/shell/RemoteText"
import { SessionStep } from "../../SessionStep.ts"

/**
 * There is no session of this id.
 *
 * @since 0.1.0
 * @category reasons
 */
export class SessionNotFound extends Schema.TaggedError<SessionNotFound>("@toehold/bootstrap-service/SessionNotFound")(
  "SessionNotFound",
  { id: Schema.String }
) {
  readonly step: undefined = undefined
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`There is no session "${this.id}".`)
  }
  get fix(): string {
    return "List the sessions to see which there are."
  }
}

/**
 * There is a session of this id already.
 *
 * @since 0.1.0
 * @category reasons
 */
export class SessionExists extends Schema.TaggedError<SessionExists>("@toehold/bootstrap-service/SessionExists")(
  "SessionExists",
  { id: Schema.String }
) {
  readonly step: undefined = undefined
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`There is a session "${this.id}" already.`)
  }
  get fix(): string {
    return "Give the new session another id, or look at the one that is there."
  }
}

/**
 * What was asked for can't be done with a session in this status.
 *
 * @since 0.1.0
 * @category reasons
 */
export class WrongStatus extends Schema.TaggedError<WrongStatus>("@toehold/bootstrap-service/WrongStatus")(
  "WrongStatus",
  { id: Schema.String, status: Schema.String, action: Schema.Literals(["retry", "abort", "remove"]) }
) {
  readonly step: undefined = undefined
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`The session "${this.id}" is ${this.status}, which rules out to ${this.action} it.`)
  }
  get fix(): string {
    switch (this.action) {
      case "retry":
        return "Only a session in error can be retried; for an archived one create another."
      case "abort":
        return "Only a session that is being created can be aborted; archive it instead."
      case "remove":
        return "Archive it first."
    }
  }
}

/**
 * The database failed.
 *
 * @since 0.1.0
 * @category reasons
 */
export class StoreFailed extends Schema.TaggedError<StoreFailed>("@toehold/bootstrap-service/StoreFailed")(
  "StoreFailed",
  { detail: Schema.String, isRetryable: Schema.Boolean }
) {
  readonly step: undefined = undefined
  readonly outcome: Outcome = "may-have-run"
  override get message(): string {
    return oneLine(`The store of the sessions failed: ${this.detail}`)
  }
  get fix(): string {
    return "Check that the database can be reached, has room, and is of this version or an older one."
  }
}

/**
 * The secrets of a session were encrypted with another key.
 *
 * @since 0.1.0
 * @category reasons
 */
export class SecretsUnreadable extends Schema.TaggedError<SecretsUnreadable>(
  "@toehold/bootstrap-service/SecretsUnreadable"
)("SecretsUnreadable", { id: Schema.String }) {
  readonly step: undefined = undefined
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`The secrets of session "${this.id}" can't be decrypted.`)
  }
  get fix(): string {
    return "Start the service with the key that it had when the session was created, or create the session again."
  }
}

/**
 * The program itself failed in a step: a fault of its own, not of the machine's.
 *
 * @since 0.1.0
 * @category reasons
 */
export class StepCrashed extends Schema.TaggedError<StepCrashed>("@toehold/bootstrap-service/StepCrashed")(
  "StepCrashed",
  { step: SessionStep, detail: Schema.String }
) {
  readonly outcome: Outcome = "may-have-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`The step "${this.step}" failed by a fault of this program: ${this.detail}`)
  }
  get fix(): string {
    return "Report it with the service's log; a retry goes on at this step."
  }
}
