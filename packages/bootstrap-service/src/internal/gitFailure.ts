/** What git's words on stderr (LC_ALL=C) mean. */
import * as BootstrapError from "../BootstrapError.ts"
import { sshHostOf } from "./words.ts"
import { code } from "./script/repository.ts"

interface Failure {
  readonly exitCode: number | undefined
  readonly stderr: string
  readonly branch: string | undefined
  readonly path: string
  readonly url: string
  readonly hasCredentials: boolean
}

const patterns: ReadonlyArray<
  readonly [
    RegExp,
    "space" | "branch" | "changed" | "unknown" | "ssh" | "missing" | "private" | "refused" | "untrusted" | "network"
  ]
> = [
  [/No space left on device|Disk quota exceeded|unable to write .*: No space/i, "space"],
  [/Remote branch .{1,300} not found in upstream|couldn't find remote ref|pathspec .{1,300} did not match/i, "branch"],
  [/REMOTE HOST IDENTIFICATION HAS CHANGED|REVOKED HOST KEY/, "changed"],
  [/Host key verification failed/, "unknown"],
  [/cannot (?:run|exec|spawn) '?ssh\b/, "ssh"],
  [
    /server certificate verification failed|SSL certificate problem|certificate .{0,80}(?:not trusted|expired|verif)/i,
    "untrusted"
  ],
  [
    /Authentication failed|HTTP Basic: Access denied|Invalid username or (?:password|token)|password authentication .{0,40}(?:removed|not supported)/i,
    "refused"
  ],
  [
    /could not read (?:Username|Password)|terminal prompts disabled|returned error: 40[13]|Permission denied \(|Permission denied, please try again/i,
    "private"
  ],
  [
    /[Rr]epository .{0,2100}not found|does not appear to be a git repository|repository .{0,2100}does not exist|not exported|returned error: 404|could not be found or you don't have permission/i,
    "missing"
  ],
  [
    /Could not resolve host|Couldn't resolve host|Name or service not known|Temporary failure in name resolution|unable to look up|Failed to connect|Couldn't connect to server|unable to connect|Connection (?:refused|timed out|reset|closed)|Network is unreachable|No route to host|Operation timed out|early EOF|RPC failed|unexpected disconnect|hung up unexpectedly|returned error: (?:429|5[0-9]{2})|Empty reply from server|transfer closed|GnuTLS recv error|SSL_ERROR_SYSCALL/i,
    "network"
  ]
]

/** What says nothing of the cause; of ssh's failures git knows none. */
const noise =
  /^Cloning into|^fatal: Could not read from remote repository|^Please make sure you have the correct|^and the repository exists/

/** The line that says most: the first of git's own, else the last. */
export const lineOf = (stderr: string): string => {
  const lines = stderr
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !noise.test(line))
  const line = lines.find((text) => /^(?:fatal|error|ERROR|remote: (?:ERROR|fatal))/.test(text)) ?? lines.at(-1) ?? ""
  return line
    .replace(/^(?:fatal|error): /, "")
    .replace(/[.\s]+$/, "")
    .slice(0, 500)
}

/** The reason for a clone that ended with this exit code and these words. */
export const classify = ({ branch, exitCode, hasCredentials, path, stderr, url }: Failure): BootstrapError.Reason => {
  const detail = lineOf(stderr)
  switch (exitCode) {
    case code.gitMissing:
      return new BootstrapError.GitMissing({})
    case code.sshMissing:
      return new BootstrapError.SshMissing({})
    case code.keyUnusable:
      return new BootstrapError.RepositoryPrivate({ refused: true, detail: `the key can't be used: ${detail}` })
    case code.taken:
      return new BootstrapError.WorkspaceTaken({ path })
    case code.empty:
      return new BootstrapError.RepositoryEmpty({})
    case code.space:
      return new BootstrapError.NoSpace({ step: "repository", path, detail })
    case code.branchUnknown:
      return new BootstrapError.BranchUnknown({ branch: branch ?? "HEAD" })
  }
  const [, kind] = patterns.find(([pattern]) => pattern.test(stderr)) ?? []
  switch (kind) {
    case "space":
      return new BootstrapError.NoSpace({ step: "repository", path, detail })
    case "branch":
      return new BootstrapError.BranchUnknown({ branch: branch ?? "HEAD" })
    case "ssh":
      return new BootstrapError.SshMissing({})
    case "unknown":
      return new BootstrapError.RepositoryHostUnknown(sshHostOf(url))
    case "changed":
      return new BootstrapError.RepositoryHostChanged(sshHostOf(url))
    case "untrusted":
      return new BootstrapError.RepositoryUntrusted({ detail })
    case "refused":
      return new BootstrapError.RepositoryPrivate({ refused: true, detail })
    case "private":
      return new BootstrapError.RepositoryPrivate({ refused: hasCredentials, detail })
    case "missing":
      return new BootstrapError.RepositoryMissing({ detail })
    case "network":
      return new BootstrapError.RepositoryUnreachable({ detail })
    default:
      return new BootstrapError.RepositoryFailed({
        detail: detail === "" ? `git ended with exit code ${exitCode ?? "unknown"}` : detail,
        ...(exitCode === undefined ? {} : { exitCode })
      })
  }
}
