/** The bytes of an SFTP session over a channel of the driver. */
import type * as Ssh2 from "ssh2"
import { Session } from "./session.ts"

/** The parts of the driver's channel that its types keep to themselves. */
interface Inner {
  push: (chunk: Buffer | null) => boolean
  readonly incoming: { window: number }
  readonly outgoing: { readonly id: number; readonly packetSize: number; readonly state: string }
  readonly _client: {
    readonly _protocol: { readonly channelWindowAdjust: (channel: number, amount: number) => void }
  }
}

/**
 * How much the server may have under way to us. With the driver's 2 MiB a channel could carry no more than that in a round
 * trip. It takes no memory: what comes is only what was asked for, and that is bounded.
 */
const windowBytes = 64 * 1024 * 1024

const maxErrorText = 4096

export interface Attached {
  readonly session: Session
  /** What the server printed on its standard error, and how it ended. */
  readonly lastWords: () => string
}

/** Must be called in the callback that brings the channel, as the server may speak at once. */
export const attach =
  (whyClosed: () => string | undefined) =>
  (channel: Ssh2.ClientChannel): Attached => {
    const inner = channel as unknown as Inner
    let errorText = ""
    let exit = ""
    const session = new Session({
      send: (pieces) => {
        if (channel.writable && inner.outgoing.state === "open") for (const piece of pieces) channel.write(piece)
      },
      close: () => channel.close(),
      packetBytes: inner.outgoing.packetSize
    })
    const { push } = inner
    // In place of the stream's own queue, which would hold each piece for a turn of the loop.
    inner.push = (chunk) => {
      if (chunk === null) {
        session.end(whyClosed() ?? "the server ended the SFTP session")
        return push.call(channel, null)
      }
      widen(inner)
      session.receive(chunk)
      return true
    }
    widen(inner)
    channel.resume()
    channel.stderr.on("data", (text: Buffer) => {
      if (errorText.length < maxErrorText) errorText += text.toString("utf8")
    })
    channel.on("exit", (code: number | null) => {
      exit = code === null ? "" : `exit status ${code}`
    })
    channel.on("close", () => session.end(whyClosed() ?? "the server ended the SFTP session"))
    channel.on("error", () => undefined)
    return { session, lastWords: () => [errorText.trim(), exit].filter((part) => part !== "").join(", ") }
  }

const widen = ({ _client, incoming, outgoing }: Inner): void => {
  if (incoming.window > windowBytes / 2 || outgoing.state === "closed") return
  _client._protocol.channelWindowAdjust(outgoing.id, windowBytes - incoming.window)
  incoming.window = windowBytes
}
