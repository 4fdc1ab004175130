/** Words of a machine's from which a secret is taken out, should a program have printed it. */
import { Redacted } from "effect"
import type { SessionConfig } from "../SessionConfig.ts"

/** As a header has them; a secret may be any text. */
const basic = (user: string, secret: string) =>
  globalThis.btoa(String.fromCharCode(...new TextEncoder().encode(`${user}:${secret}`)))

/** Puts `<redacted>` in the place of each of the configuration's secrets, also as a URL or in basic auth has it. */
export const scrubber = ({ credentials, openCodePassword, sshKey }: SessionConfig): ((text: string) => string) => {
  const forms = [
    ...(credentials === undefined
      ? []
      : [[credentials.username ?? defaultUser, Redacted.value(credentials.token)] as const]),
    ...(openCodePassword === undefined ? [] : [["opencode", Redacted.value(openCodePassword)] as const])
  ].flatMap(([user, secret]) => [basic(user, secret), encodeURIComponent(secret), secret])
  // A program that prints a key prints it line by line.
  if (sshKey !== undefined)
    forms.push(
      ...Redacted.value(sshKey)
        .split("\n")
        .filter((line) => /^[A-Za-z0-9+/=]{16,}$/.test(line))
    )
  return (text) => forms.reduce((found, secret) => found.replaceAll(secret, "<redacted>"), text)
}

/** Of a token alone: GitHub and GitLab take any name with it. */
export const defaultUser = "x-access-token"
