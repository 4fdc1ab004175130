/** What the system's `ssh` is called with. */
import { Duration } from "effect"
import type * as HostKeys from "../../HostKeys.ts"
import type { SshTarget } from "../../SshTarget.ts"

export interface Settings {
  readonly target: SshTarget
  /** `undefined` for what the configuration says. */
  readonly hostKeyPolicy: HostKeys.Policy | undefined
  readonly knownHostsFile: string | undefined
  readonly connectTimeout: Duration.Duration
  /** The configuration says nothing of how a dead connection is found. */
  readonly addsKeepalive: boolean
  /** A password may be asked for, of a program that answers. */
  readonly asksPassword: boolean
}

const option = (keyword: string, value: string): ReadonlyArray<string> => ["-o", `${keyword}=${value}`]

/** A file name in a value that is split at blanks, and in which ssh expands `%`. */
const fileName = (path: string): string => `"${path.replaceAll("%", "%%")}"`

const hostKeyOptions = ({ hostKeyPolicy, knownHostsFile }: Settings): ReadonlyArray<string> => {
  if (hostKeyPolicy === "off") {
    // ssh would write a key that it accepts so, and with no file at all accepts none.
    return [
      ...option("StrictHostKeyChecking", "no"),
      ...option("UserKnownHostsFile", "/dev/null"),
      ...option("GlobalKnownHostsFile", "/dev/null")
    ]
  }
  const policy = hostKeyPolicy === "strict" ? "yes" : hostKeyPolicy
  return [
    ...(policy === undefined ? [] : option("StrictHostKeyChecking", policy)),
    ...(knownHostsFile === undefined
      ? []
      : [...option("UserKnownHostsFile", fileName(knownHostsFile)), ...option("GlobalKnownHostsFile", "none")])
  ]
}

/**
 * Never a question, and no forwarding of the user's own. The first value that ssh obtains counts: what must be comes
 * first, then what was asked for here, then the target's own options, then what only stands in for silence.
 */
const connection = (settings: Settings): ReadonlyArray<string> => {
  const { configFile, identityFiles, options, port, proxyJump, user } = settings.target
  return [
    // Which would try no password either. Whatever else is asked for then is not answered.
    ...(settings.asksPassword ? option("NumberOfPasswordPrompts", "1") : option("BatchMode", "yes")),
    ...option("PermitLocalCommand", "no"),
    ...hostKeyOptions(settings),
    ...option("ConnectTimeout", String(Math.max(1, Math.ceil(Duration.toSeconds(settings.connectTimeout))))),
    ...(configFile === undefined ? [] : ["-F", configFile]),
    ...identityFiles.flatMap((file) => ["-i", file]),
    ...(port === undefined ? [] : ["-p", String(port)]),
    ...(user === undefined ? [] : ["-l", user]),
    ...(proxyJump === undefined ? [] : ["-J", proxyJump.join(",") || "none"]),
    ...options.flatMap(({ keyword, value }) => option(keyword, value)),
    // As this package's own transport does it.
    ...(settings.addsKeepalive ? [...option("ServerAliveInterval", "3"), ...option("ServerAliveCountMax", "3")] : [])
  ]
}

/** Holds a connection until it is ended, and shares it through a control socket if there is one. */
export const holding = (settings: Settings, socket: string | undefined): ReadonlyArray<string> => [
  "-v",
  "-N",
  "-T",
  ...option("ControlMaster", socket === undefined ? "no" : "yes"),
  ...option("ControlPath", socket === undefined ? "none" : socket.replaceAll("%", "%%")),
  ...option("ControlPersist", "no"),
  ...option("ClearAllForwardings", "yes"),
  ...connection(settings),
  "--",
  settings.target.host
]

/** Connects for one channel alone. */
export const single = (
  settings: Settings,
  flags: ReadonlyArray<string>,
  command: ReadonlyArray<string>
): ReadonlyArray<string> => [
  ...flags,
  ...option("LogLevel", "ERROR"),
  ...option("ControlMaster", "no"),
  ...option("ControlPath", "none"),
  // It would clear what -W asks for as well.
  ...(flags.includes("-W") ? [] : option("ClearAllForwardings", "yes")),
  ...connection(settings),
  "--",
  settings.target.host,
  ...command
]
