import { Schema } from "effect"
import type { Outcome } from "@toehold/shell/Outcome"
import { oneLine } from "@toehold/shell/RemoteText"
import type { SessionStep } from "../../SessionStep.ts"

/**
 * None of the folders that a workspace could be in can be written to.
 *
 * @since 0.1.0
 * @category reasons
 */
export class WorkspaceReadOnly extends Schema.TaggedError<WorkspaceReadOnly>(
  "@toehold/bootstrap-service/WorkspaceReadOnly"
)("WorkspaceReadOnly", {
  paths: Schema.Array(Schema.String),
  detail: Schema.String
}) {
  readonly step: SessionStep = "workspace"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`No workspace can be made in ${this.paths.join(", ")}: ${this.detail}.`)
  }
  get fix(): string {
    return "Give a workspaceBasePath that the user of the session can write to."
  }
}

/**
 * The folder is there and is not of this session.
 *
 * @since 0.1.0
 * @category reasons
 */
export class WorkspaceTaken extends Schema.TaggedError<WorkspaceTaken>("@toehold/bootstrap-service/WorkspaceTaken")(
  "WorkspaceTaken",
  {
    path: Schema.String
  }
) {
  readonly step: SessionStep = "workspace"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`${this.path} is there already, and not of this session.`)
  }
  get fix(): string {
    return "Move it away if nobody needs it, or create the session under another id."
  }
}
