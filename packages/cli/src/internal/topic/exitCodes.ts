/** The page docs/exit-codes.md, written here by: node scripts/helpTopics.ts */
export const text = `# Exit codes

## Of \`toehold exec\`

| code | meaning |
| --- | --- |
| the command's own | the command ran to its end |
| 128 + n | signal n ended the command: 137 for SIGKILL, 143 for SIGTERM; the numbers are Linux's |
| 124 | \`--timeout\` or \`--idle-timeout\` was reached, or a question was not answered; the command's process group was killed |
| 255 | exec itself failed: the machine could not be reached, the login failed, the connection or the console was lost, sudo refused, a local file could not be used |
| 64 | the command line is wrong (a flag, the machine's name, a missing variable); nothing was connected |
| 130 | interrupted by Ctrl-C, SIGTERM or SIGHUP; the command's process group was killed |
| 141 | the reader of exec's output went away, as \`head\` does; the command's process group was killed |

Of several machines (\`exec web1,web2\`) it is the highest code that one of them would have had alone: 0 when every command
exited with 0, 255 when a machine could not be reached. Machines that \`--fail-fast\` stopped don't count.

A command may exit with one of these codes itself. Where that matters, use \`--json\`: a document with \`exitCode\` is the
command's end, one with \`error\` is exec's, and \`error.outcome\` says whether the command ran.

\`toehold interact\` has the same codes: 124 also where a step's text did not come in time, 255 where the command ended before
it. So have \`toehold shell\` and \`toehold session attach\`, with 255 for a connection that was cut or lost.

## Of every other command

| code | meaning | reasons |
| --- | --- | --- |
| 0 | done | |
| 1 | failed: a fault of the program itself, or a job or an instance that can't be what is asked; a question that was answered with no; \`job wait\`: the job did not exit with 0 | \`BilledButFailed\` \`CreateUnknown\` \`InstanceFailed\` \`AlreadyExists\` \`StillRunning\` \`Unsupported\` \`KillFailed\` \`ExpectEnded\` \`NoWorkspace\` \`ProvisioningFailed\` \`ServiceMissing\` \`ServiceFailed\` \`TunnelProgramMissing\` \`TunnelFailed\` \`GuardUnavailable\` \`Conflict\` \`ServerFailed\`; \`session watch\`, \`create --wait\`: the session failed |
| 64 | the command line is wrong, or \`--yes\` is missing where nobody can be asked | \`InvalidArgument\` \`InvalidTarget\` |
| 65 | a file holds no usable key; a file or a name can't be transferred; Vast.ai refuses the request | \`InvalidRequest\` \`KeyUnreadable\` \`KeyFormatUnsupported\` \`KeyIsPublic\` \`UnsafeName\` \`NotAFile\` \`NotADirectory\` \`IsADirectory\` \`RecipeInvalid\` \`PayloadTooLarge\` \`UnsupportedMediaType\` \`SyntaxError\` |
| 66 | a file, a job, a program, an instance or an offer does not exist | \`NotFound\` \`CommandNotFound\` \`NoSuchOffer\` |
| 69 | the machine can't be reached, is no SSH server that can be talked to, or lacks a program | \`DnsFailed\` \`ConnectionRefused\` \`ConnectTimeout\` \`HostUnreachable\` \`NotSsh\` \`ConnectionClosed\` \`NoCommonAlgorithm\` \`PacketTooLong\` \`ConnectionLost\` \`ProgramMissing\` \`Transport\` \`BadReply\` \`ServerError\` \`InvalidResponse\` \`Gone\`, \`NotRunning\` of an instance that is down \`InstanceStopped\` \`NoAddress\` \`PortFiltered\` \`PortClosed\` \`JumpFailed\` \`LoginFailed\` \`MachineFailed\` \`Unreachable\` \`BadAnswer\`; of a serial console \`PortMissing\` \`NoShell\` \`ShellEnded\` \`Rebooted\` \`Panicked\` |
| 74 | a file or the output can't be read or written | \`FileFailed\` \`InputClosed\` \`NoSpace\` \`SignalFailed\` \`ChecksumMismatch\` \`OutputDamaged\` |
| 75 | try again later | \`FileLocked\` \`NotStarted\` \`PortInUse\` \`SourceChanged\` \`SourceVanished\` \`TakenOver\` \`RateLimited\`, \`ChannelRefused\` of a busy machine, \`NotRunning\` of an instance that is starting \`TunnelRateLimited\` \`Unavailable\` \`PortBusy\` |
| 77 | authentication or permission | \`AuthRejected\` \`PasswordExpired\` \`HostKeyUnknown\` \`HostKeyChanged\` \`HostKeyRevoked\` \`KeyPassphraseMissing\` \`KeyPassphraseWrong\` \`KeyPermissions\` \`PermissionDenied\` \`SudoRefused\` \`ChannelRefused\` \`KeyMissing\` \`Unauthorized\` \`TwoFactorRequired\` \`Forbidden\` \`NoIdentity\` \`IdentityUnusable\` \`KeyNotRegistered\` \`LoginDenied\` \`SecretsMissing\` \`LoginPrompt\` |
| 78 | the configuration is wrong (\`~/.ssh/config\`); the message names file and line | \`InvalidTarget\` |
| 124 | a time limit was reached | \`CommandTimeout\` \`IdleTimeout\` \`PromptDetected\` \`ExpectTimeout\` \`WaitTimeout\` \`ResultTimeout\` \`StepTimeout\` |
| 130 | interrupted | |

\`RoutesFailed\` has the code of the attempt that says most about the cause: 77 where an address refused the key or showed
another host key, else that of the first.

\`ApiFailed\` has the code of the API's own reason (\`details.kind\`), and \`JobFailed\` 75 where it may pass, else 1.

\`toehold forward\` stays until it is interrupted, so that 130 is its good end.

\`toehold doctor\` exits with 0 when commands can be run, also where only file transfer would not work.
`
