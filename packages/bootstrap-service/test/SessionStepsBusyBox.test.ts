import { describeWith } from "@toehold/lab/RealPart"
import { layerLocal } from "./support/place.ts"
import { suite } from "./support/suite.ts"

describeWith(["busybox", "git"], "The steps of a session where there is only BusyBox, and git", () =>
  suite(layerLocal({ busyboxWith: ["git"] }))
)
