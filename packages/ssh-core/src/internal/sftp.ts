import { Effect } from "effect"
import type * as Ssh2 from "ssh2"
import * as SshError from "../SshError.ts"
import { lost, serverWords, whileConnected } from "./channel.ts"
import type { Connection } from "./sessions.ts"

/** Opens the SFTP subsystem and closes it again. */
export const checkSftp = ({ client, isOpen }: Connection): Effect.Effect<void, SshError.SshError> =>
  Effect.callback<void, SshError.SshError>((resume) => {
    const callback: Parameters<Ssh2.Client["sftp"]>[0] = (error, sftp) => {
      if (error === undefined) {
        sftp.end()
        return resume(Effect.void)
      }
      if (!isOpen()) return resume(Effect.fail(lost("it ended", "did-not-run")))
      const detail = serverWords(error)
      const busy = /Channel open failure/i.test(detail)
      return resume(Effect.fail(SshError.make(new SshError.ChannelRefused({ request: "sftp", detail, busy }))))
    }
    whileConnected(
      () => client.sftp(callback),
      (error) => resume(Effect.fail(error))
    )
  })
