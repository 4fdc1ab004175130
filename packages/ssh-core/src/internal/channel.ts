import { Effect } from "effect"
import type * as Ssh2 from "ssh2"
import * as CapturedOutput from "../CapturedOutput.ts"
import * as SshError from "../SshError.ts"
import { isDropbear } from "./dropbear.ts"
import type { Refusals } from "./refusals.ts"

/** A pseudo-terminal to run a command in. */
export interface Pty {
  readonly rows: number
  readonly cols: number
  readonly term: string
  /** What is typed is shown by the terminal itself. */
  readonly echo: boolean
}

export interface Connection {
  readonly client: Ssh2.Client
  /** How the server names itself. */
  readonly identification: string
  readonly isOpen: () => boolean
  readonly refusals: Refusals
}

/** What a session channel is asked to run. */
export interface ExecRequest {
  readonly command: string
  readonly pty: Pty | undefined
  /** It is a shell that waits for what to run, so that nothing has run where it is not known to have come up. */
  readonly isWaiting: boolean
}

/**
 * A session channel that runs one exec request. `attach` is called in the very callback that brings the channel: the
 * exit status may come in the same packet as the reply, and a listener attached later would miss it. `late` is called in
 * its place where nobody waits any more: the command runs nonetheless, unless the channel is `undefined`.
 */
export const exec = <A>(
  connection: Connection,
  { command, isWaiting, pty }: ExecRequest,
  attach: (channel: Ssh2.ClientChannel) => A,
  late: (channel: Ssh2.ClientChannel | undefined) => void
): Effect.Effect<A, SshError.SshError> =>
  opened(
    connection,
    (callback) => connection.client.exec(command, pty === undefined ? {} : { pty: requestOf(pty) }, callback),
    attach,
    late,
    isWaiting
  )

/** A session channel with a subsystem on it, handed over as that of {@link exec} is; one that comes late is closed. */
export const subsystem = <A>(
  connection: Connection,
  name: string,
  attach: (channel: Ssh2.ClientChannel) => A
): Effect.Effect<A, SshError.SshError> =>
  opened(
    connection,
    (callback) => connection.client.subsys(name, callback),
    attach,
    (channel) => channel?.close(),
    true
  )

const opened = <A>(
  connection: Connection,
  ask: (callback: Ssh2.ClientCallback) => void,
  attach: (channel: Ssh2.ClientChannel) => A,
  late: (channel: Ssh2.ClientChannel | undefined) => void,
  isHarmless: boolean
): Effect.Effect<A, SshError.SshError> =>
  Effect.callback<A, SshError.SshError>((resume) => {
    let abandoned = false
    const callback: Ssh2.ClientCallback = (error, channel) => {
      if (error) {
        const refusing = connection.refusals.current()
        // The driver leaves a refused channel open, and the server counts it.
        refusing?.close()
        const ranNothing = isHarmless || refusing !== undefined || closesBeforeExec(connection)
        if (abandoned) late(undefined)
        else resume(Effect.fail(refused(error, connection.isOpen(), ranNothing)))
      } else if (abandoned) {
        late(channel)
      } else {
        resume(Effect.succeed(attach(channel)))
      }
    }
    whileConnected(
      () => ask(callback),
      (error) => resume(Effect.fail(error))
    )
    return Effect.sync(() => {
      abandoned = true
    })
  })

/** Modes of the terminal as RFC 4254 section 8 has them; those that are not named are the server's. */
const requestOf = ({ echo, ...pty }: Pty): Ssh2.PseudoTtyOptions => (echo ? pty : { ...pty, modes: { ECHO: 0 } })

/**
 * dropbear closes a new channel now and then when another one ends, and then passes over what is asked on it: the close
 * in place of an answer came before the command was even looked at.
 */
const closesBeforeExec = ({ identification }: Connection): boolean => isDropbear(identification)

/** What the server said, without the mark that the driver puts before it. */
export const serverWords = (error: Error): string => error.message.replace(/^\(SSH\) /, "")

/** Asks the driver for something; it throws where the socket is already gone. */
export const whileConnected = (ask: () => void, otherwise: (error: SshError.SshError) => void): void => {
  try {
    ask()
  } catch (error) {
    otherwise(lost(error instanceof Error ? error.message : String(error), "did-not-run"))
  }
}

/** The connection ended before the command could print anything. */
export const lost = (detail: string, outcome: SshError.Outcome): SshError.SshError =>
  SshError.make(
    new SshError.ConnectionLost({
      command: "",
      stdout: CapturedOutput.empty,
      stderr: CapturedOutput.empty,
      detail,
      outcome
    })
  )

/** Reason codes of SSH_MSG_CHANNEL_OPEN_FAILURE, RFC 4254 section 5.1. */
const unknownChannelType = 3

const refused = (
  error: Error & { readonly reason?: unknown },
  connected: boolean,
  ranNothing: boolean
): SshError.SshError => {
  const detail = serverWords(error)
  const refusal = (request: string, busy: boolean) =>
    SshError.make(new SshError.ChannelRefused({ request, detail, busy }))
  if (detail.startsWith("Unable to exec")) {
    if (ranNothing) return connected ? refusal("exec", false) : lost("it ended", "did-not-run")
    // Without an answer to the exec request nobody knows whether the server ran it.
    return lost(connected ? "the server closed the channel in place of an answer" : "it ended", "may-have-run")
  }
  if (!connected) return lost("it ended", "did-not-run")
  const [, subsystemName] = /^Unable to start subsystem: (.*)$/.exec(detail) ?? []
  if (subsystemName !== undefined) return refusal(subsystemName, false)
  // OpenSSH answers a session over MaxSessions with more than one code; only an unknown type is certain not to change.
  if (/Channel open failure|No free channels/i.test(detail)) {
    return refusal("session", error.reason !== unknownChannelType)
  }
  return refusal(detail.includes("pseudo-terminal") ? "pty" : "exec", false)
}
