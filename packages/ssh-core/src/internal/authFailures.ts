import type * as Ssh2 from "ssh2"

/** The server's answer to an attempt that it did not accept. */
export interface Answer {
  readonly offers: ReadonlyArray<string>
  readonly partial: boolean
}

type FailureHandler = (protocol: unknown, methods: ReadonlyArray<string>, partial: boolean) => void

/**
 * For keys of an agent the driver passes on neither the methods that are left nor a partial success, so its handler of
 * SSH_MSG_USERAUTH_FAILURE is watched. `false` where the driver keeps no such handler; what it passes on must do then.
 */
export const tapAuthFailures = (
  client: Ssh2.Client,
  onFailure: (methods: ReadonlyArray<string>, partial: boolean) => void
): boolean => {
  const { _protocol: protocol } = client as unknown as {
    readonly _protocol?: { readonly _handlers?: { USERAUTH_FAILURE?: FailureHandler } }
  }
  const handlers = protocol?._handlers
  const original = handlers?.USERAUTH_FAILURE
  if (handlers === undefined || original === undefined) return false
  handlers.USERAUTH_FAILURE = (self, methods, partial) => {
    onFailure(methods, partial)
    original(self, methods, partial)
  }
  return true
}
