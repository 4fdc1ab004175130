/** The page docs/exit-codes.md, written here by: node scripts/helpTopics.ts */
export const text = `# Exit codes

## Of \`toehold exec\`

| code | meaning |
| --- | --- |
| the command's own | the command ran to its end |
| 128 + n | signal n ended the command: 137 for SIGKILL, 143 for SIGTERM; the numbers are Linux's |
| 124 | \`--timeout\` or \`--idle-timeout\` was reached; the command's process group was killed |
| 255 | exec itself failed: the machine could not be reached, the login failed, the connection was lost, a local file could not be used |
| 64 | the command line is wrong (a flag, the machine's name, a missing variable); nothing was connected |
| 130 | interrupted by Ctrl-C, SIGTERM or SIGHUP; the command's process group was killed |
| 141 | the reader of exec's output went away, as \`head\` does; the command's process group was killed |

A command may exit with one of these codes itself. Where that matters, use \`--json\`: a document with \`exitCode\` is the
command's end, one with \`error\` is exec's, and \`error.outcome\` says whether the command ran.

## Of every other command

| code | meaning | reasons |
| --- | --- | --- |
| 0 | done | |
| 1 | failed: a fault of the program itself | |
| 64 | the command line is wrong | \`InvalidArgument\` \`InvalidTarget\` |
| 65 | a file holds no usable key; a file or a name can't be transferred | \`KeyUnreadable\` \`KeyFormatUnsupported\` \`KeyIsPublic\`, \`UnsafeName\` \`NotAFile\` \`NotADirectory\` \`IsADirectory\` |
| 66 | a file does not exist | \`NotFound\` |
| 69 | the machine can't be reached, or is no SSH server that can be talked to | \`DnsFailed\` \`ConnectionRefused\` \`ConnectTimeout\` \`HostUnreachable\` \`NotSsh\` \`ConnectionClosed\` \`NoCommonAlgorithm\` \`ConnectionLost\` |
| 74 | a file or the output can't be read or written | \`FileFailed\` \`NoSpace\` \`ChecksumMismatch\` |
| 75 | try again later | \`FileLocked\`, \`ChannelRefused\` of a busy machine, \`SourceChanged\` \`SourceVanished\` \`TakenOver\` |
| 77 | authentication or permission | \`AuthRejected\` \`PasswordExpired\` \`HostKeyUnknown\` \`HostKeyChanged\` \`HostKeyRevoked\` \`KeyPassphraseMissing\` \`KeyPassphraseWrong\` \`KeyPermissions\` \`PermissionDenied\` \`ChannelRefused\` |
| 78 | the configuration is wrong (\`~/.ssh/config\`); the message names file and line | \`InvalidTarget\` |
| 124 | a time limit was reached | \`CommandTimeout\` \`IdleTimeout\` |
| 130 | interrupted | |

\`toehold doctor\` exits with 0 when commands can be run, also where only file transfer would not work.
`
