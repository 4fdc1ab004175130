import { Schema } from "effect"
import { oneLine } from "@toehold/shell/RemoteText"
import type { Outcome } from "@toehold/shell/Outcome"

/** `GET /api/v0/instances/{id}/`: what was asked, without ids and secrets. */
const Call = { call: Schema.String }
const Answer = { ...Call, detail: Schema.String }

const said = (detail: string): string => (detail === "" ? "" : `: ${detail.replace(/[.\s]+$/, "")}`)

/**
 * No API key was found.
 *
 * @since 0.1.0
 * @category reasons
 */
export class KeyMissing extends Schema.TaggedError<KeyMissing>("@toehold/vast-api/KeyMissing")("KeyMissing", {
  /** The files that were looked into. */
  searched: Schema.Array(Schema.String)
}) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`No Vast.ai API key: VAST_API_KEY is not set, and none of ${this.searched.join(", ")} holds one.`)
  }
  get fix(): string {
    return "Set VAST_API_KEY to a key made at https://cloud.vast.ai/manage-keys/, or run: vastai set api-key KEY."
  }
}

/**
 * The service does not know the API key. It says so with status 401 or 404.
 *
 * @since 0.1.0
 * @category reasons
 */
export class Unauthorized extends Schema.TaggedError<Unauthorized>("@toehold/vast-api/Unauthorized")(
  "Unauthorized",
  Answer
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`Vast.ai did not accept the API key${said(this.detail)}.`)
  }
  get fix(): string {
    return "Check VAST_API_KEY: it may be cut short, deleted, or of another account. Make a new one at https://cloud.vast.ai/manage-keys/."
  }
}

/**
 * The account asks for a second factor, which an API key can't give.
 *
 * @since 0.1.0
 * @category reasons
 */
export class TwoFactorRequired extends Schema.TaggedError<TwoFactorRequired>("@toehold/vast-api/TwoFactorRequired")(
  "TwoFactorRequired",
  Answer
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`Vast.ai wants two-factor authentication for ${this.call}${said(this.detail)}.`)
  }
  get fix(): string {
    return "Log in with the second factor (vastai tfa login) and use the key of that session, or do this step on the website."
  }
}

/**
 * The API key is known but lacks the right.
 *
 * @since 0.1.0
 * @category reasons
 */
export class Forbidden extends Schema.TaggedError<Forbidden>("@toehold/vast-api/Forbidden")("Forbidden", Answer) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`The API key may not do ${this.call}${said(this.detail)}.`)
  }
  get fix(): string {
    return "Use a key with that right, or ask the team's owner for it."
  }
}

/**
 * There is no such thing, or not for this account: an instance that was destroyed, a key, a template.
 *
 * @since 0.1.0
 * @category reasons
 */
export class NotFound extends Schema.TaggedError<NotFound>("@toehold/vast-api/NotFound")("NotFound", {
  ...Answer,
  /** What was asked for, such as `instance 41000001`. */
  what: Schema.String
}) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`Vast.ai has no ${this.what} for this account${said(this.detail)}.`)
  }
  get fix(): string {
    return "It may have been destroyed, or belong to another account: list what there is, and check the id and the API key."
  }
}

/**
 * The service has withdrawn the endpoint (status 410).
 *
 * @since 0.1.0
 * @category reasons
 */
export class Gone extends Schema.TaggedError<Gone>("@toehold/vast-api/Gone")("Gone", Answer) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`Vast.ai has withdrawn ${this.call}${said(this.detail)}.`)
  }
  get fix(): string {
    return "Update toehold: this version uses an endpoint that is no longer served."
  }
}

/**
 * The service, or this client before it asked, refused what was asked for.
 *
 * @since 0.1.0
 * @category reasons
 */
export class InvalidRequest extends Schema.TaggedError<InvalidRequest>("@toehold/vast-api/InvalidRequest")(
  "InvalidRequest",
  {
    ...Answer,
    /** The service's own name for it, such as `invalid_args` or `team_ssh_keys_not_supported`. */
    error: Schema.String,
    /** The field at fault, where the service names one. */
    field: Schema.optionalKey(Schema.String)
  }
) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    const field = this.field === undefined ? "" : ` because of "${this.field}"`
    return oneLine(`Vast.ai refused ${this.call}${field} (${this.error || "no reason given"})${said(this.detail)}.`)
  }
  get fix(): string {
    return this.error === "team_ssh_keys_not_supported"
      ? "Teams can't hold SSH keys: attach the key to the instance instead, or use the key of a personal account."
      : "Correct the request; the same one will be refused again."
  }
}

/**
 * Too many calls to one endpoint (status 429). Nothing was done.
 *
 * @since 0.1.0
 * @category reasons
 */
export class RateLimited extends Schema.TaggedError<RateLimited>("@toehold/vast-api/RateLimited")("RateLimited", {
  ...Answer,
  /** Seconds between two calls, where the service names them. */
  interval: Schema.optionalKey(Schema.Finite)
}) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(`Vast.ai was asked too often for ${this.call}${said(this.detail)}.`)
  }
  get fix(): string {
    const interval = this.interval === undefined ? "a few" : `at least ${this.interval}`
    return `Wait ${interval} seconds; another program may be using the same API key.`
  }
}

/**
 * The offer is rented, withdrawn, or never was.
 *
 * @since 0.1.0
 * @category reasons
 */
export class NoSuchOffer extends Schema.TaggedError<NoSuchOffer>("@toehold/vast-api/NoSuchOffer")("NoSuchOffer", {
  ...Answer,
  offer: Schema.Int
}) {
  readonly outcome: Outcome = "did-not-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`Offer ${this.offer} can't be rented${said(this.detail)}.`)
  }
  get fix(): string {
    return "Search again and take another offer: they go within minutes."
  }
}

/**
 * The service says that a create failed, yet made a contract that may cost money.
 *
 * @since 0.1.0
 * @category reasons
 */
export class BilledButFailed extends Schema.TaggedError<BilledButFailed>("@toehold/vast-api/BilledButFailed")(
  "BilledButFailed",
  {
    ...Answer,
    /** The instance to adopt or to destroy. */
    contract: Schema.Int
  }
) {
  readonly outcome: Outcome = "finished"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`The create failed but left contract ${this.contract}, which may be billed${said(this.detail)}.`)
  }
  get fix(): string {
    return `Look at instance ${this.contract}: keep it if it starts (a bid may be pending), else destroy it.`
  }
}

/**
 * A create got no clear answer, and no instance bears its label. It may still appear.
 *
 * @since 0.1.0
 * @category reasons
 */
export class CreateUnknown extends Schema.TaggedError<CreateUnknown>("@toehold/vast-api/CreateUnknown")(
  "CreateUnknown",
  {
    ...Answer,
    /** The label that the instance has, if there is one. */
    label: Schema.String
  }
) {
  readonly outcome: Outcome = "may-have-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    return oneLine(`It is not known whether the create made an instance${said(this.detail)}.`)
  }
  get fix(): string {
    return `Don't create again before you looked: list the instances, now and in a minute, for the label "${this.label}".`
  }
}

/**
 * The service failed (status 5xx).
 *
 * @since 0.1.0
 * @category reasons
 */
export class ServerError extends Schema.TaggedError<ServerError>("@toehold/vast-api/ServerError")("ServerError", {
  ...Answer,
  status: Schema.Int
}) {
  readonly outcome: Outcome = "may-have-run"
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(`Vast.ai answered ${this.call} with status ${this.status}${said(this.detail)}.`)
  }
  get fix(): string {
    return "Try again in a minute. What changes something may have been done: look first."
  }
}

/**
 * No answer: the service can't be reached, or the connection broke.
 *
 * @since 0.1.0
 * @category reasons
 */
export class Transport extends Schema.TaggedError<Transport>("@toehold/vast-api/Transport")("Transport", {
  ...Answer,
  outcome: Schema.Literals(["did-not-run", "may-have-run"])
}) {
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(`No answer to ${this.call}${said(this.detail)}.`)
  }
  get fix(): string {
    return "Check this machine's network, its proxy settings, and VAST_URL if it is set."
  }
}

/**
 * An answer that this client does not understand.
 *
 * @since 0.1.0
 * @category reasons
 */
export class InvalidResponse extends Schema.TaggedError<InvalidResponse>("@toehold/vast-api/InvalidResponse")(
  "InvalidResponse",
  {
    ...Answer,
    /** Where in the answer, such as `instances.ports`; empty for the whole of it. */
    path: Schema.String
  }
) {
  readonly outcome: Outcome = "may-have-run"
  readonly isRetryable: boolean = false
  override get message(): string {
    const at = this.path === "" ? "" : ` at "${this.path}"`
    return oneLine(`The answer to ${this.call} has an unknown shape${at}${said(this.detail)}.`)
  }
  get fix(): string {
    return "Check that VAST_URL is the Vast.ai API and that no proxy answers in its place; else update toehold."
  }
}

/**
 * The output of a command or of a log request did not appear in time.
 *
 * @since 0.1.0
 * @category reasons
 */
export class ResultTimeout extends Schema.TaggedError<ResultTimeout>("@toehold/vast-api/ResultTimeout")(
  "ResultTimeout",
  { ...Call, seconds: Schema.Finite }
) {
  readonly outcome: Outcome = "may-have-run"
  readonly isRetryable: boolean = true
  override get message(): string {
    return `The result of ${this.call} did not appear within ${this.seconds} seconds.`
  }
  get fix(): string {
    return "Try again; a machine that is offline, or an instance that has never run, has no logs."
  }
}

/**
 * An instance won't become what was waited for.
 *
 * @since 0.1.0
 * @category reasons
 */
export class InstanceFailed extends Schema.TaggedError<InstanceFailed>("@toehold/vast-api/InstanceFailed")(
  "InstanceFailed",
  {
    instance: Schema.Int,
    /** Why: its container fails, it loads without end, it ended, it waits for a free GPU, or its machine is offline. */
    why: Schema.Literals(["container", "stuck", "stopped", "scheduling", "offline"]),
    status: Schema.String,
    /** The service's own words. */
    detail: Schema.String
  }
) {
  readonly outcome: Outcome = "finished"
  readonly isRetryable: boolean = false
  override get message(): string {
    const what = {
      container: "can't start its container",
      stuck: "is stuck",
      stopped: "is stopped",
      scheduling: "waits for a GPU that someone else uses",
      offline: "is on a machine that is offline"
    }[this.why]
    return oneLine(`Instance ${this.instance} ${what} (status ${this.status})${said(this.detail)}.`)
  }
  get fix(): string {
    return {
      container: `Create one with an image that exists and suits the GPU, or on another machine, and destroy this one: toehold vast destroy ${this.instance}`,
      stuck: `Read its logs (toehold vast logs ${this.instance}); take another offer and destroy it if it does not move: toehold vast destroy ${this.instance}`,
      stopped: `Start it: toehold vast start ${this.instance} - and read its logs if it stops again: toehold vast logs ${this.instance}`,
      scheduling: "Wait, raise the bid, or create one on another machine.",
      offline: "Nothing but its host can bring it back: create one on another machine."
    }[this.why]
  }
}

/**
 * An instance did not become what was waited for before the deadline.
 *
 * @since 0.1.0
 * @category reasons
 */
export class WaitTimeout extends Schema.TaggedError<WaitTimeout>("@toehold/vast-api/WaitTimeout")("WaitTimeout", {
  instance: Schema.Int,
  goal: Schema.Literals(["running", "ssh-ready"]),
  seconds: Schema.Finite,
  /** The status last seen. */
  status: Schema.String
}) {
  readonly outcome: Outcome = "finished"
  readonly isRetryable: boolean = true
  override get message(): string {
    return oneLine(
      `Instance ${this.instance} is not ${this.goal} after ${this.seconds} seconds (status ${this.status}).`
    )
  }
  get fix(): string {
    return "Wait on, or read its logs: a large image takes long on a slow line."
  }
}
