/** What the end of a console's output tells about who is at its other end. */

/** What can be told of a console without typing anything. */
export type Sight = "login" | "shell" | "continuation" | "booting" | "panicked"

/** Sequences that move the cursor, colour, set titles and modes. */
// eslint-disable-next-line no-control-regex -- the escape character is what is looked for
const sequences = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]{0,512}(?:\u0007|\u001b\\)|[()][0-9A-B]|[=>78cDEHM])/g

/** The text without what a terminal would not show. */
export const plain = (text: string): string => text.replace(sequences, "").replaceAll("\r", "")

const lastLine = (text: string): string => {
  const shown = plain(text.slice(-1024))
  return shown.slice(shown.lastIndexOf("\n") + 1)
}

/** Somebody asks who is there; nothing may be typed. */
export const isLogin = (text: string): boolean => /(?:\blogin|^Password|'s [Pp]assword): ?$/.test(lastLine(text))

/** A shell's prompt, of any user. */
export const isPrompt = (text: string): boolean => /[$#%>] ?$/.test(lastLine(text))

/** The shell waits for the rest of a command. */
export const isContinuation = (text: string): boolean =>
  /^(?:>|(?:[a-z]*quote|heredoc|cmdsubst|pipe|then|else|for|while|if|function)>) ?$/.test(lastLine(text))

/** A machine that starts, or goes down to start again. */
const start = /Linux version \d|\bsystemd\[1\]|Starting version \d|SeaBIOS|U-Boot|GNU GRUB|\[ {2}OK {2}\]|\breboot: /

/** The first words of a kernel, a boot loader or systemd. */
export const isStart = (text: string): boolean => start.test(text)

/** The kernel's own lines, which come at any time. */
const kernel = /^\[ +\d+\.\d{6}\] /m

/** The same words stand at the end of what it says then. */
const panic = /Kernel panic - not syncing[^\n]{0,400}/g

/** The kernel's own words, when it gave up and nothing came after that but its last words. */
export const panicIn = (text: string): string | undefined => {
  const last = [...text.matchAll(panic)].findLast(({ index }) => !text.slice(0, index).endsWith("[ end "))
  if (last === undefined) return undefined
  const after = text.slice(last.index + last[0].length)
  // The kernel's own lines have its time in front.
  const others = after.split("\n").filter((line) => !/^\r?$|^(?:\[ *\d+\.\d+\]|---)/.test(line.trimStart()))
  const isOver = /Linux version \d|SeaBIOS|U-Boot|GNU GRUB/.test(after) || isPrompt(after) || isLogin(after)
  return isOver && others.length > 1 ? undefined : last[0].trim()
}

/** What can be seen; `undefined` where it could be anything. */
export const look = (text: string): Sight | undefined => {
  if (panicIn(text) !== undefined) return "panicked"
  if (isLogin(text)) return "login"
  if (isContinuation(text)) return "continuation"
  if (isPrompt(text)) return "shell"
  return isStart(text) || kernel.test(text) ? "booting" : undefined
}

/** What is shown to a person: the last lines, without anything that a terminal acts on. */
export const seen = (text: string): string => {
  const lines = plain(text)
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "")
  return lines.slice(-3).join(" / ").slice(-400)
}
