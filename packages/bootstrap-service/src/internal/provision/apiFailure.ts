import type * as VastError from "@toehold/vast-api/VastError"
import * as ProvisionError from "../../ProvisionError.ts"
import type { Step } from "../../ProvisionEvent.ts"

/** A failure of the API, as one of the step that called it. */
export const apiFailure =
  (step: Step) =>
  (cause: VastError.VastError): ProvisionError.ProvisionError =>
    ProvisionError.make(
      new ProvisionError.ApiFailed({
        step,
        kind: cause.reason._tag,
        detail: cause.message,
        hint: cause.fix,
        isRetryable: cause.isRetryable,
        cause
      })
    )
