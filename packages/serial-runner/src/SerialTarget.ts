/**
 * Names of serial ports, as people write them where a machine is asked for.
 *
 * @since 0.1.0
 */
import { Data, Result } from "effect"
import * as SerialError from "./SerialError.ts"

/**
 * A serial port by the way to it.
 *
 * - `Fifo`: a pair of FIFOs; the machine reads `input` and writes `output`.
 * - `Bonfire`: the FIFO pair of a virtual machine in a folder, `VMID.stdin` and `VMID.stdout`. They are named from the
 *   other side: `.stdin` carries what the machine prints, `.stdout` what it reads.
 * - `Unix`, `Tcp`: a socket that a virtual machine or a terminal server (ser2net) listens on.
 * - `Tty`: a serial device of this computer.
 *
 * @since 0.1.0
 * @category models
 */
export type SerialTarget = Data.TaggedEnum<{
  Fifo: { readonly input: string; readonly output: string }
  Bonfire: { readonly directory: string; readonly vmId: string }
  Unix: { readonly path: string }
  Tcp: { readonly host: string; readonly port: number }
  Tty: { readonly path: string }
}>

const Target = Data.taggedEnum<SerialTarget>()

/**
 * The constructors of {@link SerialTarget}.
 *
 * @since 0.1.0
 * @category constructors
 */
export const { Bonfire, Fifo, Tcp, Tty, Unix } = Target

/**
 * The FIFO pair that QEMU makes of `-chardev pipe,path=P`: `P.in` and `P.out`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const qemu = (path: string): SerialTarget => Fifo({ input: `${path}.in`, output: `${path}.out` })

const invalid = (word: string, detail: string) =>
  Result.fail(SerialError.make(new SerialError.InvalidTarget({ word, detail })))

/** A name that becomes part of a path must stay in its folder. */
const isName = (text: string): boolean => /^[^/\\\0]+$/.test(text) && text !== "." && text !== ".."

/**
 * Reads `serial:fifo:IN,OUT`, `serial:bonfire:DIR/VMID`, `serial:unix:PATH`, `serial:tcp:HOST:PORT` and
 * `serial:tty:PATH`; an IPv6 address stands in brackets. Two paths without a word before them are a FIFO pair.
 *
 * @since 0.1.0
 * @category parsing
 */
export const parse = (text: string): Result.Result<SerialTarget, SerialError.SerialError> => {
  if (!text.startsWith("serial:")) return invalid(text, "a serial port's name begins with serial:")
  const rest = text.slice("serial:".length)
  const colon = rest.indexOf(":")
  const [form, value] =
    rest.startsWith("/") && rest.includes(",") ? ["fifo", rest] : [rest.slice(0, colon), rest.slice(colon + 1)]
  if (value.includes("\0")) return invalid(text, "it holds a NUL")
  switch (form) {
    case "fifo": {
      const [input, output, ...more] = value.split(",")
      if (input && output && more.length === 0) return Result.succeed(Fifo({ input, output }))
      return invalid(text, "a FIFO pair is two paths with a comma between them")
    }
    case "bonfire": {
      const slash = value.lastIndexOf("/")
      const [directory, vmId] = [value.slice(0, slash), value.slice(slash + 1)]
      if (slash > 0 && isName(vmId)) return Result.succeed(Bonfire({ directory, vmId }))
      return invalid(text, "it takes the folder of the FIFOs and the id of the machine, as DIR/VMID")
    }
    case "unix":
      return value === "" ? invalid(text, "the path of the socket is missing") : Result.succeed(Unix({ path: value }))
    case "tty":
      return value === "" ? invalid(text, "the path of the device is missing") : Result.succeed(Tty({ path: value }))
    case "tcp": {
      const [, bracketed, plain, digits = ""] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(value) ?? []
      const host = bracketed ?? plain
      const port = Number(digits)
      if (host !== undefined && port >= 1 && port <= 65535) return Result.succeed(Tcp({ host, port }))
      return invalid(text, "it takes a host and a port from 1 to 65535")
    }
    default:
      return invalid(text, "the kind of port is none of fifo, bonfire, unix, tcp, tty")
  }
}

/**
 * The name that {@link parse} reads.
 *
 * @since 0.1.0
 * @category formatting
 */
export const format: (target: SerialTarget) => string = Target.$match({
  Fifo: ({ input, output }) => `serial:fifo:${input},${output}`,
  Bonfire: ({ directory, vmId }) => `serial:bonfire:${directory}/${vmId}`,
  Unix: ({ path }) => `serial:unix:${path}`,
  Tcp: ({ host, port }) => `serial:tcp:${host.includes(":") ? `[${host}]` : host}:${port}`,
  Tty: ({ path }) => `serial:tty:${path}`
})
