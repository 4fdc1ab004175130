/**
 * The logs that provisioners of rented images leave behind, read as data: whether provisioning came to a good end, goes
 * on, failed, or failed for want of a secret.
 *
 * @since 0.1.0
 */

/**
 * What a log says. `Unknown` is a log without a word about its end.
 *
 * @since 0.1.0
 * @category models
 */
export type Verdict =
  | { readonly _tag: "Succeeded"; readonly line: string }
  | { readonly _tag: "Failed"; readonly line: string }
  | { readonly _tag: "SecretsMissing"; readonly names: ReadonlyArray<string>; readonly line: string }
  | { readonly _tag: "Unknown"; readonly line: string }

const maxLine = 1000

const succeeded =
  /\bprovisioning (?:script )?(?:is |has )?(?:complete[d]?|finished|done|succeeded|successful(?:ly)?)\b|\bprovisioned successfully\b|\bapplication will start now\b/i
const failed =
  /\bprovisioning (?:script )?(?:has )?(?:failed|aborted)\b|\bscript exited with (?:code|status) [1-9]|\bexit(?:ed)? (?:code|status)[: ]+[1-9]|^(?:error|fatal)\b/i
const began = /\bprovisioning (?:script )?(?:is )?(?:starting|started|begins?|will run)\b/i

const secretName = /\b[A-Z][A-Z0-9_]{0,60}(?:TOKEN|KEY|SECRET|PASSWORD|PASS)(?:_[A-Z0-9_]{1,40})?\b/g
const lacking =
  /\b(?:not set|unset|missing|required|unbound variable|must be set|is empty|not provided|not defined|no value|please set|parameter null or not set)\b/i

const refused = /\b(?:401|403)\b|\bunauthori[sz]ed\b|\bgated repo\b|\baccess to .{1,80} is restricted\b/i
const hosts: ReadonlyArray<readonly [pattern: RegExp, name: string]> = [
  [/hugging ?face|\bhf\.co\b/i, "HF_TOKEN"],
  [/civitai/i, "CIVITAI_TOKEN"],
  [/github\.com/i, "GITHUB_TOKEN"]
]

const namesIn = (line: string): ReadonlyArray<string> => {
  if (lacking.test(line)) {
    const names = line.match(secretName)
    if (names !== null) return names
  }
  return refused.test(line) ? hosts.filter(([pattern]) => pattern.test(line)).map(([, name]) => name) : []
}

/**
 * Reads the end of a log, of any length. It is appended to at each start of a machine, so a later word about the end
 * takes the place of an earlier one; that a secret is missing explains a failure and is none by itself once the script
 * says that all went well.
 *
 * @since 0.1.0
 * @category decoding
 */
export const read = (text: string): Verdict => {
  let names = new Set<string>()
  let verdict: Verdict = { _tag: "Unknown", line: "" }
  let last = ""
  for (const raw of text.slice(-maxText).split("\n")) {
    const line = raw.slice(0, maxLine).trim()
    if (line === "") continue
    last = line
    const found = namesIn(line)
    if (found.length > 0) {
      for (const name of found) names.add(name)
      verdict = { _tag: "SecretsMissing", names: [...names], line }
    } else if (succeeded.test(line)) {
      names = new Set()
      verdict = { _tag: "Succeeded", line }
    } else if (failed.test(line)) {
      if (names.size === 0) verdict = { _tag: "Failed", line }
    } else if (began.test(line)) {
      names = new Set()
      verdict = { _tag: "Unknown", line }
    }
  }
  return verdict._tag === "Unknown" ? { _tag: "Unknown", line: last } : verdict
}

const maxText = 256 * 1024
