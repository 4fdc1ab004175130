/**
 * Questions that programs ask on a terminal, recognised by how output ends.
 *
 * @since 0.1.0
 */

/**
 * What is asked for. `input` is anything that looks like a question and is none of the others: by its looks alone it
 * proves nothing.
 *
 * @since 0.1.0
 * @category models
 */
export type Kind = "sudo" | "password" | "passphrase" | "username" | "host-key" | "confirmation" | "pager" | "input"

/**
 * A question that output ends with: its kind, its text on one line (at most 200 characters, without escape sequences),
 * and what keeps it from being asked.
 *
 * @since 0.1.0
 * @category models
 */
export interface Prompt {
  readonly kind: Kind
  readonly text: string
  readonly fix: string
}

const maxText = 200

/** How much of the end of an output is looked at. */
const maxTail = 1024

const fixes: Readonly<Record<Kind, string>> = {
  sudo: "Give sudo its password by a secret (toehold exec --sudo --sudo-password-env NAME), or use `sudo -n` where none should be needed.",
  password:
    "Give the password in a way that needs no terminal (a file or a variable), or answer by a script: toehold interact.",
  passphrase: "Load the key into an agent, or use one without a passphrase; or answer by a script: toehold interact.",
  username:
    "Set GIT_TERMINAL_PROMPT=0 and give git its credentials by a helper or a token; or answer by a script: toehold interact.",
  "host-key":
    "Put the host's key into known_hosts there first, or use `ssh -o StrictHostKeyChecking=accept-new`; with BatchMode=yes ssh never asks.",
  confirmation:
    "Use the flag that answers it (-y, --yes, --force, DEBIAN_FRONTEND=noninteractive), or answer by a script: toehold interact.",
  pager: "Set PAGER=cat (GIT_PAGER, SYSTEMD_PAGER), or leave the terminal out.",
  input: "Give the input with --stdin, or answer by a script: toehold interact."
}

// Each is tried on one line of at most 1024 characters, trimmed at its end. None nests a repetition in another one.
const rules: ReadonlyArray<readonly [kind: Kind, pattern: RegExp]> = [
  ["sudo", /^\[sudo(?:: [^\]]{1,80})?\] .{0,160}[:：]$/u],
  ["host-key", /\(yes\/no(?:\/\[fingerprint\])?\)\?$/],
  ["host-key", /^Please type 'yes', 'no' or the fingerprint:$/],
  ["passphrase", /\b(?:passphrase|pass phrase)\b.{0,200}[:：]$/i],
  ["password", /(?:\bpassword|\bpasscode|\bpasswort|\bmot de passe|\bcontraseña|\bPIN|密码)(?!\w).{0,200}[:：]$/iu],
  ["password", /\b(?:verification code|one-time (?:password|code)|OTP|authenticator code)\b.{0,80}[:：]$/i],
  ["username", /^(?:enter )?(?:your )?(?:user ?name|login|e-?mail(?: address)?)(?: for '[^']{0,200}')?:$/i],
  ["username", /^\S{1,80} login:$/],
  ["confirmation", /[[(]\s?\[?y(?:es)?\]?\s?[/,|].{0,60}[\])](?:\s?[[(][^\])]{0,20}[\])])?\s?[?:>]?$/i],
  ["confirmation", /\?\s{0,4}[[(]\[?y(?:es)?\]?[\])]\s?[?:>]?$/i],
  ["confirmation", /\[y\]es, ?\[n\]o.{0,60}[?:]$/i],
  ["confirmation", /\b(?:press|hit|type)\b.{0,20}\b(?:enter|return|any key)\b.{0,60}$/i],
  ["confirmation", /\b(?:continue|proceed|are you sure)\?$/i],
  ["pager", /^--More--(?:\s?\(\d{1,3}%\))?$/],
  ["pager", /^(?:\(END\)|:|lines \d{1,9}-\d{1,9}(?:\/\d{1,9})?(?: \(END\)| \d{1,3}%)?)$/],
  ["pager", /\(press h for help or q to quit\)$/],
  ["input", /[?:>$#%\]]$/]
]

/** ECMA-48: control sequences, and the strings that some terminals take titles by. */
// oxlint-disable-next-line no-control-regex
const escapes = /\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]|\][^\x07\x1b]{0,256}(?:\x07|\x1b\\)|[ -/]{0,4}[0-~])/g

/** The line that the cursor stands in: what comes after the last newline, or after a return to the line's beginning. */
const lastLine = (output: string): string => {
  const shown = output
    .slice(-maxTail)
    .replace(escapes, "")
    .replace(/[\r\n]{0,4}$/, (end) => (end.includes("\n") ? "\n" : ""))
  const line = shown.slice(Math.max(shown.lastIndexOf("\n"), shown.lastIndexOf("\r")) + 1)
  return line.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, "").trimEnd()
}

const ofLine = (line: string): Prompt | undefined => {
  if (line === "") return undefined
  const kind = rules.find(([, pattern]) => pattern.test(line))?.[0]
  return kind === undefined ? undefined : { kind, text: line.trim().slice(-maxText), fix: fixes[kind] }
}

/**
 * The question that an output ends with, in a line that was not ended; `undefined` where there is none. Takes any
 * text, looks at its last 1024 characters, and needs time linear in them.
 *
 * @since 0.1.0
 * @category recognition
 */
export const atEnd = (output: string): Prompt | undefined => ofLine(lastLine(output))

// What programs say when they can't ask: as a whole line, near the end of what they said.
const complaints: ReadonlyArray<readonly [kind: Kind, pattern: RegExp]> = [
  ["sudo", /^sudo: (?:a password is required|a terminal is required to read the password|no password was provided)/m],
  ["sudo", /^sudo: (?:no tty present and no askpass program specified|sorry, you must have a tty to run sudo)/m],
  ["username", /^fatal: could not read (?:Username|Password) for /m],
  ["host-key", /^Host key verification failed\.\r?$/m],
  ["confirmation", /[[(]y(?:es)?\/n(?:o)?[\])]\s?:? ?(?:Abort\.|Operation aborted\.)?\r?$/im]
]

/**
 * The question for want of an answer to which a command failed: asked at the end of its output, or named in what it
 * complained of there. For the output of a command that ended with another code than 0.
 *
 * @since 0.1.0
 * @category recognition
 */
export const inFailure = (output: string): Prompt | undefined => {
  const asked = atEnd(output)
  if (asked !== undefined && asked.kind !== "input") return asked
  const tail = output.slice(-maxTail).replace(escapes, "")
  for (const [kind, pattern] of complaints) {
    const found = pattern.exec(tail)
    if (found === null) continue
    const start = tail.lastIndexOf("\n", found.index) + 1
    const end = tail.indexOf("\n", found.index)
    const line = tail.slice(start, end === -1 ? undefined : end).replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, "")
    return { kind, text: line.trim().slice(-maxText), fix: fixes[kind] }
  }
  return undefined
}
