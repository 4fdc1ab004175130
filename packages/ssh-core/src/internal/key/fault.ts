/** Why a key can't be had, before it is known where the key came from. */
import { Result } from "effect"
import * as SshError from "../../SshError.ts"

export type Fault =
  | { readonly fault: "unreadable"; readonly detail: string }
  | { readonly fault: "unsupported"; readonly format: string }
  | { readonly fault: "passphrase-missing" | "passphrase-wrong" | "public" }

export type Read<A> = Result.Result<A, Fault>

export const unreadable = (detail: string): Fault => ({ fault: "unreadable", detail })

export const unsupported = (format: string): Fault => ({ fault: "unsupported", format: printable(format) })

export const passphraseMissing: Fault = { fault: "passphrase-missing" }

export const passphraseWrong: Fault = { fault: "passphrase-wrong" }

export const isPublic: Fault = { fault: "public" }

/** Names out of a file end up in messages: they must not be long or drive a terminal. */
const printable = (name: string): string => {
  const shown = name.replace(/[^ -~]/g, "?")
  return shown.length > 100 ? `${shown.slice(0, 100)}...` : shown
}

export const toSshError =
  (source: string) =>
  (fault: Fault): SshError.SshError => {
    switch (fault.fault) {
      case "unreadable":
        return SshError.make(new SshError.KeyUnreadable({ path: source, detail: fault.detail }))
      case "unsupported":
        return SshError.make(new SshError.KeyFormatUnsupported({ path: source, format: fault.format }))
      case "passphrase-missing":
        return SshError.make(new SshError.KeyPassphraseMissing({ path: source }))
      case "passphrase-wrong":
        return SshError.make(new SshError.KeyPassphraseWrong({ path: source }))
      case "public":
        return SshError.make(new SshError.KeyIsPublic({ path: source }))
    }
  }

/** Driver errors carry no detail that helps, and might quote key material: only `fault` comes out. */
export const attempt = <A>(fault: Fault, run: () => A): Read<A> => Result.try({ try: run, catch: () => fault })
