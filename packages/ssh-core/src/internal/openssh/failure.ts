/** Why the system's `ssh` could not connect, in the reasons that the driver's transport has. */
import { invalidTarget } from "../invalidTarget.ts"
import * as SshError from "../../SshError.ts"
import { keyType, type Report } from "./report.ts"

export interface Endpoint {
  readonly host: string
  readonly port: number
  readonly user: string
  /** The known_hosts files that were looked at. */
  readonly files: ReadonlyArray<string>
  readonly connectTimeoutMs: number
}

type Rule = readonly [
  pattern: RegExp,
  reason: (match: RegExpExecArray, to: Endpoint, report: Report) => SshError.Reason
]

const port = (text: string | undefined, to: Endpoint): number =>
  text !== undefined && /^\d{1,5}$/.test(text) ? Number(text) : to.port

const names = (text: string | undefined): ReadonlyArray<string> => (text ?? "").split(",").filter((name) => name !== "")

const closed = (detail: string, to: Endpoint, report: Report): SshError.Reason => {
  const { stage, stranger } = report
  if (stage === "banner" && stranger !== "")
    return new SshError.NotSsh({ host: to.host, port: to.port, received: stranger })
  return new SshError.ConnectionClosed({ host: to.host, port: to.port, stage: stage === "dns" ? "tcp" : stage, detail })
}

const kinds: Readonly<Record<string, SshError.NoCommonAlgorithm["kind"]>> = {
  "key exchange method": "kex",
  "host key type": "host-key",
  cipher: "cipher",
  MAC: "mac",
  "compression method": "compression"
}

const connectCodes: ReadonlyArray<readonly [words: RegExp, code: string]> = [
  [/No route to host/, "EHOSTUNREACH"],
  [/Network is unreachable|Network is down/, "ENETUNREACH"],
  [/Host is down/, "EHOSTDOWN"],
  [/Cannot assign requested address/, "EADDRNOTAVAIL"]
]

const couldNotConnect: Rule[1] = ([, host = "", at, words = ""], to) => {
  const endpoint = { host, port: port(at, to) }
  if (/refused/.test(words)) return new SshError.ConnectionRefused(endpoint)
  if (/timed out/.test(words))
    return new SshError.ConnectTimeout({ ...endpoint, stage: "tcp", timeoutMs: to.connectTimeoutMs })
  const code = connectCodes.find(([pattern]) => pattern.test(words))?.[1]
  return code === undefined
    ? new SshError.ConnectionClosed({ ...endpoint, stage: "tcp", detail: words })
    : new SshError.HostUnreachable({ ...endpoint, code })
}

const unknownKey: Rule[1] = (_match, to, report) =>
  new SshError.HostKeyUnknown({
    host: to.host,
    port: to.port,
    ...report.hostKey,
    files: to.files,
    certAuthority: false
  })

const changedKey: Rule[1] = (_match, to, report) => {
  const known = report.words.flatMap((line) => {
    const found = /^Offending (?:key for IP in|(\S+) key in) (.+):(\d{1,9})$/.exec(line)
    if (found === null) return []
    const [, type = "", file = "", number] = found
    return [{ keyType: keyType(type), fingerprint: "", file, line: Number(number) }]
  })
  return new SshError.HostKeyChanged({ host: to.host, port: to.port, ...report.hostKey, known })
}

const rejected = (offers: string | undefined, to: Endpoint, report: Report, detail?: string): SshError.Reason =>
  new SshError.AuthRejected({
    host: to.host,
    port: to.port,
    user: report.user === "" ? to.user : report.user,
    attempts: report.attempts,
    serverOffers: offers === undefined ? report.offers : names(offers),
    ...(detail === undefined ? {} : { detail })
  })

export const noProgram = (program: string, detail: string): SshError.Reason =>
  new SshError.InvalidArgument({
    argument: program,
    detail: `it could not be run (${detail})`,
    hint: "Install OpenSSH's client, or use the transport ssh2."
  })

export const noPassword = (program: string): SshError.Reason =>
  new SshError.InvalidArgument({
    argument: "The password",
    detail: `${program} can't share its connection here, and each command would have to log in by itself`,
    hint: "Use a key, by an agent if it has a passphrase (ssh-add), or the transport ssh2."
  })

export const notShared: SshError.Reason = new SshError.ChannelRefused({
  request: "tcpip-forward",
  detail: "an ssh that does not share its connection can't have the machine listen",
  busy: false
})

export const timedOut = (report: Report, { connectTimeoutMs, host, port }: Endpoint): SshError.SshError =>
  SshError.make(new SshError.ConnectTimeout({ host, port, stage: report.stage, timeoutMs: connectTimeoutMs }))

/**
 * The first rule that any line fits decides, for what one line says may be the consequence of another: a jump host that
 * lets nobody in looks like a connection that was closed.
 */
const rules: ReadonlyArray<Rule> = [
  [
    /^(?:\S*sh: )?(?:\d+: |line \d+: )?(?:exec: )?(\S+): (?:command )?not found$/,
    ([, program = "ssh"]) => noProgram(program, "NotFound")
  ],
  [
    /^(.+?): (line \d+): (Bad configuration option: .+|.*(?:keyword|argument|unsupported|Unsupported|Bad ).*)$/,
    ([, file = "", line = "", detail = ""]) =>
      invalidTarget({ word: file, location: `${file}: ${line}`, detail, hint: "Correct the option and try again." })
        .reason
  ],
  [
    /^Can't open user config file (.+): (.+)$/,
    ([, path = "", detail = ""]) =>
      /No such file/.test(detail) ? new SshError.NotFound({ path }) : new SshError.FileFailed({ path, detail })
  ],
  [
    /^Bad owner or permissions on (.+)$/,
    ([, path = ""]) => new SshError.PermissionDenied({ path, detail: "its owner or its mode lets others write it" })
  ],
  [
    /^ssh: Could not resolve hostname (.+?): (.*)$/,
    ([, host = "", words = ""]) =>
      new SshError.DnsFailed({ host, code: /Temporary failure|try again/i.test(words) ? "EAI_AGAIN" : "ENOTFOUND" })
  ],
  [/^ssh: connect to host (.+) port (\d+): (.*)$/, couldNotConnect],
  [/marked as revoked|REVOKED HOST KEY DETECTED/, (_match, to, report) => revokedKey(to, report)],
  [/HOST IDENTIFICATION HAS CHANGED|^Host key for .+ has changed/, changedKey],
  [/^Host key verification failed\.$|^No .+ host key is known for/, unknownKey],
  [
    /^Unable to negotiate with (.+?) port (\d+): no matching (.+?) found\. Their offer: (.*)$/,
    ([, , , kind = "", offer], to) =>
      new SshError.NoCommonAlgorithm({
        host: to.host,
        port: to.port,
        kind: kinds[kind] ?? "kex",
        offered: [],
        serverOffers: names(offer)
      })
  ],
  [/Permission denied \(([a-z0-9,@.-]*)\)\.$/i, ([, offers], to, report) => rejected(offers, to, report)],
  [
    /^Received disconnect from .+? port \d+:\d+: (Too many authentication failures.*)$/,
    ([, detail], to, report) => rejected(undefined, to, report, detail)
  ],
  [
    /timed out during banner exchange|^Connection timed out|^Connection to .+ timed out/,
    (_match, to, report) =>
      new SshError.ConnectTimeout({ host: to.host, port: to.port, stage: report.stage, timeoutMs: to.connectTimeoutMs })
  ],
  [
    /^banner exchange: Connection to .+: invalid format|^ssh_exchange_identification: (?!.*(?:closed|reset))|banner line contains invalid/,
    ([words], to) => new SshError.NotSsh({ host: to.host, port: to.port, received: words })
  ],
  [/^Received disconnect from .+? port \d+:\d+: (.*)$/, ([, detail = ""], to, report) => closed(detail, to, report)],
  [
    /^(?:kex_exchange_identification|ssh_exchange_identification): (.*)$/,
    ([, detail = ""], to, report) => closed(detail, to, report)
  ],
  [
    /^(?:ssh_dispatch_run_fatal: )?(Connection (?:closed|reset) by .*)$/,
    ([, detail = ""], to, report) => closed(detail, to, report)
  ]
]

/** ssh does not say where the line is. */
const revokedKey = (to: Endpoint, report: Report): SshError.Reason =>
  new SshError.HostKeyRevoked({
    host: to.host,
    port: to.port,
    ...report.hostKey,
    file: to.files[0] ?? "known_hosts",
    line: 0
  })

/** The reason that the report holds, or that the connection was closed with its last words. */
export const classify = (report: Report, to: Endpoint): SshError.SshError => {
  for (const [pattern, reason] of rules) {
    for (const line of report.words) {
      const match = pattern.exec(line)
      if (match !== null) return SshError.make(reason(match, to, report))
    }
  }
  return SshError.make(closed(report.words.at(-1) ?? "ssh ended without a word", to, report))
}
