/** What the system's `ssh` is called with. */
import { Duration } from "effect"
import type { Platform } from "../../ClientPlatform.ts"
import * as HostKeys from "../../HostKeys.ts"
import type { SshTarget } from "../../SshTarget.ts"

export interface Settings {
  readonly target: SshTarget
  /** `undefined` for what the configuration says. */
  readonly hostKeyPolicy: HostKeys.Policy | undefined
  readonly knownHostsFile: string | undefined
  readonly connectTimeout: Duration.Duration
  /** The configuration says nothing of how a dead connection is found. */
  readonly addsKeepalive: boolean
}

const option = (keyword: string, value: string): ReadonlyArray<string> => ["-o", `${keyword}=${value}`]

/** File names in a value that is split at blanks, and in which ssh expands `%`. */
const fileNames = (paths: ReadonlyArray<string>): string =>
  paths.length === 0 ? "none" : paths.map((path) => `"${path.replaceAll("%", "%%")}"`).join(" ")

const hostKeyOptions = ({ hostKeyPolicy, knownHostsFile }: Settings, platform: Platform): ReadonlyArray<string> => {
  const files =
    knownHostsFile === undefined
      ? HostKeys.defaultFiles(platform)
      : { userFiles: [knownHostsFile], globalFiles: [] as ReadonlyArray<string> }
  if (hostKeyPolicy === "off") {
    // ssh would write a key that it accepts so, and with no file at all accepts none; a revoked one it still has to find.
    return [
      ...option("StrictHostKeyChecking", "no"),
      ...option("UserKnownHostsFile", "/dev/null"),
      ...option("GlobalKnownHostsFile", fileNames([...files.userFiles, ...files.globalFiles]))
    ]
  }
  return [
    ...(hostKeyPolicy === undefined
      ? []
      : option("StrictHostKeyChecking", hostKeyPolicy === "strict" ? "yes" : hostKeyPolicy)),
    ...(knownHostsFile === undefined
      ? []
      : [
          ...option("UserKnownHostsFile", fileNames(files.userFiles)),
          ...option("GlobalKnownHostsFile", fileNames(files.globalFiles))
        ])
  ]
}

/**
 * Never a question, and no forwarding of the user's own. The first value that ssh obtains counts: what must be comes
 * first, then what was asked for here, then the target's own options, then what only stands in for silence.
 */
const connection = (settings: Settings, platform: Platform): ReadonlyArray<string> => {
  const { configFile, host, identityFiles, options, port, proxyJump, user } = settings.target
  return [
    "-v",
    "-T",
    ...option("BatchMode", "yes"),
    ...option("ClearAllForwardings", "yes"),
    ...option("PermitLocalCommand", "no"),
    ...hostKeyOptions(settings, platform),
    ...option("ConnectTimeout", String(Math.max(1, Math.ceil(Duration.toSeconds(settings.connectTimeout))))),
    ...(configFile === undefined ? [] : ["-F", configFile]),
    ...identityFiles.flatMap((file) => ["-i", file]),
    ...(port === undefined ? [] : ["-p", String(port)]),
    ...(user === undefined ? [] : ["-l", user]),
    ...(proxyJump === undefined ? [] : ["-J", proxyJump.join(",") || "none"]),
    ...options.flatMap(({ keyword, value }) => option(keyword, value)),
    // As this package's own transport does it.
    ...(settings.addsKeepalive ? [...option("ServerAliveInterval", "3"), ...option("ServerAliveCountMax", "3")] : []),
    "--",
    host
  ]
}

/** Connects, and shares the connection through a control socket until it is ended. */
export const master = (settings: Settings, platform: Platform, socket: string): ReadonlyArray<string> => [
  "-N",
  ...option("ControlMaster", "yes"),
  ...option("ControlPath", socket.replaceAll("%", "%%")),
  ...option("ControlPersist", "no"),
  ...connection(settings, platform)
]

/** Connects for one thing alone: a command that follows, or what `extra` says instead. */
export const single = (
  settings: Settings,
  platform: Platform,
  extra: ReadonlyArray<string> = []
): ReadonlyArray<string> => [
  ...extra,
  ...option("ControlMaster", "no"),
  ...option("ControlPath", "none"),
  ...connection(settings, platform)
]
