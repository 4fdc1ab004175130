/**
 * Shell text as it stands in these sources: indented, with comments, and with `\$` and `` \` `` where the template would
 * see its own. What is sent is shorter.
 */
export const shellText = (strings: TemplateStringsArray, ...values: ReadonlyArray<string>): string =>
  String.raw({ raw: strings.raw.map((text) => text.replaceAll("\\$", "$").replaceAll("\\`", "`")) }, ...values)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .join("\n")

/** A value as one word of shell text on one line: newlines travel as `$n`, which {@link newline} sets. */
export const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`).replaceAll("\n", `'"$th_n"'`)}'`

/** The third character of the default IFS is a newline, in every shell. */
export const newline = "th_n=${IFS#??}"
