/**
 * A path on a machine, as people write it: `web:/srv/x`, `root@host:2222:x`, `ssh://host/srv/x`, or a whole `ssh` command
 * line with the path after it.
 *
 * @since 0.1.0
 */
import * as SshError from "@toehold/ssh-core/SshError"
import * as SshTarget from "@toehold/ssh-core/SshTarget"
import { Result } from "effect"

/**
 * A path and the machine that it is on. `machine` is `undefined` for this one, unless it was named `local:`.
 *
 * @since 0.1.0
 * @category models
 */
export interface MachinePath {
  /** A connection string, as `Machine.open` takes it. */
  readonly machine: string | undefined
  /** `.` is the login folder. */
  readonly path: string
}

/**
 * How the text is to be read: on `win32` a drive letter and a backslash make a local path. Linux if it is not given.
 *
 * @since 0.1.0
 * @category models
 */
export interface ParseOptions {
  readonly platform?: { readonly os: string } | undefined
}

type Parsed = Result.Result<MachinePath, SshError.SshError>

const form = "Write it as MACHINE:PATH, such as web:/srv/data, root@host:2222:/srv or ssh://root@host:2222/srv."

const fail = (word: string, detail: string, hint = form): Result.Result<never, SshError.SshError> =>
  Result.fail(SshError.make(new SshError.InvalidTarget({ word: word.slice(0, 200), detail, hint })))

/** More than any path and any command line that a person gives. */
const maxLength = 64 * 1024

const schemes: ReadonlyArray<RegExp> = [
  /^(local:)([^]*)$/,
  /^(vast:\d+):([^]*)$/,
  /^(serial:tcp:(?:\[[^\]]*\]|[^:]*):\d+):([^]*)$/,
  /^(serial:(?:fifo|bonfire|unix|tty):[^:]+):([^]*)$/
]

const remote = (word: string, machine: string, path: string): Parsed => {
  if (path === "" || path === "~" || path === "~/") return Result.succeed({ machine, path: "." })
  if (path.startsWith("~/")) return Result.succeed({ machine, path: path.slice(2) })
  return path.startsWith("~")
    ? fail(word, "the home folder of another user can't be named by ~", "Give the whole path.")
    : Result.succeed({ machine, path })
}

/** As git and curl read them: what follows the machine is the path from the root on, and `/~/` is the login folder. */
const parseUrl = (text: string): Parsed => {
  const [, authority = "", path = ""] = /^[a-z]+:\/\/([^/]*)([^]*)$/.exec(text) ?? []
  if (path === "")
    return fail(text, "the path is missing", `Write ${text}/ for the root, or ${text}/~/ for the login folder.`)
  return remote(text, `ssh://${authority}`, path.startsWith("/~") ? path.slice(1) : path)
}

/** Each colon is tried once: no command line that a person pastes has so many. */
const maxColons = 64

/** The path begins after the first colon before which there is a whole command line. */
const parseCommandLine = (text: string, options: ParseOptions | undefined): Parsed => {
  let colon = text.indexOf(":")
  for (let count = 0; colon !== -1 && count < maxColons; count++, colon = text.indexOf(":", colon + 1)) {
    const machine = text.slice(0, colon)
    if (Result.isSuccess(SshTarget.parse(machine, options))) return remote(text, machine, text.slice(colon + 1))
  }
  return fail(
    text,
    "there is no path after the command line",
    'Put it behind the last word: "ssh -p 2222 root@host:/srv/data".'
  )
}

/** `host`, `user@host`, `[::1]`, `user@[::1]`. */
const hostAndRest = /^((?:[^:[\]/]*@)?(?:\[[^\]/]*\]|[^:[\]/]*)):([^]*)$/

/** As scp reads them, with a port between host and path besides. */
const parseShort = (text: string): Parsed => {
  const [, host = "", rest = ""] = hostAndRest.exec(text) ?? []
  if (host === "" || host.endsWith("@")) return fail(text, "the machine before the colon is missing")
  const [, port, path] = /^(\d{1,5})(?::([^]*))?$/.exec(rest) ?? []
  if (port === undefined) return remote(text, host, rest)
  return path === undefined
    ? fail(
        text,
        `${port} may be a port or a file`,
        `Write ${host}:${port}:PATH for the port, or ${host}:./${port} for the file.`
      )
    : remote(text, `${host}:${port}`, path)
}

const isCommandLine = (text: string): boolean => /^(?:[^\s:]*[/\\])?ssh(?:\.exe)?\s/i.test(text)

const isWindowsPath = (text: string): boolean => /^[A-Za-z]:/.test(text) || /^[^:]*\\/.test(text)

/**
 * Reads a path that may be on a machine or here. As with scp, it is here where no colon stands before the first slash:
 * `./a:b` is a local file. Unlike scp, digits between two colons are a port, and digits alone after the only colon are
 * refused, as they could be meant either way. Fails with `InvalidTarget`, which names the text.
 *
 * @since 0.1.0
 * @category constructors
 */
export const parse = (text: string, options?: ParseOptions): Parsed => {
  if (text === "") return fail(text, "the path is missing")
  if (text.length > maxLength) return fail(text, `longer than ${maxLength} characters`)
  if (text.includes("\0")) return fail(text.replaceAll("\0", "?"), "a path can't hold a zero byte")
  for (const scheme of schemes) {
    const [, machine, path = ""] = scheme.exec(text) ?? []
    if (machine !== undefined)
      return machine === "local:" ? Result.succeed({ machine, path: path || "." }) : remote(text, machine, path)
  }
  if (/^(?:serial|vast):/.test(text)) return fail(text, "the path after the machine is missing")
  if (/^(?:ssh|scp|sftp):\/\//.test(text)) return parseUrl(text)
  if (isCommandLine(text)) return parseCommandLine(text, options)
  if (options?.platform?.os === "win32" && isWindowsPath(text))
    return Result.succeed({ machine: undefined, path: text })
  const isHere = /^[^:/]*(?:\/|$)/.test(text) && !/^(?:[^:[\]/]*@)?\[[^\]/]*\]:/.test(text)
  return isHere ? Result.succeed({ machine: undefined, path: text }) : parseShort(text)
}

/**
 * Reads a path that must be on a machine: a text without one fails with `InvalidTarget`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const parseRemote = (
  text: string,
  options?: ParseOptions
): Result.Result<MachinePath & { readonly machine: string }, SshError.SshError> =>
  Result.flatMap(parse(text, options), ({ machine, path }) =>
    machine === undefined ? fail(text, "it names no machine") : Result.succeed({ machine, path })
  )
