/**
 * A folder of a machine's as a word for its shell.
 *
 * @since 0.1.0
 */

/**
 * The word that `cd` goes to: `cd` takes `-` and names in CDPATH for something else, and never expands a quoted `~`.
 * `quote` is how the script that the word is put into quotes text.
 *
 * @since 0.1.0
 * @category formatting
 */
export const word = (folder: string, quote: (text: string) => string): string =>
  folder === "~"
    ? `"$HOME"`
    : folder.startsWith("~/")
      ? `"$HOME"/${quote(folder.slice(2))}`
      : quote(folder.startsWith("-") ? `./${folder}` : folder)
