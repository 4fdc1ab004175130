import { Effect } from "effect"
import type * as Net from "node:net"
import type { Duplex } from "node:stream"

/**
 * How long a socket may still be read from when nobody takes it any more: closing it with bytes unread is a reset, which
 * could overtake what it was sent last.
 */
const lingerMs = 5000

/** Ends a socket so that its peer can't take what came so far for all there is; a Unix socket has no such way. */
export const reset = (socket: Net.Socket): void => {
  // Only a TCP socket has a port, and only that can be reset; one that is just ending would be left open for good.
  if (socket.localPort === undefined || (socket.writableEnded && !socket.writableFinished)) socket.destroy()
  else socket.resetAndDestroy()
}

/**
 * Passes bytes on both ways until both sides have ended, each side's end when its bytes are through. A side that fails
 * takes the other one with it, and interruption both; the channel is closed by its scope. The error events of the socket
 * are somebody else's to hear: its close event tells enough.
 */
export const relay = (socket: Net.Socket, channel: Duplex): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    let isFlushed = false
    let isSocketClosed = false
    let linger: NodeJS.Timeout | undefined

    const settle = (): void => {
      clearTimeout(linger)
      socket.off("end", onSocketEnd).off("close", onSocketClose)
      channel
        .off("end", onChannelEnd)
        .off("error", onChannelError)
        .off("close", onChannelClose)
        .off("finish", onFlushed)
      socket.unpipe(channel)
      channel.unpipe(socket)
    }
    const done = (): void => {
      settle()
      resume(Effect.void)
    }
    const doneWhenBothAre = (): void => {
      if (isFlushed && isSocketClosed) done()
    }
    const onSocketEnd = (): void => void channel.end()
    const onFlushed = (): void => {
      isFlushed = true
      doneWhenBothAre()
    }
    const onSocketClose = (): void => {
      isSocketClosed = true
      // Without an end of what it sends it was not closed in order.
      if (socket.readableEnded) doneWhenBothAre()
      else done()
    }
    const onChannelEnd = (): void => void socket.end()
    const onChannelError = (): void => {
      reset(socket)
      done()
    }
    const onChannelClose = (): void => {
      // The error event comes a moment later.
      if (channel.errored !== null) return onChannelError()
      isFlushed = true
      if (isSocketClosed) return done()
      socket.unpipe(channel)
      socket.end()
      socket.resume()
      linger = setTimeout(() => reset(socket), lingerMs)
    }

    socket.on("end", onSocketEnd).on("close", onSocketClose)
    channel.on("end", onChannelEnd).on("error", onChannelError).on("close", onChannelClose).on("finish", onFlushed)
    if (channel.errored !== null || channel.destroyed) return onChannelError()
    if (socket.destroyed) return done()
    // An end with nothing left before it does not wait for a reader.
    if (socket.readableEnded) onSocketEnd()
    if (channel.readableEnded) onChannelEnd()
    socket.pipe(channel, { end: false })
    channel.pipe(socket, { end: false })
    return Effect.sync(() => {
      settle()
      reset(socket)
    })
  })
