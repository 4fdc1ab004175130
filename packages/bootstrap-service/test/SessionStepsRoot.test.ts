import { describeWith } from "@toehold/lab/RealPart"
import * as Namespace from "./support/namespace.ts"
import { suite } from "./support/suite.ts"

describeWith(
  ["root", "private-accounts", "nsenter", "setpriv", "busybox", "git"],
  "The steps of a session by root",
  () => suite(Namespace.layer())
)
