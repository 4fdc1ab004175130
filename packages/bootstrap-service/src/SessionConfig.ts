/**
 * What an agent session is made from, checked before anything of it reaches a machine.
 *
 * @since 0.1.0
 */
import { Result, Schema } from "effect"
import * as BootstrapError from "./BootstrapError.ts"
import * as words from "./internal/words.ts"

const checked = (check: (text: string) => string | undefined) => Schema.String.check(Schema.makeFilter(check))

const Milliseconds = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 86_400_000 }))

/**
 * Who may read the repository: a token or password, and the user that goes with it. Of a token alone the user is
 * `x-access-token`, which GitHub and GitLab take.
 *
 * @since 0.1.0
 * @category models
 */
export const Credentials = Schema.Struct({
  username: Schema.optionalKey(checked(words.userName)),
  token: Schema.RedactedFromValue(checked(words.secret))
})

/**
 * @since 0.1.0
 * @category models
 */
export type Credentials = typeof Credentials.Type

const storableFields = {
  /** Also the name of the workspace's folder: 1 to 56 letters, digits, `_` and `-`. */
  sessionId: checked(words.sessionId),
  /** `https`, `http`, `ssh`, `git` or `file` URL, or `user@host:path`. Never with a user or password of http in it. */
  repoUrl: checked(words.repoUrl),
  /** A branch, a tag or a commit. Default: what the repository has as its head. */
  branch: Schema.optionalKey(checked(words.ref)),
  vmId: checked(words.vmId),
  /** The machine's IPv4 address, where it is known already. */
  vmIp: Schema.optionalKey(checked(words.ipv4)),
  /** Folder on the machine in which each session has one. Default: `/home/agent/workspaces`. */
  workspaceBasePath: Schema.optionalKey(checked(words.absolutePath)),
  /** Default: 4096. */
  opencodePort: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65535 }))),
  /** Pause between two looks at OpenCode's health. Default: 1000. */
  healthPollIntervalMs: Schema.optionalKey(Milliseconds),
  /** How long OpenCode may take to answer. Default: 120 000. */
  healthPollTimeoutMs: Schema.optionalKey(Milliseconds),
  /** Fetch the one commit alone, without the history. Default: `false`. */
  shallow: Schema.optionalKey(Schema.Boolean),
  /**
   * Lines of known_hosts: the only host keys that the server of an ssh URL may show. Default: those that the session's
   * account on the machine knows.
   */
  knownHosts: Schema.optionalKey(checked(words.knownHosts))
}

const secretFields = {
  /** Without them git's own helpers and keys on the machine are what there is. */
  credentials: Schema.optionalKey(Credentials),
  /** Private key for an ssh URL, without a passphrase. Without it the machine's own keys are what there is. */
  sshKey: Schema.optionalKey(Schema.RedactedFromValue(checked(words.privateKey))),
  /** What OpenCode asks for (`OPENCODE_SERVER_PASSWORD`); it asks for nothing without. */
  openCodePassword: Schema.optionalKey(Schema.RedactedFromValue(checked(words.secret)))
}

/**
 * The part of a configuration that holds no secret, to be kept in a database.
 *
 * @since 0.1.0
 * @category models
 */
export const Storable = Schema.Struct(storableFields)

/**
 * @since 0.1.0
 * @category models
 */
export type Storable = typeof Storable.Type

/**
 * The secrets of a configuration. To encode them is to write them in clear.
 *
 * @since 0.1.0
 * @category models
 */
export const Secrets = Schema.Struct(secretFields)

/**
 * @since 0.1.0
 * @category models
 */
export type Secrets = typeof Secrets.Type

/**
 * The whole of it.
 *
 * @since 0.1.0
 * @category models
 */
export const SessionConfig = Schema.Struct({ ...storableFields, ...secretFields }).check(
  Schema.makeFilter(({ credentials, repoUrl, sshKey }) => {
    const issue = credentials === undefined ? undefined : words.mayCarrySecret(repoUrl)
    if (issue !== undefined) return { path: ["repoUrl"], issue }
    return sshKey === undefined || words.isSshUrl(repoUrl)
      ? undefined
      : { path: ["repoUrl"], issue: "a key is for ssh URLs alone" }
  })
)

/**
 * @since 0.1.0
 * @category models
 */
export type SessionConfig = typeof SessionConfig.Type

/**
 * Checks a configuration whose secrets are plain text, as it comes in a request. Fails with `InvalidConfig`, which names
 * the field and never holds its value.
 *
 * @since 0.1.0
 * @category decoding
 */
export const decode = (input: unknown): Result.Result<SessionConfig, BootstrapError.BootstrapError> =>
  Result.mapError(Schema.decodeUnknownResult(SessionConfig)(input), BootstrapError.ofIssue)

/**
 * The two parts of a configuration, which {@link join} puts together again.
 *
 * @since 0.1.0
 * @category conversions
 */
export const split = (config: SessionConfig): { readonly storable: Storable; readonly secrets: Secrets } => {
  const { credentials, openCodePassword, sshKey, ...storable } = config
  return {
    storable,
    secrets: {
      ...(credentials === undefined ? {} : { credentials }),
      ...(openCodePassword === undefined ? {} : { openCodePassword }),
      ...(sshKey === undefined ? {} : { sshKey })
    }
  }
}

/**
 * @since 0.1.0
 * @category conversions
 */
export const join = (storable: Storable, secrets: Secrets = {}): SessionConfig => ({ ...storable, ...secrets })

/**
 * Where a session's workspace is when nothing else is said.
 *
 * @since 0.1.0
 * @category constants
 */
export const defaultWorkspaceBasePath = "/home/agent/workspaces"

/**
 * @since 0.1.0
 * @category constants
 */
export const defaultOpencodePort = 4096
