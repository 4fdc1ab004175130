/** What may lie about before it is collected: more than a command line needs, little beside a flood of output. */
const maxDeadBytes = 8 * 1024 * 1024

/** Where files are sent: collecting is a good part of the work there, and less often is faster. */
const maxDeadBytesOfFiles = 32 * 1024 * 1024

/** Milliseconds between two looks, while a flood lasts and otherwise. */
const whileFlooded = 5
const otherwise = 25

/** Looks without a find after which a flood is over. */
const patience = 200

type Collect = (options: { readonly type: "minor" }) => void

/** The collector's own function, which Node hands out only where it is asked for by a flag. */
const collector = (): Collect => {
  const { setFlagsFromString } = process.getBuiltinModule("node:v8")
  setFlagsFromString("--expose-gc")
  // Each buffer counts towards the next full collection, of which there would be one every 10 MB, for nothing.
  setFlagsFromString("--no-incremental-marking")
  return process.getBuiltinModule("node:vm").runInNewContext("gc") as Collect // V8's own, see --expose-gc
}

/**
 * Has the buffers of a flood of output given back every few MB of it, so that memory stays far below 120 MB, at no cost
 * in speed. Left to itself the garbage collector lets hundreds of MB of them pile up before it looks.
 */
export const keepMemoryLow = (what: "output" | "files"): void => {
  const most = what === "files" ? maxDeadBytesOfFiles : maxDeadBytes
  const { getHeapStatistics } = process.getBuiltinModule("node:v8")
  let collect: Collect | undefined
  let looksLeft = 0
  // What is in use is no garbage: only what comes on top of it is worth a look.
  let inUse = 0
  const look = (): void => {
    const held = getHeapStatistics().external_memory
    inUse = Math.min(inUse, held)
    if (held - inUse < most) {
      looksLeft = Math.max(0, looksLeft - 1)
    } else {
      looksLeft = patience
      collect ??= collector()
      collect({ type: "minor" })
      inUse = getHeapStatistics().external_memory
    }
    setTimeout(look, looksLeft > 0 ? whileFlooded : otherwise).unref()
  }
  setTimeout(look, otherwise).unref()
}
