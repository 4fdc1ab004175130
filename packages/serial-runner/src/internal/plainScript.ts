/** Telling a command that any shell reads in the same way, and that can't meddle with the shell that runs it. */

const word = /(?:[A-Za-z0-9_./:,@%+^=*?[\]-]|'[^'\n]*'|"[^"$`\\\n!]*")+/y
const space = /[ \t]*/y
const redirection = /(?:[12]?>&[12](?![^ \t;|])|[12]?>>?(?!&)|<)/y
const separator = /(?:&&|\|\||;|\|)/y

/** Words that are the shell's own, or that act upon it. */
const special = new Set(
  (
    "if then else elif fi for while until do done case esac in function select time coproc eval exec exit trap set unset " +
    "source . return shift wait jobs fg bg kill suspend ulimit alias unalias command builtin read getopts break continue local [["
  ).split(" ")
)

/**
 * `true` for commands with plain words, quotes, redirections, `;`, `&&`, `||` and `|`. Everything else may be as good; it
 * gets a shell of its own. Takes time linear in the text.
 */
export const isPlain = (script: string): boolean => {
  let at = 0
  const take = (what: RegExp): string | undefined => {
    what.lastIndex = at
    const found = what.exec(script)?.[0]
    if (found !== undefined) at += found.length
    return found
  }
  let isFirst = true
  for (;;) {
    take(space)
    if (at === script.length) return !isFirst
    const operator = take(redirection)
    if (operator !== undefined) {
      if (isFirst) return false
      if (operator.includes("&")) continue
      take(space)
      const target = take(word)
      // A number right before a redirection belongs to that, and the one before it has no file.
      if (target === undefined || (/^\d+$/.test(target) && /[<>]/.test(script.charAt(at)))) return false
      continue
    }
    const found = take(word)
    if (found !== undefined) {
      // An assignment comes before its command.
      if (isFirst && (special.has(found) || found.includes("="))) return false
      isFirst = false
      continue
    }
    if (isFirst || take(separator) === undefined) return false
    isFirst = true
  }
}
