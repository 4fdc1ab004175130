import * as FileSuite from "@toehold/lab/FileSuite"
import { describeWith } from "@toehold/lab/RealPart"
import { capabilities, layer } from "./support/shells.ts"

describeWith(["dash"], "files by dash and GNU's programs", () =>
  FileSuite.suite("as the user of the tests", layer({ shell: "dash" }), capabilities)
)
