/** The session API that a command asks, from its flags and the environment. */
import { Effect, type FileSystem, type Redacted } from "effect"
import { FetchHttpClient } from "effect/http"
import * as SessionApiClient from "@toehold/session-api/SessionApiClient"
import type { SessionApiError } from "@toehold/session-api/SessionApiError"
import { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import type { SshError } from "@toehold/ssh-core/SshError"
import type { UsageError } from "../UsageError.ts"
import type { Invocation } from "./commandSpec.ts"
import { secretFromEnvironment } from "./invocation.ts"
import { secretFromFile } from "./machine.ts"
import { tokenVariable, urlVariable } from "./sessionApiFlags.ts"

/** The URL of the API, if one is named. */
export const apiUrl = (invocation: Invocation): Effect.Effect<string | undefined, never, ClientPlatform> =>
  Effect.map(ClientPlatform, ({ env }) => {
    const given = invocation.one("api") ?? env[urlVariable]
    return given === "" ? undefined : given
  })

const readToken = (
  invocation: Invocation
): Effect.Effect<Redacted.Redacted, SshError, ClientPlatform | FileSystem.FileSystem> => {
  const file = invocation.one("api-token-file")
  return file === undefined ? secretFromEnvironment("api", tokenVariable) : secretFromFile(file)
}

/** A client of the API that the flags name. */
export const openApi = Effect.fnUntraced(function* (
  invocation: Invocation
): Effect.fn.Return<
  SessionApiClient.SessionApiClient["Service"],
  SessionApiError | SshError | UsageError,
  ClientPlatform | FileSystem.FileSystem
> {
  const url = yield* apiUrl(invocation)
  if (url === undefined) {
    return yield* invocation.usage("There is no session API.", `Give --api URL, or set ${urlVariable}.`)
  }
  const token = yield* readToken(invocation)
  return yield* SessionApiClient.make({ url, token, allowPlainHttp: invocation.has("plain-http") }).pipe(
    Effect.provide(FetchHttpClient.layer)
  )
})
