import { Effect } from "effect"
import type * as Ssh2 from "ssh2"
import * as SshError from "../SshError.ts"

/** Opens the SFTP subsystem and closes it again. */
export const checkSftp = (client: Ssh2.Client): Effect.Effect<void, SshError.SshError> =>
  Effect.callback<void, SshError.SshError>((resume) => {
    client.sftp((error, sftp) => {
      if (error === undefined) {
        sftp.end()
        resume(Effect.void)
        return
      }
      const detail = error.message.replace(/^\(SSH\) /, "")
      const busy = /Channel open failure/i.test(detail)
      resume(Effect.fail(SshError.make(new SshError.ChannelRefused({ request: "sftp", detail, busy }))))
    })
  })
