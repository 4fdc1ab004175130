import { Schema } from "effect"
import { oneLine } from "@toehold/shell/RemoteText"
import type { Outcome } from "./outcome.ts"
import { killedText, Partial } from "./partial.ts"

/**
 * The command asked a question that nobody was there to answer, and was killed.
 *
 * @since 0.1.0
 * @category reasons
 */
export class PromptDetected extends Schema.TaggedError<PromptDetected>("@toehold/ssh-core/PromptDetected")(
  "PromptDetected",
  {
    ...Partial,
    /** What was asked for: `sudo`, `password`, `passphrase`, `username`, `host-key`, `confirmation`, `pager`, `input`. */
    kind: Schema.String,
    /** The line that it asked with, at most 200 characters. */
    prompt: Schema.String,
    /** How not to be asked. */
    advice: Schema.String,
    /** `true` when the remote process group is known to be gone. */
    killed: Schema.Boolean
  }
) {
  readonly outcome: Outcome = "may-have-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`The command waited for an answer to "${this.prompt}"; ${killedText(this)}.`)
  }
  get fix(): string {
    return `${this.advice} What it had done until now stays.`
  }
}

const Step = {
  /** Index of the step, from 0. */
  step: Schema.Int,
  steps: Schema.Int,
  /** The text or the pattern that was waited for. */
  expected: Schema.String
}

const stepText = (reason: { readonly step: number; readonly steps: number; readonly expected: string }): string =>
  `step ${reason.step + 1} of ${reason.steps} (${reason.expected})`

/**
 * What a step of an interaction waits for did not come in time, and the command was killed. `stdout` holds what the
 * terminal showed.
 *
 * @since 0.1.0
 * @category reasons
 */
export class ExpectTimeout extends Schema.TaggedError<ExpectTimeout>("@toehold/ssh-core/ExpectTimeout")(
  "ExpectTimeout",
  {
    ...Partial,
    ...Step,
    /** The limit, in milliseconds. */
    timeoutMs: Schema.Finite,
    /** `true` when the remote process group is known to be gone. */
    killed: Schema.Boolean
  }
) {
  readonly outcome: Outcome = "may-have-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`What ${stepText(this)} waits for did not come within ${this.timeoutMs} ms; ${killedText(this)}.`)
  }
  get fix(): string {
    return "Compare the step with what the terminal showed (stdout), and correct it; or allow more with --step-timeout. What the command had done until now stays."
  }
}

/**
 * The command ended before a step of an interaction had seen what it waits for. `stdout` holds what the terminal showed.
 *
 * @since 0.1.0
 * @category reasons
 */
export class ExpectEnded extends Schema.TaggedError<ExpectEnded>("@toehold/ssh-core/ExpectEnded")("ExpectEnded", {
  ...Partial,
  ...Step,
  exitCode: Schema.NullOr(Schema.Int),
  signal: Schema.NullOr(Schema.String)
}) {
  readonly outcome: Outcome = "finished"
  readonly isRetryable: boolean = false
  override get message(): string {
    const how = this.exitCode === null ? `by ${this.signal ?? "a signal"}` : `with exit code ${this.exitCode}`
    return oneLine(`The command ended ${how} before what ${stepText(this)} waits for had come.`)
  }
  get fix(): string {
    return "Compare the step with what the terminal showed (stdout), and correct it, or make it optional."
  }
}

/**
 * sudo did not let the command run: there is no sudo, it asks for a password that was not given or that is wrong, the user
 * is not allowed to, or it waits for something that nobody can give.
 *
 * @since 0.1.0
 * @category reasons
 */
export class SudoRefused extends Schema.TaggedError<SudoRefused>("@toehold/ssh-core/SudoRefused")("SudoRefused", {
  refusal: Schema.Literals(["no-sudo", "password-needed", "password-wrong", "not-allowed", "no-answer"]),
  /** What sudo said, at most 1000 characters. */
  detail: Schema.String
}) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    const what = {
      "no-sudo": "there is no sudo on the machine",
      "password-needed": "it asks for a password, and none was given",
      "password-wrong": "it does not take the password",
      "not-allowed": "it does not allow the command",
      "no-answer": "it waits for something else than a password"
    }[this.refusal]
    return oneLine(`sudo did not run the command: ${what}${this.detail === "" ? "" : ` (${this.detail})`}.`)
  }
  get fix(): string {
    switch (this.refusal) {
      case "no-sudo":
        return "Log in as root (-l root), or install sudo there."
      case "password-needed":
        return "Give the user's password by --sudo-password-env NAME, or have sudo ask for none (NOPASSWD in sudoers)."
      case "password-wrong":
        return "Check the value: it is the password of the user that logs in, not root's."
      case "no-answer":
        return "Log in and see what sudo asks for (toehold shell), or answer it by toehold interact."
      case "not-allowed":
        return "Ask the machine's owner to allow it in sudoers, or log in as root."
    }
  }
}

/**
 * The machine lacks a program that is needed there.
 *
 * @since 0.1.0
 * @category reasons
 */
export class ProgramMissing extends Schema.TaggedError<ProgramMissing>("@toehold/ssh-core/ProgramMissing")(
  "ProgramMissing",
  {
    /** Any one of them would do. */
    programs: Schema.NonEmptyArray(Schema.String)
  }
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return `The machine has no ${this.programs.join(" and no ")}.`
  }
  get fix(): string {
    const [program] = this.programs
    return `Install it there: apt-get install ${program} (Debian, Ubuntu), apk add ${program} (Alpine), dnf install ${program} (Fedora).`
  }
}
