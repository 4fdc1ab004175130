import type { FlagSpec } from "../commandSpec.ts"

export const secretFlag: FlagSpec = {
  name: "secret",
  value: "NAME[=@FILE]",
  isRepeatable: true,
  summary: "A secret for the scripts: from the variable of that name, from a file, or else asked for at the terminal"
}
