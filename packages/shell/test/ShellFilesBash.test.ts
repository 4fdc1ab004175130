import * as FileSuite from "@toehold/lab/FileSuite"
import { describeWith } from "@toehold/lab/RealPart"
import { capabilities, layer } from "./support/shells.ts"

describeWith(["bash", "setpriv"], "files by bash and GNU's programs", () =>
  FileSuite.suite("as a user without rights", layer({ shell: "bash", isUnprivileged: true }), {
    ...capabilities,
    unprivileged: true
  })
)
