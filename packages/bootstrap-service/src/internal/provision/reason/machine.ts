/** What keeps a machine from being ready. */
import { Schema } from "effect"
import { Outcome } from "@toehold/shell/Outcome"
import { oneLine } from "@toehold/shell/RemoteText"

const ending = (tail: ReadonlyArray<string>): string => (tail.length === 0 ? "" : ` It ended with: ${tail.join(" / ")}`)

/**
 * A step took longer than it may.
 *
 * @since 0.1.0
 * @category reasons
 */
export class StepTimeout extends Schema.TaggedError<StepTimeout>("@toehold/bootstrap-service/StepTimeout")(
  "StepTimeout",
  { step: Schema.String, limitMs: Schema.Finite }
) {
  readonly outcome: Outcome = "may-have-run"
  readonly isRetryable: boolean = true
  override get message(): string {
    return `The step ${this.step} did not end within ${Math.round(this.limitMs / 1000)} s.`
  }
  get fix(): string {
    return "Run the same again: what is done is skipped, and what goes on is found again."
  }
}

/**
 * The machine's own answer was not what a POSIX shell answers, or it could not be asked.
 *
 * @since 0.1.0
 * @category reasons
 */
export class MachineFailed extends Schema.TaggedError<MachineFailed>("@toehold/bootstrap-service/MachineFailed")(
  "MachineFailed",
  {
    step: Schema.String,
    detail: Schema.String,
    outcome: Outcome,
    cause: Schema.optionalKey(Schema.Defect())
  }
) {
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(`The machine could not be asked in the step ${this.step}: ${this.detail}`)
  }
  get fix(): string {
    return "Run the same again: what is done is skipped. If it stays, look at the way there with: toehold doctor."
  }
}

/**
 * A job of the step failed to start or to be followed; `cause` is its own error.
 *
 * @since 0.1.0
 * @category reasons
 */
export class JobFailed extends Schema.TaggedError<JobFailed>("@toehold/bootstrap-service/JobFailed")("JobFailed", {
  step: Schema.String,
  kind: Schema.String,
  detail: Schema.String,
  hint: Schema.String,
  isRetryable: Schema.Boolean,
  outcome: Outcome,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return oneLine(this.detail)
  }
  get fix(): string {
    return this.hint
  }
}

/**
 * There is no folder to work in.
 *
 * @since 0.1.0
 * @category reasons
 */
export class NoWorkspace extends Schema.TaggedError<NoWorkspace>("@toehold/bootstrap-service/NoWorkspace")(
  "NoWorkspace",
  { detail: Schema.String }
) {
  readonly step = "shell"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`Neither /workspace nor ~/workspace can be written to: ${this.detail}`)
  }
  get fix(): string {
    return "Free some space on the machine, or mend the permissions of one of the two folders."
  }
}

/**
 * The provisioning script wants secrets that it does not have.
 *
 * @since 0.1.0
 * @category reasons
 */
export class SecretsMissing extends Schema.TaggedError<SecretsMissing>("@toehold/bootstrap-service/SecretsMissing")(
  "SecretsMissing",
  {
    /** Names of the variables. */
    names: Schema.Array(Schema.String),
    /** The log that says so, or the recipe that wants them. */
    source: Schema.String
  }
) {
  readonly step = "provisioning"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`Provisioning lacks ${this.names.join(", ")} (${this.source}).`)
  }
  get fix(): string {
    const flags = this.names.map((name) => `--secret ${name}`).join(" ")
    return `Run the same again with ${flags}: the value comes from the variable of that name, or NAME=@FILE, never from the command line.`
  }
}

/**
 * The provisioning script failed.
 *
 * @since 0.1.0
 * @category reasons
 */
export class ProvisioningFailed extends Schema.TaggedError<ProvisioningFailed>(
  "@toehold/bootstrap-service/ProvisioningFailed"
)("ProvisioningFailed", {
  /** The script or recipe. */
  what: Schema.String,
  how: Schema.String,
  /** Its last lines. */
  tail: Schema.Array(Schema.String)
}) {
  readonly step = "provisioning"
  readonly outcome: Outcome = "finished"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`${this.what} failed: ${this.how}.${ending(this.tail)}`)
  }
  get fix(): string {
    return "Mend what its last lines name, then run the same again: it starts the script anew."
  }
}

/**
 * Nothing runs on the port, and nothing is known that could be started there.
 *
 * @since 0.1.0
 * @category reasons
 */
export class ServiceMissing extends Schema.TaggedError<ServiceMissing>("@toehold/bootstrap-service/ServiceMissing")(
  "ServiceMissing",
  { name: Schema.String, port: Schema.Int }
) {
  readonly step = "services"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`Nothing answers on port ${this.port}, and the machine has no ${this.name} that could be started.`)
  }
  get fix(): string {
    return `Install it with --recipe ${this.name}, say how it is started with --app-command, or name the port of what runs with --app-port.`
  }
}

/**
 * A service does not stay up, or does not answer.
 *
 * @since 0.1.0
 * @category reasons
 */
export class ServiceFailed extends Schema.TaggedError<ServiceFailed>("@toehold/bootstrap-service/ServiceFailed")(
  "ServiceFailed",
  {
    step: Schema.String,
    name: Schema.String,
    manager: Schema.String,
    detail: Schema.String,
    tail: Schema.Array(Schema.String)
  }
) {
  readonly outcome: Outcome = "finished"
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(`The service ${this.name} (by ${this.manager}) ${this.detail}.${ending(this.tail)}`)
  }
  get fix(): string {
    return "Mend what its last lines name, then run the same again: it is started anew."
  }
}

/**
 * There is no `cloudflared` on the machine, and it could not be installed.
 *
 * @since 0.1.0
 * @category reasons
 */
export class TunnelProgramMissing extends Schema.TaggedError<TunnelProgramMissing>(
  "@toehold/bootstrap-service/TunnelProgramMissing"
)("TunnelProgramMissing", { tail: Schema.Array(Schema.String) }) {
  readonly step = "tunnel"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(`The machine has no cloudflared, and installing it failed.${ending(this.tail)}`)
  }
  get fix(): string {
    return "Put cloudflared into the machine's PATH or ~/.local/bin, or reach the port with: toehold forward."
  }
}

/**
 * Cloudflare gives no quick tunnel at the moment.
 *
 * @since 0.1.0
 * @category reasons
 */
export class TunnelRateLimited extends Schema.TaggedError<TunnelRateLimited>(
  "@toehold/bootstrap-service/TunnelRateLimited"
)("TunnelRateLimited", { detail: Schema.String }) {
  readonly step = "tunnel"
  readonly outcome: Outcome = "finished"
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(`Cloudflare gives no quick tunnel at the moment: ${this.detail}`)
  }
  get fix(): string {
    return "Quick tunnels are limited by address: wait some minutes, then run the same again, or use toehold forward."
  }
}

/**
 * The tunnel has no address, or does not lead to the service.
 *
 * @since 0.1.0
 * @category reasons
 */
export class TunnelFailed extends Schema.TaggedError<TunnelFailed>("@toehold/bootstrap-service/TunnelFailed")(
  "TunnelFailed",
  {
    url: Schema.optionalKey(Schema.String),
    detail: Schema.String,
    tail: Schema.Array(Schema.String)
  }
) {
  readonly step = "tunnel"
  readonly outcome: Outcome = "finished"
  readonly isRetryable: boolean = true
  override get message(): string {
    const tunnel = this.url === undefined ? "The tunnel has no URL" : `The tunnel ${this.url} does not answer`
    return oneLine(`${tunnel}: ${this.detail}.${ending(this.tail)}`)
  }
  get fix(): string {
    return "Run the same again; if it stays, the machine's network may hold back cloudflared: use toehold forward."
  }
}

/**
 * A recipe can't be used as it is.
 *
 * @since 0.1.0
 * @category reasons
 */
export class RecipeInvalid extends Schema.TaggedError<RecipeInvalid>("@toehold/bootstrap-service/RecipeInvalid")(
  "RecipeInvalid",
  { recipe: Schema.String, detail: Schema.String, hint: Schema.String }
) {
  readonly step = "provisioning"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`The recipe ${this.recipe} can't be used: ${this.detail}.`)
  }
  get fix(): string {
    return this.hint
  }
}

/**
 * The machine can't stop itself: it is no rented instance, or lacks what it takes.
 *
 * @since 0.1.0
 * @category reasons
 */
export class GuardUnavailable extends Schema.TaggedError<GuardUnavailable>(
  "@toehold/bootstrap-service/GuardUnavailable"
)("GuardUnavailable", { missing: Schema.Array(Schema.String) }) {
  readonly step = "shell"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`The machine can't stop itself: it lacks ${this.missing.join(", ")}.`)
  }
  get fix(): string {
    return "Leave out --max-hours and --stop-after, and stop the instance yourself: toehold vast stop."
  }
}
