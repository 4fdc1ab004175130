/** What may be a word of a command, a path or a URL: each check answers what is wrong, without the value itself. */

type Check = (text: string) => string | undefined

const matching =
  (pattern: RegExp, expected: string): Check =>
  (text) =>
    pattern.test(text) ? undefined : expected

/** It is a folder's name, a systemd instance and part of a job's id. */
export const sessionId = matching(/^[A-Za-z0-9_-]{1,56}$/, "it must be 1 to 56 letters, digits, _ or -")

export const vmId = matching(
  /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,127}$/,
  "it must be 1 to 128 letters, digits, _, ., : or -, with a letter, digit or _ first"
)

const octet = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
const ipv4Pattern = new RegExp(`^${octet}(?:\\.${octet}){3}$`)

/** The address of one machine: not 0.0.0.0, no broadcast, no multicast. */
export const ipv4: Check = (text) => {
  if (!ipv4Pattern.test(text)) return "it must be an IPv4 address such as 10.0.100.20"
  const first = Number(text.slice(0, text.indexOf(".")))
  return first === 0 || first >= 224 ? "it must be the address of one machine" : undefined
}

export const absolutePath: Check = (text) => {
  if (text.length > 1024) return "it must be 1024 characters at most"
  if (!/^\/[A-Za-z0-9._/@+,=-]*$/.test(text)) {
    return "it must be an absolute path of letters, digits and . _ - @ + , ="
  }
  if (text === "/" || /\/\//.test(text)) return "it must name a folder, without empty parts"
  return text.split("/").some((part) => part === "." || part === "..") ? "it must not have . or .. in it" : undefined
}

// git-check-ref-format(1), and nothing that a shell or an option could be made of.
export const ref: Check = (text) => {
  if (text === "" || text.length > 255) return "it must have 1 to 255 characters"
  if (text.startsWith("-")) return "it must not begin with -, which is an option"
  if (!/^[\p{L}\p{N}._/+#@=,%-]+$/u.test(text)) {
    return "it must be letters, digits and . _ - / + # @ = , % alone"
  }
  const parts = text.split("/")
  const isOdd =
    text.includes("..") ||
    text === "@" ||
    text.endsWith(".") ||
    parts.some((part) => part === "" || part.startsWith(".") || part.endsWith(".lock"))
  return isOdd ? "it is no name that git allows for a branch, tag or commit" : undefined
}

const host = "(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?|\\[[0-9A-Fa-f:.]{2,45}\\])"
const port = "(?::[0-9]{1,5})?"
const user = "(?:[A-Za-z0-9_][A-Za-z0-9._-]{0,63}@)?"
const path = "/[A-Za-z0-9._~%+@:=,/-]+"
const web = new RegExp(`^https?://${host}${port}${path}$`, "i")
const others: ReadonlyArray<RegExp> = [
  new RegExp(`^git://${host}${port}${path}$`, "i"),
  new RegExp(`^ssh://${user}${host}${port}${path}$`, "i"),
  // As git and scp write it: user@host:path.
  new RegExp(`^${user}${host}:[A-Za-z0-9._~%+@=,][A-Za-z0-9._~%+@:=,/-]*$`),
  new RegExp(`^file://${path}$`, "i")
]

export const repoUrl: Check = (text) => {
  if (text.length > 2048) return "it must have 2048 characters at most"
  if (/^[A-Za-z0-9+.-]*::/.test(text)) return "a remote helper (such as ext::) is not taken"
  if (/^https?:\/\/[^/]*@/i.test(text)) {
    return "it must hold no user or password; give them as credentials, where they are kept out of files and logs"
  }
  if (!web.test(text) && !others.some((pattern) => pattern.test(text))) {
    return "it must be an https, http, ssh, git or file URL, or user@host:path, without blanks, quotes, query or fragment"
  }
  const [, colon = ""] = /^[^/]*:\/\/[^/]*:([0-9]+)\//.exec(text) ?? []
  if (Number(colon) > 65535) return "its port is none"
  return text.split(/[/:]/).some((part) => part === ".." || /^(?:%2e|\.){2}$/i.test(part))
    ? "its path must not climb (..)"
    : undefined
}

/** Whether git gets there by ssh: `ssh://…` or `user@host:path`. */
export const isSshUrl = (url: string): boolean => /^ssh:/i.test(url) || !/^[a-z]+:\/\//i.test(url)

/** The server of an ssh URL, as `ssh-keyscan` and known_hosts name it. */
export const sshHostOf = (url: string): { readonly host: string; readonly port: string } => {
  const [, full, named = ""] = /^ssh:\/\/(?:[^@/]*@)?(\[[^\]]*\]|[^:/]*)(?::([0-9]+))?\//i.exec(url) ?? []
  const [, short = ""] = /^(?:[^@/]*@)?(\[[^\]]*\]|[^:/]*):/.exec(url) ?? []
  return { host: (full ?? short).replace(/^\[|\]$/g, ""), port: named }
}

/** A private key as ssh-keygen(1) writes it. Whether it can be used the machine's ssh finds out. */
export const privateKey: Check = (text) => {
  if (text.length > 16_384) return "it must have 16384 characters at most"
  return /^-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----\n[A-Za-z0-9+/=:, \n-]+-----END [A-Z ]{0,20}PRIVATE KEY-----\n?$/.test(
    text
  )
    ? undefined
    : "it must be a private key as ssh-keygen writes it, line breaks included"
}

/** Lines of a file of known hosts, as of sshd(8). */
export const knownHosts: Check = (text) => {
  if (text.trim() === "" || text.length > 65_536) return "it must have 1 to 65536 characters"
  return /^[\x20-\x7e\t\n]+$/.test(text) ? undefined : "it must be lines of known_hosts, of printable ASCII alone"
}

const isPrivate = (text: string): boolean =>
  text === "localhost" ||
  text === "[::1]" ||
  (ipv4(text) === undefined && /^(?:127\.|10\.|192\.168\.|172\.(?:1[6-9]|2[0-9]|3[01])\.)/.test(text))

/** A token goes over TLS, or to a machine of one's own network. */
export const mayCarrySecret: Check = (url) => {
  const [, scheme = "", authority = ""] = /^([a-z]+):\/\/([^/]*)\//i.exec(url) ?? []
  const name = authority.replace(/:[0-9]+$/, "")
  if (/^https$/i.test(scheme)) return undefined
  if (/^http$/i.test(scheme)) {
    return isPrivate(name.toLowerCase()) ? undefined : "a token would be sent unencrypted: give an https URL"
  }
  return "a token is for https URLs alone"
}

/** One line that a program may read. */
export const secret: Check = (text) => {
  if (text === "" || text.length > 8192) return "it must have 1 to 8192 characters"
  return /[\p{Cc}]/u.test(text) ? "it must not have line breaks or control characters" : undefined
}

export const userName = matching(
  /^[^\p{Cc}:]{1,256}$/u,
  "it must have 1 to 256 characters, none of them : or a control"
)
