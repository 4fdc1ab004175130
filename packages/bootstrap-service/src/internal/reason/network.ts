import { Schema } from "effect"
import type { Outcome } from "@toehold/shell/Outcome"
import { oneLine } from "@toehold/shell/RemoteText"
import type { SessionStep } from "../../SessionStep.ts"

/**
 * The machine has no network interface.
 *
 * @since 0.1.0
 * @category reasons
 */
export class InterfaceMissing extends Schema.TaggedError<InterfaceMissing>(
  "@toehold/bootstrap-service/InterfaceMissing"
)("InterfaceMissing", {}) {
  readonly step: SessionStep = "network"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return "The machine has no network interface."
  }
  get fix(): string {
    return "Start the machine with a network device; the guest needs its driver (virtio_net)."
  }
}

/**
 * The machine's address and the gateway are not of one network.
 *
 * @since 0.1.0
 * @category reasons
 */
export class AddressOutsideNetwork extends Schema.TaggedError<AddressOutsideNetwork>(
  "@toehold/bootstrap-service/AddressOutsideNetwork"
)("AddressOutsideNetwork", {
  address: Schema.String,
  network: Schema.String
}) {
  readonly step: SessionStep = "network"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`The address ${this.address} is not in the network ${this.network}.`)
  }
  get fix(): string {
    return "Give the machine an address of that network, or name the network that it is in."
  }
}

/**
 * Setting up the network needs root, and sudo does not give it without a password.
 *
 * @since 0.1.0
 * @category reasons
 */
export class NotPermitted extends Schema.TaggedError<NotPermitted>("@toehold/bootstrap-service/NotPermitted")(
  "NotPermitted",
  {
    detail: Schema.String
  }
) {
  readonly step: SessionStep = "network"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`The network can't be set up: ${this.detail}.`)
  }
  get fix(): string {
    return "Allow the user of the console to run sudo without a password, or log root in there."
  }
}

/**
 * The machine has no program that can do it.
 *
 * @since 0.1.0
 * @category reasons
 */
export class ToolMissing extends Schema.TaggedError<ToolMissing>("@toehold/bootstrap-service/ToolMissing")(
  "ToolMissing",
  {
    tool: Schema.String
  }
) {
  readonly step: SessionStep = "network"
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`The machine has no ${this.tool}.`)
  }
  get fix(): string {
    return "Install iproute2 (or BusyBox) in the image: toehold image check says what it lacks."
  }
}

/**
 * A part of the network could not be set up.
 *
 * @since 0.1.0
 * @category reasons
 */
export class NetworkSetupFailed extends Schema.TaggedError<NetworkSetupFailed>(
  "@toehold/bootstrap-service/NetworkSetupFailed"
)("NetworkSetupFailed", {
  what: Schema.Literals(["link", "address", "route", "dns"]),
  detail: Schema.String
}) {
  readonly step: SessionStep = "network"
  readonly outcome: Outcome = "may-have-run"
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(`The network's ${this.what} could not be set up: ${this.detail}.`)
  }
  get fix(): string {
    return "Look at the interface on the machine (ip addr, ip route), then retry."
  }
}

/**
 * The gateway does not answer.
 *
 * @since 0.1.0
 * @category reasons
 */
export class GatewaySilent extends Schema.TaggedError<GatewaySilent>("@toehold/bootstrap-service/GatewaySilent")(
  "GatewaySilent",
  {
    gateway: Schema.String,
    interface: Schema.String
  }
) {
  readonly step: SessionStep = "network"
  readonly outcome: Outcome = "finished"
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(`The gateway ${this.gateway} does not answer on ${this.interface}.`)
  }
  get fix(): string {
    return "Look at the host's end: the tap device must be up, and in the bridge that has the gateway's address."
  }
}
