import { Duration, Schedule } from "effect"
import type { SshError } from "../SshError.ts"

/**
 * dropbear (2022.83 at least) is not sure of itself while one session ends and another begins: it closes the new one
 * before it looks at the command, or loses the whole connection (it fails its own assertion when a request comes for a
 * session that it has just closed). One session at a time is what it never fails at.
 */
export const isDropbear = (identification: string): boolean => identification.startsWith("SSH-2.0-dropbear")

const isRequestRefused = ({ reason }: SshError): boolean =>
  reason._tag === "ChannelRefused" && reason.request !== "session"

/**
 * dropbear refuses a request now and then for no reason of its own, several in a row while others end; nothing ran, so
 * more tries cost nothing. Any other server means what it says.
 */
export const triesAfterRefusal = (identification: string) => ({
  while: isRequestRefused,
  schedule: Schedule.exponential(Duration.millis(10)),
  times: isDropbear(identification) ? 7 : 1
})
