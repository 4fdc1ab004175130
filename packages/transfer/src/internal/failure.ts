/** What file systems, processes and transports say, as reasons. */
import type { PlatformError } from "effect"
import type { Endpoint } from "../Endpoint.ts"
import * as TransferError from "../TransferError.ts"

/** Where an operation was. */
export interface Where {
  readonly end: "source" | "target"
  readonly machine: string
  readonly path: string
}

export const where = (end: Where["end"], endpoint: Endpoint, path: string): Where => ({
  end,
  machine: endpoint.name ?? "",
  path
})

/** A transport's own error, as far as one can be told from outside: this package knows none of them. */
interface TransportError {
  readonly message: string
  readonly fix: string | undefined
  readonly isRetryable: boolean
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

/** Reasons of a transport that mean that the machine can't be reached any more, rather than that a file is wrong. */
const lost = new Set(["ConnectionLost", "ConnectionClosed", "ConnectTimeout", "ConnectionRefused", "HostUnreachable"])
const unreachable = new Set([
  "DnsFailed",
  "NotSsh",
  "NoCommonAlgorithm",
  "PacketTooLong",
  "HostKeyUnknown",
  "HostKeyChanged",
  "HostKeyRevoked",
  "AuthRejected",
  "PasswordExpired",
  "ChannelRefused",
  "KeyUnreadable",
  "KeyPassphraseMissing",
  "KeyPassphraseWrong",
  "KeyPermissions",
  "PortMissing",
  "PortBusy",
  "PortClosed",
  "LoginPrompt",
  "NoShell",
  "ShellEnded",
  "Rebooted",
  "Panicked"
])

/** A cause may itself be wrapped, but not without end. */
const maxDepth = 5

const causesOf = function* (error: unknown): Generator<Readonly<Record<string, unknown>>> {
  let current: unknown = error
  for (let depth = 0; depth < maxDepth && isRecord(current); depth++) {
    yield current
    const next: unknown = current["cause"]
    current = next === current ? undefined : next
  }
}

const transportError = (error: unknown): TransportError | undefined => {
  for (const cause of causesOf(error)) {
    const reason = cause["reason"]
    const tag = isRecord(reason) ? reason["_tag"] : undefined
    if (typeof tag !== "string" || !(lost.has(tag) || unreachable.has(tag))) continue
    return {
      message: String(cause["message"] ?? tag),
      fix: typeof cause["fix"] === "string" ? cause["fix"] : undefined,
      // A lost connection says that a command must not be repeated; each step of a transfer may be.
      isRetryable: lost.has(tag) || cause["isRetryable"] === true
    }
  }
  return undefined
}

/** The system's own code, such as `ENOSPC`. */
const systemCode = (error: unknown): string | undefined => {
  for (const cause of causesOf(error)) if (typeof cause["code"] === "string") return cause["code"]
  return undefined
}

/** Codes of a local socket or of a pipe to a program that stands for a connection. */
const lostCodes = new Set(["ECONNRESET", "ENOTCONN", "ETIMEDOUT", "ECONNABORTED", "ENETDOWN", "EHOSTUNREACH"])

const words = (error: PlatformError.PlatformError): string => {
  const code = systemCode(error)
  const said = error.reason.description ?? error.message
  return code === undefined || said.includes(code) ? said : `${code}, ${said}`
}

const ofCode = (code: string | undefined, at: Where, detail: string): TransferError.Reason | undefined => {
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG":
      return new TransferError.NoSpace({
        ...at,
        detail: code === "EDQUOT" ? "the quota is used up" : "the disk is full"
      })
    case "ENOTDIR":
      return new TransferError.NotADirectory({ ...at, kind: "file" })
    case "EISDIR":
      return new TransferError.IsADirectory(at)
    case "EROFS":
      return new TransferError.PermissionDenied({ ...at, detail: "the file system is read-only" })
    case "ENAMETOOLONG":
      return new TransferError.UnsafeName({ ...at, detail: "the name is too long there" })
    case "EILSEQ":
      return new TransferError.UnsafeName({ ...at, detail })
    default:
      return undefined
  }
}

/** An error of the file system or of a process at one of the ends. */
export const ofPlatform = (error: PlatformError.PlatformError, at: Where): TransferError.TransferError => {
  const transport = transportError(error)
  if (transport !== undefined) {
    return TransferError.make(
      new TransferError.ConnectionLost({
        machine: at.machine,
        path: at.path,
        detail: transport.message,
        isRetryable: transport.isRetryable,
        ...(transport.fix === undefined || transport.isRetryable ? {} : { advice: transport.fix })
      }),
      error
    )
  }
  return TransferError.make(reasonOf(error, at), error)
}

const reasonOf = (error: PlatformError.PlatformError, at: Where): TransferError.Reason => {
  const code = systemCode(error)
  const detail = words(error)
  if ((code !== undefined && lostCodes.has(code)) || error.reason._tag === "TimedOut") {
    return new TransferError.ConnectionLost({ machine: at.machine, path: at.path, detail, isRetryable: true })
  }
  const known = ofCode(code, at, detail) ?? ofWords(detail, at)
  if (known !== undefined) return known
  switch (error.reason._tag) {
    case "NotFound":
      return new TransferError.NotFound(at)
    case "PermissionDenied":
      return new TransferError.PermissionDenied({ ...at, detail })
    default:
      return new TransferError.FileFailed({ ...at, detail })
  }
}

/** What programs print in the C locale, and servers put into their messages. */
const phrases: ReadonlyArray<readonly [RegExp, (at: Where, said: string) => TransferError.Reason]> = [
  [/no space left|disk (?:is )?full/i, (at) => new TransferError.NoSpace({ ...at, detail: "the disk is full" })],
  [/quota exceeded/i, (at) => new TransferError.NoSpace({ ...at, detail: "the quota is used up" })],
  [
    /read-only file ?system/i,
    (at) => new TransferError.PermissionDenied({ ...at, detail: "the file system is read-only" })
  ],
  [
    /permission denied|operation not permitted/i,
    (at, said) => new TransferError.PermissionDenied({ ...at, detail: said })
  ],
  [/file ?name too long/i, (at) => new TransferError.UnsafeName({ ...at, detail: "the name is too long there" })],
  [/not a directory/i, (at) => new TransferError.NotADirectory({ ...at, kind: "file" })],
  [/is a directory|with non-directory/i, (at) => new TransferError.IsADirectory(at)]
]

const ofWords = (said: string, at: Where): TransferError.Reason | undefined =>
  phrases.find(([pattern]) => pattern.test(said))?.[1](at, said)

/** A program that ended with another code than 0. */
export const ofProgram = (
  program: string,
  ended: { readonly exitCode: number; readonly stderr: string },
  at: Where
): TransferError.TransferError => {
  const said = ended.stderr.trim().slice(-500)
  return TransferError.make(
    ofWords(said, at) ??
      new TransferError.FileFailed({
        ...at,
        detail: `${program} ended with exit code ${ended.exitCode}${said === "" ? "" : `: ${said}`}`
      })
  )
}

/** Whether trying the same step again may help. */
export const isLost = (error: TransferError.TransferError): boolean =>
  error.reason._tag === "ConnectionLost" && error.reason.isRetryable
