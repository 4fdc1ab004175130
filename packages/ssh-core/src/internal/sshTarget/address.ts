import { Result } from "effect"
import { isIPv6 } from "node:net"
import type { SshError } from "../../SshError.ts"
import { failTarget } from "../invalidTarget.ts"
import { parsePort } from "./port.ts"

/** Who and where, as one word names it. */
export interface Address {
  readonly user: string | undefined
  readonly host: string
  readonly port: number | undefined
}

/** What word processors and web pages make of dashes and quotes, and what can't be seen at all. */
const typographyFault = (text: string): string | undefined => {
  if (/^[\u2010-\u2015\u2212]/.test(text)) return "it begins with a typographic dash: type a plain one"
  if (/[\u2018-\u201f]/.test(text)) return "it holds typographic quotes: type plain ones"
  if (/[\u200b-\u200f\u2028-\u202e\u2060\ufeff]/.test(text)) return "it holds invisible characters"
  return undefined
}

/**
 * Why ssh would refuse a host name that was given to it: it may end up in commands through `%h`. `undefined` where it
 * is fine.
 */
export const hostFault = (host: string): string | undefined => {
  if (host === "") return "the host is missing"
  if (host.startsWith("-")) return "a host can't begin with a dash"
  if (/[\u0000-\u001f\u007f-\u009f]/.test(host)) return "a host can't hold control characters"
  if (/['`"$\\;&<>|(){},]|\s/.test(host)) return "a host can't hold blanks, commas, quotes or shell characters"
  if (host.length > 1024) return "the host is too long"
  return typographyFault(host)
}

/** The same for a user name. */
export const userFault = (user: string): string | undefined => {
  if (user === "") return "the user name is empty"
  if (user.startsWith("-")) return "a user name can't begin with a dash"
  if (/[\u0000-\u001f\u007f-\u009f]/.test(user)) return "a user name can't hold control characters"
  if (/['`";&<>|(){}]/.test(user)) return "a user name can't hold quotes or shell characters"
  if (/\s-/.test(user) || user.endsWith("\\"))
    return "a user name can't hold a dash after a blank, or end in a backslash"
  if (user.length > 1024) return "the user name is too long"
  return typographyFault(user)
}

/** Node compiles a large expression at the first such question, which a name need not pay for. */
const isIpv6 = (text: string): boolean => text.includes(":") && isIPv6(text)

const passwordDetail = "a password can't be part of the name of a machine"
const passwordHint = "Give it by --password-env NAME or --password-file FILE, or use a key."

/** `host`, `host:port`, `[host]:port` or a bare IPv6 address. */
const parseHostPort = (
  text: string,
  whole: string
): Result.Result<{ readonly host: string; readonly port: number | undefined }, SshError> => {
  let host = text
  let portText: string | undefined
  const colon = text.indexOf(":")
  if (text.startsWith("[")) {
    const end = text.indexOf("]")
    if (end === -1) return failTarget(whole, "the bracket around the host is not closed")
    const behind = text.slice(end + 1)
    if (behind !== "" && !behind.startsWith(":")) return failTarget(whole, "after the bracket only :port may follow")
    host = text.slice(1, end)
    portText = behind === "" ? undefined : behind.slice(1)
  } else if (colon !== -1 && !isIpv6(text)) {
    host = text.slice(0, colon)
    portText = text.slice(colon + 1)
  }
  if (host.includes(":") && !isIpv6(host)) return failTarget(whole, "the host is no IPv6 address")
  const fault = hostFault(host)
  if (fault !== undefined) return failTarget(whole, fault)
  if (portText === undefined) return Result.succeed({ host, port: undefined })
  const port = parsePort(portText)
  return port === undefined
    ? failTarget(whole, `"${portText.slice(0, 20)}" is no port between 1 and 65535`)
    : Result.succeed({ host, port })
}

const decode = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text.replaceAll("+", " "))
  } catch {
    return undefined
  }
}

const parseUri = (word: string): Result.Result<Address, SshError> => {
  const behindScheme = word.slice("ssh://".length)
  const slash = behindScheme.indexOf("/")
  const authority = slash === -1 ? behindScheme : behindScheme.slice(0, slash)
  // A password may hold anything, slashes included.
  const lastAt = behindScheme.lastIndexOf("@")
  if (lastAt >= authority.length || behindScheme.slice(0, Math.max(lastAt, 0)).includes(":")) {
    return failTarget(word, passwordDetail, passwordHint)
  }
  if (slash !== -1 && slash !== behindScheme.length - 1) return failTarget(word, "a path can't follow the host")
  const at = authority.lastIndexOf("@")
  const userText = at === -1 ? undefined : authority.slice(0, at)
  if (userText !== undefined && /[;@]/.test(userText)) {
    return failTarget(word, "connection parameters in an ssh:// address are not supported")
  }
  const user = userText === undefined ? undefined : decode(userText)
  if (userText !== undefined && user === undefined) return failTarget(word, "the user name is not well encoded")
  const fault = user === undefined ? undefined : userFault(user)
  if (fault !== undefined) return failTarget(word, fault)
  const hostText = authority.slice(at + 1)
  // RFC 6874 writes the zone of a link-local address behind %25.
  const unescaped = hostText.startsWith("[") ? hostText.replace("%25", "%") : hostText
  return Result.map(parseHostPort(unescaped, word), ({ host, port }) => ({ user, host, port }))
}

/** Reads `[user@]host[:port]` or `ssh://[user@]host[:port]`. */
export const parseAddress = (word: string): Result.Result<Address, SshError> => {
  if (/^ssh:\/\//i.test(word)) return parseUri(word)
  if (word.includes("://")) return failTarget(word, "only ssh:// addresses are understood")
  const at = word.lastIndexOf("@")
  const user = at === -1 ? undefined : word.slice(0, at)
  if (user?.includes(":")) {
    return failTarget(word, passwordDetail, `${passwordHint} If the colon belongs to the user name, give it by -l.`)
  }
  const fault = user === undefined ? undefined : userFault(user)
  if (fault !== undefined) return failTarget(word, fault)
  return Result.map(parseHostPort(word.slice(at + 1), word), ({ host, port }) => ({ user, host, port }))
}

const safeUser = /^[A-Za-z0-9._][A-Za-z0-9._-]*$/

/** Writes what {@link parseAddress} reads; `undefined` where the user name has to be given by `-l`. */
export const formatAddress = ({ host, port, user }: Address): string | undefined => {
  if (user !== undefined && !safeUser.test(user)) return undefined
  const bracketed = host.includes(":") ? `[${host}]` : host
  return `${user === undefined ? "" : `${user}@`}${bracketed}${port === undefined ? "" : `:${port}`}`
}
