/** Git's progress lines, as few enough for a person to read. */

const line =
  /^(?:remote: )?(Counting objects|Compressing objects|Receiving objects|Resolving deltas|Updating files): +([0-9]{1,3})%[^,]*(?:, ([0-9.]+ [KMG]iB))?/

/** Reads stderr in pieces, cut anywhere, and answers what is worth telling: a stage, and each fifth of the long ones. */
export class GitProgress {
  private rest = ""
  private told = ""

  push(text: string): ReadonlyArray<string> {
    const lines = (this.rest + text).split(/[\r\n]/)
    this.rest = (lines.pop() ?? "").slice(-500)
    return lines.flatMap((found) => {
      const [, stage, percent, size] = line.exec(found.slice(0, 500)) ?? []
      if (stage === undefined) return []
      const key = `${stage} ${Math.floor(Number(percent) / 20)}`
      if (key === this.told) return []
      this.told = key
      return [`${stage}: ${percent}%${size === undefined ? "" : ` (${size})`}`]
    })
  }
}
