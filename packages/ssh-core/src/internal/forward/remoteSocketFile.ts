/**
 * The file of a Unix socket on the machine. OpenSSH leaves it behind, and then can't listen on its path again. It is
 * removed when it is the very file that was made for us, or when nobody listens on it.
 */
import { Effect } from "effect"
import type { SshClient } from "../../SshClient.ts"
import * as SshCommand from "../../SshCommand.ts"
import * as SshError from "../../SshError.ts"

type Client = SshClient["Service"]

/** An account may be allowed to forward and to do nothing else: what can't be looked at is then left as it is. */
const longest = "5 seconds"

const run = (client: Client, script: string, ...args: ReadonlyArray<string>) =>
  client.exec(SshCommand.argv(["sh", "-c", script, "sh", ...args]), { timeout: longest, maxOutput: 4096 }).pipe(
    Effect.map(({ exitCode, stdout }) => ({ exitCode, text: stdout.text })),
    Effect.orElseSucceed(() => ({ exitCode: null, text: "" }))
  )

/** What tells the file from a later one of the same name, where that can be found out. */
export const identify = (client: Client, path: string): Effect.Effect<string | undefined> =>
  Effect.map(run(client, 'ls -di -- "$1"', path), ({ text }) => /^\s*(\d+) /.exec(text)?.[1])

/** Removes the file if it is still that one. */
export const remove = (client: Client, path: string, identity: string): Effect.Effect<void> =>
  Effect.asVoid(
    run(
      client,
      'set -- "$1" "$2" $(ls -di -- "$1" 2>/dev/null); [ "$2" = "$3" ] && [ -S "$1" ] && rm -f -- "$1"',
      path,
      identity
    )
  )

/**
 * Removes a socket on which nobody listens; `true` when it is gone. The server's word is not enough, as it says the same
 * where it does not allow a connection.
 */
export const removeLeftOver = (client: Client, path: string): Effect.Effect<boolean> =>
  client.dial({ path }).pipe(
    Effect.scoped,
    Effect.matchEffect({
      onSuccess: () => Effect.succeed(false),
      onFailure: () =>
        Effect.map(
          run(
            client,
            '[ -S "$1" ] && [ -r /proc/net/unix ] && ! grep -qF -- "$1" /proc/net/unix && rm -f -- "$1"',
            path
          ),
          ({ exitCode }) => exitCode === 0
        )
    })
  )

const inUse = 10
const noFolder = 11
const notWritable = 12

/** Why the machine does not listen on a path: the server's answer is a bare no. */
export const explain = (client: Client, path: string, error: SshError.SshError): Effect.Effect<SshError.SshError> =>
  Effect.map(
    run(
      client,
      `d=$(dirname -- "$1") && echo "$d"; [ -e "$1" ] && exit ${inUse}; [ -d "$d" ] || exit ${noFolder}; [ -w "$d" ] || exit ${notWritable}`,
      path
    ),
    ({ exitCode, text }) => {
      const folder = text.trim()
      if (exitCode === noFolder) return SshError.make(new SshError.NotFound({ path: folder }))
      if (exitCode === notWritable) {
        return SshError.make(new SshError.PermissionDenied({ path: folder, detail: "on the machine" }))
      }
      if (exitCode !== 0) return error
      const detail = "it does not listen on Unix sockets"
      return SshError.make(new SshError.ChannelRefused({ request: "streamlocal-forward", detail, busy: false }))
    }
  )
