import * as FileSuite from "@toehold/lab/FileSuite"
import * as RealPart from "@toehold/lab/RealPart"
import * as Machines from "./support/machines.ts"

RealPart.describeWith(["script", "dash"], "SerialFiles", () => {
  FileSuite.suite("on a terminal's dash", Machines.pty({ shell: "dash" }), {
    bigFileBytes: 2 * 1024 * 1024,
    names: 12,
    concurrency: 8
  })
})
