import { Deferred, Effect, type Scope } from "effect"
import type { Sftp } from "../../Sftp.ts"
import * as SshError from "../../SshError.ts"
import { lost } from "../channel.ts"
import type { Sessions } from "../sessions.ts"
import * as Client from "./client.ts"
import { attach } from "./subsystem.ts"

export interface Connection {
  readonly sessions: Sessions
  readonly isOpen: () => boolean
  readonly whyClosed: () => string | undefined
}

/** An SFTP session on a channel of its own. */
export const open = Effect.fn("SshClient.sftp")(function* (
  connection: Connection,
  options?: { readonly atOnce?: boolean }
): Effect.fn.Return<Sftp, SshError.SshError, Scope.Scope> {
  const { attached, wanted } = yield* connection.sessions.subsystem("sftp", attach(connection.whyClosed), options)
  const { lastWords, session } = attached
  const extensions = yield* Deferred.await(session.greeted).pipe(
    Effect.mapError((detail) => {
      if (!connection.isOpen()) return lost(detail, "did-not-run")
      const noise = session.noise === "" ? "" : `the login printed ${JSON.stringify(session.noise.slice(0, 200))}`
      const words = [noise, lastWords()].filter((part) => part !== "").join(", ")
      return SshError.make(
        new SshError.ChannelRefused({ request: "sftp", detail: words === "" ? detail : words, busy: false })
      )
    })
  )
  return yield* Client.make(session, extensions, wanted)
})
