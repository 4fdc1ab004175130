/**
 * One direction of a proxied connection: what comes from one socket goes to the other, after the faults.
 *
 * Plain Node callbacks and timers: a network's delays pass in real time, also under a test's clock.
 */
import type * as Net from "node:net"

export type CutBy = "fin" | "rst"

export interface PipeFaults {
  delayMillis: number
  bytesPerSecond: number
  chunkSize: number
  hold: boolean
  swallow: boolean
  cutAfter: { readonly bytes: number; readonly by: CutBy } | undefined
  corruptAt: number | undefined
  silentAfter: number | undefined
}

export const noFaults: Readonly<PipeFaults> = {
  delayMillis: 0,
  bytesPerSecond: Infinity,
  chunkSize: Infinity,
  hold: false,
  swallow: false,
  cutAfter: undefined,
  corruptAt: undefined,
  silentAfter: undefined
}

type Event = "fin" | "rst" | "cut-fin" | "cut-rst"

interface Queued {
  readonly due: number
  readonly item: Buffer | Event
}

export interface FaultyPipe {
  /** Looks at the faults again after they changed. */
  readonly refresh: () => void
  readonly close: () => void
}

// A delay line holds what is on its way, so its bound only guards the memory; a throttled or held line has to push back.
const delayLineBytes = 64 * 1024 * 1024
const slowLineBytes = 256 * 1024

const corrupt = (chunk: Buffer, at: number): Buffer => {
  const copy = Buffer.from(chunk)
  copy.writeUInt8(copy.readUInt8(at) ^ 0xff, at)
  return copy
}

/**
 * @param faults is read at every chunk, so that it can be changed while the connection lasts
 * @param onForward is told how many bytes left
 * @param onCut has to end both sockets
 */
export const make = (
  source: Net.Socket,
  target: Net.Socket,
  faults: Readonly<PipeFaults>,
  onForward: (bytes: number) => void,
  onCut: (by: CutBy) => void
): FaultyPipe => {
  let queue: Array<Queued> = []
  let queuedBytes = 0
  let received = 0
  let lineFreeAt = 0
  let closed = false
  let isDead = false
  let writable = !target.connecting
  let timer: NodeJS.Timeout | undefined
  let turn: NodeJS.Immediate | undefined

  const capacity = (): number =>
    faults.hold || faults.bytesPerSecond !== Infinity
      ? slowLineBytes + (faults.bytesPerSecond === Infinity ? 0 : (faults.bytesPerSecond * faults.delayMillis) / 1000)
      : delayLineBytes

  const regulate = (): void => {
    if (closed) return
    if (queuedBytes > capacity() || !writable) source.pause()
    else source.resume()
  }

  const forward = (item: Buffer | Event): void => {
    if (typeof item !== "string") {
      onForward(item.length)
      if (!target.destroyed) writable = target.write(item)
    } else if (item === "fin") target.end()
    else if (item === "rst") target.resetAndDestroy()
    // The write's callback comes when the bytes before the cut are in the kernel's hands.
    else target.write("", () => onCut(item === "cut-fin" ? "fin" : "rst"))
  }

  const flush = (): void => {
    clearTimeout(timer)
    clearImmediate(turn)
    const now = performance.now()
    // A reader in this process would see several writes of one turn of the event loop as one chunk.
    const most = faults.chunkSize === Infinity ? Infinity : 1
    let done = 0
    for (const { due, item } of queue) {
      if (closed || faults.hold || !writable || due > now || done === most) break
      done++
      if (typeof item !== "string") queuedBytes -= item.length
      forward(item)
    }
    if (done > 0) queue = queue.slice(done)
    const next = queue[0]
    if (next !== undefined && !closed && !faults.hold && writable) {
      if (next.due <= now) turn = setImmediate(flush)
      else timer = setTimeout(flush, Math.max(1, Math.ceil(next.due - now)))
    }
    regulate()
  }

  const enqueue = (item: Buffer | Event): void => {
    const now = performance.now()
    const bytes = typeof item === "string" ? 0 : item.length
    lineFreeAt = Math.max(now, lineFreeAt) + (bytes * 1000) / faults.bytesPerSecond
    const due = lineFreeAt + faults.delayMillis
    queue.push({ due, item })
    queuedBytes += bytes
    if (queue.length === 1 && faults.chunkSize === Infinity) flush()
    else if (queue.length === 1) turn = setImmediate(flush)
    else regulate()
  }

  // A stream that has lost something never goes on behind the gap, whatever the line does for the next connection.
  const isSilent = (): boolean => {
    isDead ||= faults.swallow || (faults.silentAfter !== undefined && received >= faults.silentAfter)
    return isDead
  }

  const onData = (data: Buffer): void => {
    const start = received
    received += data.length
    isDead ||= faults.swallow
    if (closed || isDead) return
    const { corruptAt, cutAfter, silentAfter } = faults
    const cutHere = cutAfter !== undefined && received >= cutAfter.bytes
    const end = Math.min(received, cutHere ? cutAfter.bytes : Infinity, silentAfter ?? Infinity)
    let chunk = data.subarray(0, Math.max(0, end - start))
    if (corruptAt !== undefined && corruptAt >= start && corruptAt < start + chunk.length) {
      chunk = corrupt(chunk, corruptAt - start)
    }
    // A throttled line is given small pieces, or a big one would come late and at once.
    const size = Math.min(faults.chunkSize, Math.max(1, Math.ceil(faults.bytesPerSecond / 100)))
    for (let at = 0; at < chunk.length; at += size) enqueue(chunk.subarray(at, at + size))
    if (cutHere) {
      enqueue(`cut-${cutAfter.by}`)
      source.off("data", onData).resume()
    }
  }
  const onEnd = (): void => {
    if (!isSilent()) enqueue("fin")
  }
  const onError = (): void => {
    if (!isSilent()) enqueue("rst")
  }
  const onDrain = (): void => {
    writable = true
    flush()
  }

  source.on("data", onData).on("end", onEnd).on("error", onError)
  // Writes to a socket that isn't connected yet would go out as one chunk.
  target.on("drain", onDrain).once("connect", onDrain)
  if (faults.cutAfter?.bytes === 0) enqueue(`cut-${faults.cutAfter.by}`)
  return {
    refresh: flush,
    close: () => {
      closed = true
      queue = []
      clearTimeout(timer)
      clearImmediate(turn)
      // The error listener stays: a socket that is being closed may still report a reset.
      source.off("data", onData).off("end", onEnd)
      target.off("drain", onDrain).off("connect", onDrain)
    }
  }
}
