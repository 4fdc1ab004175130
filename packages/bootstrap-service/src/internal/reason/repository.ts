import { Schema } from "effect"
import type { Outcome } from "@toehold/shell/Outcome"
import { oneLine } from "@toehold/shell/RemoteText"
import type { SessionStep } from "../../SessionStep.ts"

/**
 * The machine has no git.
 *
 * @since 0.1.0
 * @category reasons
 */
export class GitMissing extends Schema.TaggedError<GitMissing>("@toehold/bootstrap-service/GitMissing")(
  "GitMissing",
  {}
) {
  readonly step: SessionStep = "repository"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return "The machine has no git."
  }
  get fix(): string {
    return "Install git in the image: toehold image check says what it lacks."
  }
}

/**
 * The machine has no ssh, which the repository's URL needs; for a key of the session's, no ssh-agent.
 *
 * @since 0.1.0
 * @category reasons
 */
export class SshMissing extends Schema.TaggedError<SshMissing>("@toehold/bootstrap-service/SshMissing")(
  "SshMissing",
  {}
) {
  readonly step: SessionStep = "repository"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return "The machine has no ssh, which the repository's URL needs."
  }
  get fix(): string {
    return "Install openssh-client in the image (ssh, ssh-agent and ssh-add), or give the repository's https URL."
  }
}

/**
 * The repository needs credentials, or there is none: a server often tells the two apart for nobody else.
 *
 * @since 0.1.0
 * @category reasons
 */
export class RepositoryPrivate extends Schema.TaggedError<RepositoryPrivate>(
  "@toehold/bootstrap-service/RepositoryPrivate"
)("RepositoryPrivate", {
  /** Whether credentials were given, and refused. */
  refused: Schema.Boolean,
  detail: Schema.String
}) {
  readonly step: SessionStep = "repository"
  readonly outcome: Outcome = "finished"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(
      this.refused
        ? `The repository does not let these credentials read it: ${this.detail}.`
        : `The repository is private, or there is none: ${this.detail}.`
    )
  }
  get fix(): string {
    return this.refused
      ? "Check the token or key: it may have expired, or lack the right to read this repository; a key must have no passphrase."
      : "Check the URL; for a private repository give a token (credentials) or, for an ssh URL, a key (sshKey), or set up a git credential helper or key on the machine."
  }
}

/**
 * There is no repository at this URL.
 *
 * @since 0.1.0
 * @category reasons
 */
export class RepositoryMissing extends Schema.TaggedError<RepositoryMissing>(
  "@toehold/bootstrap-service/RepositoryMissing"
)("RepositoryMissing", {
  detail: Schema.String
}) {
  readonly step: SessionStep = "repository"
  readonly outcome: Outcome = "finished"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`There is no repository there: ${this.detail}.`)
  }
  get fix(): string {
    return "Check the URL. Some servers say so of a private repository too: then give credentials."
  }
}

/**
 * The repository's server could not be reached, or the way to it broke off.
 *
 * @since 0.1.0
 * @category reasons
 */
export class RepositoryUnreachable extends Schema.TaggedError<RepositoryUnreachable>(
  "@toehold/bootstrap-service/RepositoryUnreachable"
)("RepositoryUnreachable", {
  detail: Schema.String
}) {
  readonly step: SessionStep = "repository"
  readonly outcome: Outcome = "finished"
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(`The repository's server could not be reached: ${this.detail}.`)
  }
  get fix(): string {
    return "Check that the machine has a network and DNS, then retry."
  }
}

/**
 * The machine does not trust the certificate of the repository's server.
 *
 * @since 0.1.0
 * @category reasons
 */
export class RepositoryUntrusted extends Schema.TaggedError<RepositoryUntrusted>(
  "@toehold/bootstrap-service/RepositoryUntrusted"
)("RepositoryUntrusted", {
  detail: Schema.String
}) {
  readonly step: SessionStep = "repository"
  readonly outcome: Outcome = "finished"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`The repository's server is not trusted: ${this.detail}.`)
  }
  get fix(): string {
    return "Check the machine's clock and install ca-certificates in the image, or the certificate of the authority that the server's is from."
  }
}

const named = ({ host, port }: { readonly host: string; readonly port: string }): string =>
  port === "" ? host : `[${host}]:${port}`

const scan = ({ host, port }: { readonly host: string; readonly port: string }): string =>
  `ssh-keyscan ${port === "" ? "" : `-p ${port} `}${host}`

/**
 * Nothing says which host key the repository's server has, so that anybody could stand in its place.
 *
 * @since 0.1.0
 * @category reasons
 */
export class RepositoryHostUnknown extends Schema.TaggedError<RepositoryHostUnknown>(
  "@toehold/bootstrap-service/RepositoryHostUnknown"
)("RepositoryHostUnknown", {
  host: Schema.String,
  /** Empty where the URL has none. */
  port: Schema.String
}) {
  readonly step: SessionStep = "repository"
  readonly outcome: Outcome = "finished"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`The host key of the repository's server ${named(this)} is not known.`)
  }
  get fix(): string {
    return oneLine(
      `Compare what "${scan(this)}" prints with what the server's owner publishes; then give those lines as knownHosts, or put them into ~/.ssh/known_hosts of the session's account on the machine.`
    )
  }
}

/**
 * The repository's server shows another host key than the one that is known: it has a new one, or somebody else answers.
 *
 * @since 0.1.0
 * @category reasons
 */
export class RepositoryHostChanged extends Schema.TaggedError<RepositoryHostChanged>(
  "@toehold/bootstrap-service/RepositoryHostChanged"
)("RepositoryHostChanged", {
  host: Schema.String,
  /** Empty where the URL has none. */
  port: Schema.String
}) {
  readonly step: SessionStep = "repository"
  readonly outcome: Outcome = "finished"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`The repository's server ${named(this)} shows another host key than the one that is known.`)
  }
  get fix(): string {
    return oneLine(
      `Somebody else may answer there. Ask the server's owner whether its key is new; only then replace the old line, in knownHosts or on the machine: ssh-keygen -R "${named(this)}".`
    )
  }
}

/**
 * The repository has no such branch, tag or commit.
 *
 * @since 0.1.0
 * @category reasons
 */
export class BranchUnknown extends Schema.TaggedError<BranchUnknown>("@toehold/bootstrap-service/BranchUnknown")(
  "BranchUnknown",
  {
    branch: Schema.String
  }
) {
  readonly step: SessionStep = "repository"
  readonly outcome: Outcome = "finished"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`The repository has no branch, tag or commit ${this.branch}.`)
  }
  get fix(): string {
    return "Check the name; it may be gone, or not pushed yet."
  }
}

/**
 * The repository has no commit yet.
 *
 * @since 0.1.0
 * @category reasons
 */
export class RepositoryEmpty extends Schema.TaggedError<RepositoryEmpty>("@toehold/bootstrap-service/RepositoryEmpty")(
  "RepositoryEmpty",
  {}
) {
  readonly step: SessionStep = "repository"
  readonly outcome: Outcome = "finished"
  readonly isRetryable: boolean = false
  override get message(): string {
    return "The repository is empty."
  }
  get fix(): string {
    return "Push a first commit, then retry."
  }
}

/**
 * The clone did not end within its limit.
 *
 * @since 0.1.0
 * @category reasons
 */
export class RepositoryTimeout extends Schema.TaggedError<RepositoryTimeout>(
  "@toehold/bootstrap-service/RepositoryTimeout"
)("RepositoryTimeout", {
  /** In milliseconds. */
  timeoutMs: Schema.Finite,
  detail: Schema.String
}) {
  readonly step: SessionStep = "repository"
  readonly outcome: Outcome = "finished"
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(`The clone did not end within ${this.timeoutMs} ms: ${this.detail}.`)
  }
  get fix(): string {
    return "Retry, with shallow: true for a large repository or with a higher limit."
  }
}

/**
 * Git failed for a reason of its own.
 *
 * @since 0.1.0
 * @category reasons
 */
export class RepositoryFailed extends Schema.TaggedError<RepositoryFailed>(
  "@toehold/bootstrap-service/RepositoryFailed"
)("RepositoryFailed", {
  /** Undefined where a signal ended it, or the machine did. */
  exitCode: Schema.optionalKey(Schema.Int),
  detail: Schema.String
}) {
  readonly step: SessionStep = "repository"
  readonly outcome: Outcome = "finished"
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(`The repository could not be cloned: ${this.detail}.`)
  }
  get fix(): string {
    return "Run git clone of the URL on the machine to see all that it says."
  }
}
