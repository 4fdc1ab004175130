import type { FlagSpec } from "../commandSpec.ts"

export const secretFlag: FlagSpec = {
  name: "secret",
  value: "NAME[=@FILE]",
  isRepeatable: true,
  summary: "A secret for the scripts: from your variable of that name, a file, or typed"
}
