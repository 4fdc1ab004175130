import type * as Ssh2 from "ssh2"

type FailureHandler = (protocol: unknown, recipient: number) => void

export interface Refusals {
  /** The channel of which a request is being refused, while its callback runs. */
  readonly current: () => Pick<Ssh2.Channel, "close"> | undefined
}

/**
 * A request that is refused and a channel that is closed in place of an answer look alike to who asked the driver, but
 * only after the first is it certain that nothing ran. So its handler of SSH_MSG_CHANNEL_FAILURE is watched.
 */
export const watch = (client: Ssh2.Client): Refusals => {
  const { _chanMgr: channels, _protocol: protocol } = client as unknown as {
    readonly _chanMgr?: { readonly get: (id: number) => Ssh2.Channel | (() => void) | undefined }
    readonly _protocol?: { readonly _handlers?: { CHANNEL_FAILURE?: FailureHandler } }
  }
  let current: Ssh2.Channel | undefined
  const handlers = protocol?._handlers
  const original = handlers?.CHANNEL_FAILURE
  if (handlers !== undefined && original !== undefined) {
    handlers.CHANNEL_FAILURE = (self, recipient) => {
      const channel = channels?.get(recipient)
      current = typeof channel === "object" ? channel : undefined
      original(self, recipient)
      current = undefined
    }
  }
  return { current: () => current }
}
