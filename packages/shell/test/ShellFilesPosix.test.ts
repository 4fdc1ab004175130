import * as FileSuite from "@toehold/lab/FileSuite"
import { describeWith } from "@toehold/lab/RealPart"
import { capabilities, layer } from "./support/shells.ts"

describeWith(["dash"], "files by a shell and next to nothing", () =>
  FileSuite.suite("without stat, readlink, head, checksums", layer({ shell: "dash", programs: "posix" }), {
    ...capabilities,
    times: false,
    inodes: false
  })
)
