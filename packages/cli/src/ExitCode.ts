/**
 * The exit codes of the program, and which failure has which.
 *
 * @since 0.1.0
 */
import type * as ProvisionError from "@toehold/bootstrap-service/ProvisionError"
import type * as JobsError from "@toehold/jobs/JobsError"
import type * as MachineError from "@toehold/machines/MachineError"
import type * as SessionApiError from "@toehold/session-api/SessionApiError"
import type * as SerialError from "@toehold/serial-runner/SerialError"
import type * as SshError from "@toehold/ssh-core/SshError"
import type * as TransferError from "@toehold/transfer/TransferError"
import type * as VastError from "@toehold/vast-api/VastError"
import type { Failure } from "./FailureDocument.ts"
import { signalNumber } from "./internal/signalNumber.ts"
import { causeOf } from "./internal/transportCause.ts"

/** @since 0.1.0 */
export const done = 0
/** @since 0.1.0 */
export const failed = 1
/** @since 0.1.0 */
export const usage = 64
/** @since 0.1.0 */
export const badInput = 65
/** @since 0.1.0 */
export const noInput = 66
/** @since 0.1.0 */
export const unreachable = 69
/** @since 0.1.0 */
export const io = 74
/** @since 0.1.0 */
export const tryAgain = 75
/** @since 0.1.0 */
export const notPermitted = 77
/** @since 0.1.0 */
export const configuration = 78
/** @since 0.1.0 */
export const timeout = 124
/** @since 0.1.0 */
export const interrupted = 130
/**
 * The reader of a command's output went away, and the command was killed for it: what a shell reports for SIGPIPE.
 *
 * @since 0.1.0
 */
export const outputClosed = 141
/**
 * `exec` could not reach the machine, log in or keep the connection, as with `ssh`.
 *
 * @since 0.1.0
 */
export const transport = 255

/**
 * The exit code for a reason, for every command but `exec`.
 *
 * @since 0.1.0
 * @category accessors
 */
export const ofReason = (reason: SshError.Reason): number => {
  switch (reason._tag) {
    case "DnsFailed":
    case "ConnectionRefused":
    case "ConnectTimeout":
    case "HostUnreachable":
    case "NotSsh":
    case "ConnectionClosed":
    case "NoCommonAlgorithm":
    case "PacketTooLong":
    case "ConnectionLost":
    case "ProgramMissing":
      return unreachable
    case "HostKeyUnknown":
    case "HostKeyChanged":
    case "HostKeyRevoked":
    case "KeyPassphraseMissing":
    case "KeyPassphraseWrong":
    case "KeyPermissions":
    case "AuthRejected":
    case "PasswordExpired":
    case "PermissionDenied":
    case "SudoRefused":
      return notPermitted
    case "ChannelRefused":
      return reason.busy ? tryAgain : notPermitted
    case "KeyUnreadable":
    case "KeyFormatUnsupported":
    case "KeyIsPublic":
      return badInput
    case "CommandTimeout":
    case "IdleTimeout":
    case "PromptDetected":
    case "ExpectTimeout":
      return timeout
    case "ExpectEnded":
      return failed
    case "NotFound":
      return noInput
    case "FileLocked":
    case "PortInUse":
      return tryAgain
    case "FileFailed":
    case "InputClosed":
    case "SignalFailed":
    case "NoSpace":
      return io
    case "InvalidTarget":
      return reason.location === undefined ? usage : configuration
    case "InvalidArgument":
      return usage
  }
}

/**
 * The exit code for what went wrong on a serial console, for every command but `exec`.
 *
 * @since 0.1.0
 * @category accessors
 */
export const ofSerialReason = (reason: SerialError.Reason): number => {
  switch (reason._tag) {
    case "PortMissing":
    case "PortClosed":
    case "NoShell":
    case "ShellEnded":
    case "Rebooted":
    case "Panicked":
      return unreachable
    case "PortBusy":
      return tryAgain
    case "LoginPrompt":
    case "PermissionDenied":
      return notPermitted
    case "CommandTimeout":
    case "IdleTimeout":
      return timeout
    case "NotFound":
      return noInput
    case "SyntaxError":
      return badInput
    case "OutputDamaged":
    case "FileFailed":
    case "InputClosed":
    case "SignalFailed":
      return io
    case "InvalidTarget":
    case "InvalidArgument":
      return usage
  }
}

const ofTransport = (error: SshError.SshError | SerialError.SerialError): number =>
  error._tag === "SshError" ? ofReason(error.reason) : ofSerialReason(error.reason)

/**
 * The exit code for what went wrong with a job.
 *
 * @since 0.1.0
 * @category accessors
 */
export const ofJobsReason = (reason: JobsError.Reason): number => {
  switch (reason._tag) {
    case "NotFound":
    case "CommandNotFound":
      return noInput
    case "InvalidArgument":
      return usage
    case "AlreadyExists":
    case "StillRunning":
    case "Unsupported":
    case "KillFailed":
      return failed
    case "NoSpace":
    case "FileFailed":
      return io
    case "PermissionDenied":
      return notPermitted
    case "NotStarted":
      return tryAgain
    case "WaitTimeout":
      return timeout
    case "BadReply":
    case "Transport":
      return unreachable
  }
}

const vastCodes: Readonly<Record<VastError.Reason["_tag"], number>> = {
  KeyMissing: notPermitted,
  Unauthorized: notPermitted,
  TwoFactorRequired: notPermitted,
  Forbidden: notPermitted,
  NotFound: noInput,
  NoSuchOffer: noInput,
  InvalidRequest: badInput,
  RateLimited: tryAgain,
  Gone: unreachable,
  ServerError: unreachable,
  Transport: unreachable,
  InvalidResponse: unreachable,
  BilledButFailed: failed,
  CreateUnknown: failed,
  InstanceFailed: failed,
  ResultTimeout: timeout,
  WaitTimeout: timeout
}

/**
 * The exit code for what went wrong with the Vast.ai API.
 *
 * @since 0.1.0
 * @category accessors
 */
export const ofVastReason = ({ _tag }: VastError.Reason): number => vastCodes[_tag]

const isVastTag = (tag: string): tag is VastError.Reason["_tag"] => Object.hasOwn(vastCodes, tag)

/**
 * The exit code for a machine that could not be opened: that of the attempt whose failure says most about the cause.
 *
 * @since 0.1.0
 * @category accessors
 */
export const ofMachineReason = (reason: MachineError.Reason): number => {
  switch (reason._tag) {
    case "NotRunning":
      return reason.isStarting ? tryAgain : unreachable
    case "RoutesFailed":
      return reason.decisive === undefined ? tryAgain : ofReason(reason.decisive.error.reason)
  }
}

/**
 * The exit code for what keeps a machine from being ready.
 *
 * @since 0.1.0
 * @category accessors
 */
export const ofProvisionReason = (reason: ProvisionError.Reason): number => {
  switch (reason._tag) {
    case "NoIdentity":
    case "IdentityUnusable":
    case "KeyNotRegistered":
    case "LoginDenied":
    case "HostKeyChanged":
    case "SecretsMissing":
      return notPermitted
    case "InstanceStopped":
    case "NoAddress":
    case "PortFiltered":
    case "PortClosed":
    case "JumpFailed":
    case "MachineFailed":
    case "LoginFailed":
      return unreachable
    case "ApiFailed":
      return isVastTag(reason.kind) ? vastCodes[reason.kind] : unreachable
    case "JobFailed":
      return reason.isRetryable ? tryAgain : failed
    case "StepTimeout":
      return timeout
    case "TunnelRateLimited":
      return tryAgain
    case "RecipeInvalid":
      return badInput
    case "InstanceFailed":
    case "NoWorkspace":
    case "ProvisioningFailed":
    case "ServiceMissing":
    case "ServiceFailed":
    case "TunnelProgramMissing":
    case "TunnelFailed":
    case "GuardUnavailable":
      return failed
  }
}

/**
 * The exit code for a failure, for every command but `exec`.
 *
 * @since 0.1.0
 * @category accessors
 */
export const ofFailure = (failure: Failure): number => {
  switch (failure._tag) {
    case "UsageError":
      return usage
    case "OutputFailed":
    case "InputFailed":
      return io
    case "SshError":
    case "SerialError":
      return ofTransport(failure)
    case "JobsError": {
      const cause = causeOf(failure)
      return cause === undefined ? ofJobsReason(failure.reason) : ofTransport(cause)
    }
    case "TransferError":
      return ofTransfer(failure.reason)
    case "VastError":
      return ofVastReason(failure.reason)
    case "MachineError":
      return ofMachineReason(failure.reason)
    case "ProvisionError":
      return ofProvisionReason(failure.reason)
    case "SessionApiError":
      return ofSessionApi(failure.reason)
  }
}

const ofTransfer = (reason: TransferError.Reason): number => {
  switch (reason._tag) {
    case "NotFound":
      return noInput
    case "SourceVanished":
    case "SourceChanged":
    case "TakenOver":
      return tryAgain
    case "NotAFile":
    case "UnsafeName":
    case "NotADirectory":
    case "IsADirectory":
      return badInput
    case "NoSpace":
    case "ChecksumMismatch":
    case "FileFailed":
      return io
    case "PermissionDenied":
      return notPermitted
    case "ConnectionLost":
      return unreachable
    case "InvalidArgument":
      return usage
  }
}

const ofSessionApi = (reason: SessionApiError.Reason): number => {
  switch (reason._tag) {
    case "InvalidRequest":
    case "PayloadTooLarge":
    case "UnsupportedMediaType":
      return badInput
    case "Unauthorized":
    case "Forbidden":
      return notPermitted
    case "NotFound":
      return noInput
    case "Conflict":
    case "ServerFailed":
      return failed
    case "RateLimited":
    case "Unavailable":
      return tryAgain
    case "Unreachable":
    case "BadAnswer":
      return unreachable
  }
}

/**
 * The exit code of `exec` for a failure of its own: usage as everywhere, 124 for its time limits, else 255.
 *
 * @since 0.1.0
 * @category accessors
 */
export const ofExecFailure = (failure: Failure): number => {
  if (failure._tag === "OutputFailed" && failure.isClosed) return outputClosed
  const code = ofFailure(failure)
  return code === usage || code === timeout ? code : transport
}

/**
 * The exit code of `exec` for a command that ended: its own, or 128 and the number of the signal that ended it (SIGKILL's
 * for a signal that has no number here).
 *
 * @since 0.1.0
 * @category accessors
 */
export const ofStatus = (status: { readonly exitCode: number | null; readonly signal: string | null }): number =>
  status.exitCode ?? 128 + signalNumber(status.signal ?? "")
