import { PlatformError, Schema } from "effect"
import { Outcome } from "@toehold/shell/Outcome"
import { oneLine } from "@toehold/shell/RemoteText"
import { mayPass, wordsOf } from "./verdict.ts"

/**
 * There is no job of this id.
 *
 * @since 0.1.0
 * @category reasons
 */
export class NotFound extends Schema.TaggedError<NotFound>("@toehold/jobs/NotFound")("NotFound", {
  id: Schema.String
}) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return `There is no job "${this.id}".`
  }
  get fix(): string {
    return "List the jobs of the machine: a job belongs to the user who started it, and is gone when it was forgotten."
  }
}

/**
 * There is a job of this id that runs, or ran, something else.
 *
 * @since 0.1.0
 * @category reasons
 */
export class AlreadyExists extends Schema.TaggedError<AlreadyExists>("@toehold/jobs/AlreadyExists")("AlreadyExists", {
  id: Schema.String,
  /** What the job that is there runs. */
  command: Schema.String
}) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`There is a job "${this.id}" already, with another command: ${this.command}`)
  }
  get fix(): string {
    return "Give another name, or forget the old job first."
  }
}

/**
 * The job must have ended first.
 *
 * @since 0.1.0
 * @category reasons
 */
export class StillRunning extends Schema.TaggedError<StillRunning>("@toehold/jobs/StillRunning")("StillRunning", {
  id: Schema.String
}) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return `The job "${this.id}" is still running.`
  }
  get fix(): string {
    return "Kill it first, or wait for its end."
  }
}

/**
 * The machine has no such program.
 *
 * @since 0.1.0
 * @category reasons
 */
export class CommandNotFound extends Schema.TaggedError<CommandNotFound>("@toehold/jobs/CommandNotFound")(
  "CommandNotFound",
  { command: Schema.String }
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`The machine has no program "${this.command}".`)
  }
  get fix(): string {
    return "Install it, give its whole path, or use shell text for what only a shell knows."
  }
}

/**
 * An argument can't be used as it is.
 *
 * @since 0.1.0
 * @category reasons
 */
export class InvalidArgument extends Schema.TaggedError<InvalidArgument>("@toehold/jobs/InvalidArgument")(
  "InvalidArgument",
  { argument: Schema.String, detail: Schema.String }
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`${this.argument}: ${this.detail}.`)
  }
  get fix(): string {
    return "Correct the argument and call again."
  }
}

/**
 * The machine's disk is full, so that not even the job's few files have room.
 *
 * @since 0.1.0
 * @category reasons
 */
export class NoSpace extends Schema.TaggedError<NoSpace>("@toehold/jobs/NoSpace")("NoSpace", {
  detail: Schema.String
}) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`There is no room on the machine's disk: ${this.detail}.`)
  }
  get fix(): string {
    return "Free some space under ~/.local/state there; forgetting or pruning old jobs may be enough."
  }
}

/**
 * The machine doesn't let this user write where jobs are kept.
 *
 * @since 0.1.0
 * @category reasons
 */
export class PermissionDenied extends Schema.TaggedError<PermissionDenied>("@toehold/jobs/PermissionDenied")(
  "PermissionDenied",
  { detail: Schema.String }
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`Permission denied: ${this.detail}.`)
  }
  get fix(): string {
    return "The user must own ~/.local/state/toehold on the machine and be able to write there."
  }
}

/**
 * A file of a job can't be made for another reason.
 *
 * @since 0.1.0
 * @category reasons
 */
export class FileFailed extends Schema.TaggedError<FileFailed>("@toehold/jobs/FileFailed")("FileFailed", {
  detail: Schema.String
}) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`The machine can't keep the job's files: ${this.detail}.`)
  }
  get fix(): string {
    return "Look at ~/.local/state/toehold on the machine."
  }
}

/**
 * The machine lacks what a job needs to outlive its connection.
 *
 * @since 0.1.0
 * @category reasons
 */
export class Unsupported extends Schema.TaggedError<Unsupported>("@toehold/jobs/Unsupported")("Unsupported", {
  detail: Schema.String
}) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`The machine can't keep a job alive: ${this.detail}.`)
  }
  get fix(): string {
    return "Make good for what is missing (setsid is part of util-linux; loginctl enable-linger allows lingering)."
  }
}

/**
 * The job's own process did not come to life. Nothing was run.
 *
 * @since 0.1.0
 * @category reasons
 */
export class NotStarted extends Schema.TaggedError<NotStarted>("@toehold/jobs/NotStarted")("NotStarted", {
  id: Schema.String
}) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = true
  override get message(): string {
    return `The job "${this.id}" did not come to life, and nothing was run.`
  }
  get fix(): string {
    return "Try again; if it happens again, look for limits on the user's processes (ulimit -u) or memory."
  }
}

/**
 * The signal could not be sent.
 *
 * @since 0.1.0
 * @category reasons
 */
export class KillFailed extends Schema.TaggedError<KillFailed>("@toehold/jobs/KillFailed")("KillFailed", {
  id: Schema.String,
  signal: Schema.String
}) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return `${this.signal} could not be sent to the job "${this.id}".`
  }
  get fix(): string {
    return "Check that the machine knows the signal, and that the job has not become another user's."
  }
}

/**
 * The job did not end within the time that the caller had. It goes on.
 *
 * @since 0.1.0
 * @category reasons
 */
export class WaitTimeout extends Schema.TaggedError<WaitTimeout>("@toehold/jobs/WaitTimeout")("WaitTimeout", {
  id: Schema.String,
  /** In milliseconds. */
  timeoutMs: Schema.Finite
}) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = true
  override get message(): string {
    return `The job "${this.id}" did not end within ${this.timeoutMs} ms; it goes on.`
  }
  get fix(): string {
    return "Wait again, or kill it."
  }
}

/**
 * What came back is not what the script prints: it broke off, or something else prints there.
 *
 * @since 0.1.0
 * @category reasons
 */
export class BadReply extends Schema.TaggedError<BadReply>("@toehold/jobs/BadReply")("BadReply", {
  id: Schema.optionalKey(Schema.String),
  detail: Schema.String,
  outcome: Outcome
}) {
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(`The machine's answer can't be understood: ${this.detail}.`)
  }
  get fix(): string {
    return "Try again. The machine needs a POSIX shell as sh, and the tools that come with one."
  }
}

/**
 * The machine could not be reached, or not for long enough. `cause` is the transport's own error, `id` the job's where
 * there is one.
 *
 * @since 0.1.0
 * @category reasons
 */
export class Transport extends Schema.TaggedError<Transport>("@toehold/jobs/Transport")("Transport", {
  id: Schema.optionalKey(Schema.String),
  cause: Schema.declare(PlatformError.isPlatformError),
  outcome: Outcome
}) {
  get isRetryable(): boolean {
    return mayPass(this.cause)
  }
  override get message(): string {
    return oneLine(`The machine could not be reached: ${wordsOf(this.cause)}`)
  }
  get fix(): string {
    return this.outcome === "may-have-run"
      ? `Look at the job's status${this.id === undefined ? "" : ` ("${this.id}")`}; to start it again under the same id is safe, and starts nothing twice.`
      : "Try again when the machine can be reached."
  }
}
