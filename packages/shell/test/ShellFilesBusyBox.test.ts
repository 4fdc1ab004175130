import * as FileSuite from "@toehold/lab/FileSuite"
import { describeWith } from "@toehold/lab/RealPart"
import { capabilities, layer } from "./support/shells.ts"

describeWith(["busybox", "setpriv"], "files by BusyBox alone", () =>
  FileSuite.suite("as a user without rights", layer({ shell: "ash", programs: "busybox", isUnprivileged: true }), {
    ...capabilities,
    unprivileged: true,
    wholeSeconds: true
  })
)
