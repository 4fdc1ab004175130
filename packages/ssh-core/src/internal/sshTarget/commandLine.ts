import { Result } from "effect"
import type { SshError } from "../../SshError.ts"
import { failTarget } from "../invalidTarget.ts"
import {
  addConfigFile,
  addForwarding,
  addHost,
  addIdentityFile,
  addJump,
  addOption,
  addPort,
  addUser,
  type Draft,
  type Step
} from "./draft.ts"

/** What a flag of ssh(1) does to the target. */
type Flag =
  | { readonly takes: "nothing"; readonly apply: (draft: Draft, os: string) => Step }
  | { readonly takes: "value"; readonly apply: (draft: Draft, value: string, os: string) => Step }
  | { readonly takes: "refused"; readonly detail: string; readonly hint: string | undefined }

const done: Step = Result.void

const ignore: Flag = { takes: "nothing", apply: () => done }
const ignoreValue: Flag = { takes: "value", apply: () => done }

const value = (apply: (draft: Draft, value: string, os: string) => Step): Flag => ({ takes: "value", apply })

/** Sets what a flag stands for, over an earlier `-o` or flag, as ssh lets its flags do. */
const set = (draft: Draft, keyword: string, value: string): Step => {
  draft.options = [...draft.options.filter((option) => option.keyword !== keyword), { keyword, value }]
  return done
}

const option = (keyword: string, value: string): Flag => ({
  takes: "nothing",
  apply: (draft) => set(draft, keyword, value)
})

const refuse = (detail: string, hint?: string): Flag => ({ takes: "refused", detail, hint })

const requestTty: Flag = {
  takes: "nothing",
  // A second -t asks for a terminal even where there is none on this side.
  apply: (draft) => {
    const isAsked = draft.options.some(({ keyword, value }) => keyword === "requesttty" && value === "yes")
    return set(draft, "requesttty", isAsked ? "force" : "yes")
  }
}

const flags: Readonly<Record<string, Flag>> = {
  "4": option("addressfamily", "inet"),
  "6": option("addressfamily", "inet6"),
  C: option("compression", "yes"),
  D: value((draft, spec) => addForwarding(draft, "dynamic", spec)),
  F: value(addConfigFile),
  J: value(addJump),
  L: value((draft, spec) => addForwarding(draft, "local", spec)),
  N: {
    takes: "nothing",
    apply: (draft) => {
      draft.noCommand = true
      return done
    }
  },
  R: value((draft, spec) => addForwarding(draft, "remote", spec)),
  T: option("requesttty", "no"),
  c: value((draft, list, os) => addOption(draft, `Ciphers=${list}`, os)),
  i: value(addIdentityFile),
  l: value(addUser),
  m: value((draft, list, os) => addOption(draft, `MACs=${list}`, os)),
  o: value(addOption),
  p: value(addPort),
  t: requestTty,
  // Protocol 2 is the only one.
  "2": ignore,
  // What is off anyway.
  a: ignore,
  k: ignore,
  x: ignore,
  // Logging, and how ssh behaves in a terminal.
  E: ignoreValue,
  e: ignoreValue,
  f: ignore,
  n: ignore,
  q: ignore,
  v: ignore,
  y: ignore,
  // Connections are not shared through ssh's sockets.
  M: ignore,
  S: ignoreValue,
  "1": refuse("protocol version 1 is not supported by anything"),
  A: refuse("the agent is not forwarded", "Leave -A out."),
  B: refuse("binding to an interface is not supported", "Leave -B out."),
  G: refuse("it prints a configuration instead of connecting", "Leave -G out."),
  I: refuse("keys on a PKCS#11 token are not supported", "Leave -I out."),
  K: refuse("GSSAPI is not supported", "Leave -K out."),
  O: refuse("there is no shared connection to control", "Leave -O out."),
  P: refuse("tags are not supported", "A port is given by a small -p."),
  Q: refuse("it lists algorithms instead of connecting", "Leave -Q out."),
  V: refuse("it prints a version instead of connecting", "Leave -V out."),
  W: refuse("connecting standard input to a host is not supported", "For a jump host write -J."),
  X: refuse("X11 is not forwarded", "Leave -X out."),
  Y: refuse("X11 is not forwarded", "Leave -Y out."),
  b: refuse("binding to a local address is not supported", "Leave -b out."),
  g: refuse(
    "a forwarding listens on the loopback address unless it names another",
    "Name the address in the forwarding itself: -L 0.0.0.0:8080:localhost:80."
  ),
  s: refuse("subsystems are not supported", "Leave -s out."),
  w: refuse("tunnel devices are not supported", "Leave -w out.")
}

/** Reads the words behind `ssh`, flags before and after the host alike. */
export const readWords = (draft: Draft, words: ReadonlyArray<string>, os: string): Result.Result<void, SshError> =>
  Result.gen(function* () {
    for (let at = 0; at < words.length; at++) {
      const word = words[at] ?? ""
      if (word === "--") {
        // What follows is no flag: the host, and behind it a command.
        for (const rest of words.slice(at + 1)) yield* addHostOrRefuse(draft, rest)
        return
      }
      if (!word.startsWith("-") || word === "-") {
        yield* addHostOrRefuse(draft, word)
        continue
      }
      at = yield* readCluster(draft, words, at, os)
    }
  })

const addHostOrRefuse = (draft: Draft, word: string): Step =>
  draft.host === undefined
    ? addHost(draft, word)
    : failTarget(
        word,
        "a machine is named here, so a command can't follow the host",
        "Give the command behind --, as in: toehold exec MACHINE -- COMMAND."
      )

/** Reads one word of flags such as `-vNp22` and gives back the place of the last word that it took. */
const readCluster = (
  draft: Draft,
  words: ReadonlyArray<string>,
  at: number,
  os: string
): Result.Result<number, SshError> =>
  Result.gen(function* () {
    const word = words[at] ?? ""
    for (let index = 1; index < word.length; index++) {
      const letter = word.charAt(index)
      const flag = Object.hasOwn(flags, letter) ? flags[letter] : undefined
      const shown = `-${letter}`
      if (flag === undefined) return yield* failTarget(word, "ssh has no such flag")
      if (flag.takes === "refused") return yield* failTarget(shown, flag.detail, flag.hint)
      if (flag.takes === "nothing") yield* flag.apply(draft, os)
      else {
        const attached = word.slice(index + 1)
        const argument = attached === "" ? words[at + 1] : attached
        if (argument === undefined) return yield* failTarget(shown, "no value follows the flag")
        yield* flag.apply(draft, argument, os)
        return attached === "" ? at + 1 : at
      }
    }
    return at
  })
