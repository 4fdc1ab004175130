/** The page docs/errors.md, written here by: node scripts/helpTopics.ts */
export const text = `# Errors

Every failure has one of these reasons. The message of the case at hand says more, and its \`fix\` names the next step.

## The way to the machine

Nothing ran (\`did-not-run\`).

| reason | what it means | what to do |
| --- | --- | --- |
| \`DnsFailed\` | the host's name could not be resolved | check the spelling, or the \`Host\` block of \`~/.ssh/config\`; \`EAI_AGAIN\` is this machine's network: try again |
| \`ConnectionRefused\` | the machine answers, but nothing listens on the port | a machine that is starting needs time: try again for a minute or two; else check \`-p\` |
| \`ConnectTimeout\` | something did not answer in time; \`details.stage\` says what | at \`tcp\` a firewall, a wrong address or a machine that is off; later a slow machine: \`--connect-timeout 2m\` |
| \`HostUnreachable\` | no route to the host | check the address and the network here; a private address needs a jump host, \`-J\` |
| \`NotSsh\` | what answers is no SSH server | check the port |
| \`ConnectionClosed\` | the server hung up before the login was over | wait, then try with fewer connections at once; at \`auth\` name one key: \`-i FILE -o IdentitiesOnly=yes\` |
| \`PacketTooLong\` | before the login was over the server sent more in one packet than SSH allows, which can only be a banner | shorten what \`Banner\` names in its \`sshd_config\` |
| \`NoCommonAlgorithm\` | the two sides share no algorithm of a kind; both lists are in \`details\` | update the server, or allow more there |

## Host keys

Nothing ran. See host keys.

| reason | what it means | what to do |
| --- | --- | --- |
| \`HostKeyUnknown\` | the key is not on file, and the policy is \`strict\` | compare the fingerprint with the owner's, then \`toehold hosts trust MACHINE --fingerprint SHA256:…\` |
| \`HostKeyChanged\` | the machine shows another key than the one on file | stop and find out why. A rebuilt machine, or an address that went to another one: \`toehold hosts trust MACHINE --replace\` |
| \`HostKeyRevoked\` | the key is marked as revoked | don't connect; the machine needs a new key |

## Keys and login

Nothing ran. See keys.

| reason | what it means | what to do |
| --- | --- | --- |
| \`KeyUnreadable\` | the key file is missing, closed, or holds no key | check the path and that the file is whole |
| \`KeyPassphraseMissing\` | the key is encrypted | \`--passphrase-env NAME\`, or load it into the agent |
| \`KeyPassphraseWrong\` | the passphrase does not open it | check the variable's value |
| \`KeyFormatUnsupported\` | a format or type that is not supported | use an Ed25519, ECDSA or RSA key |
| \`KeyIsPublic\` | the public half was given | give the file without \`.pub\` |
| \`KeyPermissions\` | others can read the private key | \`chmod 600 FILE\` |
| \`AuthRejected\` | the server accepted nothing; \`details.attempts\` says what was tried | check user (\`-l\`) and key (\`-i\`); put the key there with \`toehold keys install MACHINE --password-env NAME\` |
| \`PasswordExpired\` | the server wants a new password first | log in by hand once, or use a key |

## Running the command

| reason | outcome | what it means | what to do |
| --- | --- | --- | --- |
| \`ChannelRefused\` | \`did-not-run\` | the server opened no session, its shell did not start, it forwards nothing, or a jump host could not reach the machine | a busy machine: try again; else the account may not do it |
| \`ConnectionLost\` | any of the three | the connection ended before the command did | run it again only after \`did-not-run\`; else look at what it left behind first |
| \`CommandTimeout\` | \`may-have-run\`, or \`did-not-run\` | \`--timeout\` was reached, and the command was killed, or had not begun | allow more; what it did until then stays |
| \`InputClosed\` | \`may-have-run\` | what was written to the command came after its end | look at how it ended |
| \`SignalFailed\` | \`may-have-run\` | the command has ended, or the machine has no such signal | look at how it ended |
| \`IdleTimeout\` | \`may-have-run\`, or \`did-not-run\` | it printed nothing for \`--idle-timeout\`, and was killed | it may have waited for an answer: give flags that answer, or \`--stdin\` |
| \`PromptDetected\` | \`may-have-run\` | it asked a question that nobody answers (\`details.kind\`, \`details.prompt\`), and was killed | \`fix\` names the flag that keeps it from asking; or answer by a script: interact |
| \`ExpectTimeout\` | \`may-have-run\` | what a step of \`interact\` waits for did not come in time, and the command was killed | compare \`details.expected\` with \`stdout\`; or allow more: \`--step-timeout\` |
| \`ExpectEnded\` | \`finished\` | the command ended before what a step of \`interact\` waits for | compare \`details.expected\` with \`stdout\`; or make the step optional |
| \`SudoRefused\` | \`did-not-run\` | sudo did not let the command run; \`details.refusal\` says why | \`--sudo-password-env NAME\` with the password of the user that logs in, or log in as root |
| \`ProgramMissing\` | \`did-not-run\` | the machine lacks a program that is needed there, such as tmux | install it |

## Serial consoles

See serial consoles.

| reason | outcome | what it means | what to do |
| --- | --- | --- | --- |
| \`PortMissing\` | \`did-not-run\` | there is no such port, or it can't be opened | check that the machine runs, and how its host names the port |
| \`PortBusy\` | \`did-not-run\` | another process has the console | wait for it: a console has one owner |
| \`PortClosed\` | any of the three | the port ended: the machine, or who connects it, is gone | start the machine; after \`may-have-run\` look at what was left behind first |
| \`LoginPrompt\` | \`did-not-run\` | the console asks for a login; nothing was typed | enable autologin on the machine's ttyS0 |
| \`NoShell\` | \`did-not-run\` | no shell answered; \`details.state\` says what is there instead, \`details.tried\` what was typed to get past it | a machine that boots needs time; end the program that has the terminal |
| \`SyntaxError\` | \`did-not-run\` | the machine's shell can't read the text | close every quote, bracket and heredoc |
| \`CommandTimeout\` \`IdleTimeout\` | \`may-have-run\`, or \`did-not-run\` | as over SSH; \`details.killed\` says whether it is gone | allow more, or make it a job |
| \`OutputDamaged\` | \`finished\`, or \`may-have-run\` | the output could not be had whole | run it as a job: its output is kept on the machine |
| \`ShellEnded\` | \`may-have-run\`, or \`did-not-run\` | the console's shell ended in the middle | look at what was left behind, then run it again |
| \`Rebooted\` | \`may-have-run\`, or \`did-not-run\` | the machine restarted | look at what was left behind, then run it again |
| \`Panicked\` | \`may-have-run\`, or \`did-not-run\` | the machine's kernel panicked; \`details.detail\` has its words | restart the machine |

## Jobs

\`did-not-run\` unless the table says otherwise. Where the way to the machine is at fault, the reason is that of the way,
\`outcome\` is \`may-have-run\` after a start whose answer never came, and \`details.id\` names the job.

| reason | what it means | what to do |
| --- | --- | --- |
| \`NotFound\` | there is no job of this name | \`toehold job list MACHINE\`; a job belongs to the user who started it |
| \`AlreadyExists\` | a job of this name runs, or ran, another command | take another name, or forget the old job |
| \`StillRunning\` | only a job that is over can be forgotten | kill it or wait for it |
| \`CommandNotFound\` | the machine has no such program | install it, or give its path |
| \`NoSpace\` | the machine's disk has no room for the job's files | free some; \`toehold job prune MACHINE\` |
| \`PermissionDenied\` \`FileFailed\` | \`~/.local/state/toehold\` on the machine can't be written | the message says why |
| \`Unsupported\` | the machine can't keep a job alive | the message says what it lacks; see jobs |
| \`NotStarted\` | the job's own process did not come to life | try again; then look for limits on processes or memory |
| \`KillFailed\` | the signal could not be sent | the machine may not know it |
| \`WaitTimeout\` | the job did not end within \`--timeout\` | it goes on: wait again |
| \`Transport\` \`BadReply\` | the machine could not be reached, or answered nonsense (\`may-have-run\` for what changes something) | try again; to start a job again under its name is always safe |
## Forwarding

Nothing ran. See forwarding.

| reason | what it means | what to do |
| --- | --- | --- |
| \`PortInUse\` | the port or socket to listen on is taken, here or on the machine (\`details.side\`) | choose another, or port 0 for any that is free; on the machine it may be an old connection that the server still holds: try again |

## Transferring files

Each file at its final path is whole, whatever happened. \`did-not-run\`: nothing there has changed; \`may-have-run\`: some files
are in place, \`details.placed\` of them. See transferring files.

| reason | what it means | what to do |
| --- | --- | --- |
| \`NotFound\` | the source, or the folder of the target, does not exist (\`details.end\`) | check the path, or \`--parents\` |
| \`PermissionDenied\` | the source can't be read or the target not written | check owner and mode |
| \`NoSpace\` | the disk or the quota of the target is full; what was half there is removed | free some room, then run it again |
| \`ConnectionLost\` | the connection went and did not come back in time | run the same again: it goes on from what has arrived |
| \`SourceChanged\` \`SourceVanished\` | a file was written to, or removed, while it was sent | run it again; leave it out with \`--exclude\`, or send a copy |
| \`ChecksumMismatch\` | what arrived is not what was sent | run it again; if it stays, a disk or memory is bad |
| \`UnsafeName\` | a name would lead out of the target, or can't exist there (Windows) | rename it, or \`--exclude\` it |
| \`NotADirectory\` \`IsADirectory\` \`NotAFile\` | something of another kind is in the way, or can't be sent | remove it, or choose another path |
| \`TakenOver\` | another run of the same transfer took over what this one had sent | let the other one end |
| \`FileFailed\` | any other failure of a file system | the message has the system's own code |

## Vast.ai

Nothing was done, unless the outcome says otherwise.

| reason | outcome | what it means | what to do |
| --- | --- | --- | --- |
| \`KeyMissing\` | \`did-not-run\` | no API key: neither in \`VAST_API_KEY\` nor in a file | set it; make one at https://cloud.vast.ai/manage-keys/ |
| \`Unauthorized\` | \`did-not-run\` | the service does not know the API key | check that it is whole and of the right account |
| \`TwoFactorRequired\` | \`did-not-run\` | the account wants a second factor | log in with it and use that session's key, or use the website |
| \`Forbidden\` | \`did-not-run\` | the API key lacks the right | use another key |
| \`NotFound\` | \`did-not-run\` | there is no such instance, key or variable, or not for this account | \`toehold vast instances\` |
| \`NoSuchOffer\` | \`did-not-run\` | the offer is rented or withdrawn | search again, take another |
| \`InvalidRequest\` | \`did-not-run\` | the service refused what was asked for; \`details.field\` may say why | mend it: the same will be refused again |
| \`RateLimited\` | \`did-not-run\` | too many calls, and waiting several times did not help | wait; another program may use the same key |
| \`BilledButFailed\` | \`finished\` | the create failed, but left \`details.contract\`, which may cost money | keep the instance if it starts, else destroy it |
| \`CreateUnknown\` | \`may-have-run\` | nobody knows whether an instance was made; its label would be \`details.label\` | look for that label, now and in a minute, before you create again |
| \`InstanceFailed\` | \`finished\` | the instance can't come up; \`details.why\` is \`container\`, \`stuck\`, \`stopped\`, \`scheduling\` or \`offline\` | the fix says what; mostly another image or offer |
| \`WaitTimeout\` | \`finished\` | it was not up within \`--timeout\` | wait on, or read its logs |
| \`ResultTimeout\` | \`may-have-run\` | a log, or what \`execute\` printed, did not come in time | try again; what has never run has no log |
| \`ServerError\` | \`may-have-run\` | the service failed | try again in a minute; look first at what changes something |
| \`Transport\` | the two first | the service can't be reached | check the network here, and \`VAST_URL\` |
| \`InvalidResponse\` | \`may-have-run\` | an answer that makes no sense; \`details.path\` says where | check \`VAST_URL\`, and for a proxy on the way; else update toehold |
| \`Gone\` | \`did-not-run\` | the service no longer has the endpoint | update toehold |
| \`NotRunning\` | \`did-not-run\` | the instance of \`vast:ID\` has nobody to log in to | \`toehold vast start ID\`, \`toehold vast wait ID\` |
| \`RoutesFailed\` | \`did-not-run\` | none of its addresses let you in; \`details.attempts\` has the error of each | the fix of the one that says most; see Vast.ai |

## The session API

Of \`toehold session\` with an API, and of the API itself, whose answers carry the same document. \`did-not-run\` unless the table
says otherwise. What kept a session from being ready stands in the session (\`failure\`). See the session API.

| reason | what it means | what to do |
| --- | --- | --- |
| \`InvalidRequest\` | a field of the request breaks a rule; \`details.issues\` names each | correct it |
| \`Unauthorized\` | there is no token, or it is unknown, revoked or expired | \`TOEHOLD_API_TOKEN\`, from \`api-worker token create NAME\` |
| \`Forbidden\` | the token lacks a scope (\`details.scope\`) | a token with that scope |
| \`NotFound\` | there is no such session or machine, or not for this token's owner | \`toehold session list\`; \`GET /v1/machines\` |
| \`Conflict\` | it does not fit the state of the session, or the id is taken | the message says which |
| \`RateLimited\` | too many requests | wait for \`details.retryAfterMs\` |
| \`Unavailable\` | the server is about to stop, or its database does not answer | try again in a few seconds |
| \`ServerFailed\` | the server failed in a way it did not foresee (\`may-have-run\`) | look what it did; its log has the cause under \`details.requestId\` |
| \`Unreachable\` | the server could not be reached, or its answer was lost (then \`may-have-run\`) | check \`--api\`; after a lost answer look before you repeat, or repeat with the same \`--id\` |
| \`BadAnswer\` | what answered is no session API of this version (\`may-have-run\`) | check \`--api\`, and what is in between |
| \`PayloadTooLarge\` \`UnsupportedMediaType\` | the body is too long, or no JSON | send less, or JSON |

## Arguments and files

Nothing ran.

| reason | what it means | what to do |
| --- | --- | --- |
| \`InvalidTarget\` | the machine's name, or a line of the configuration, can't be understood or honoured | see naming a machine; the message names the word |
| \`InvalidArgument\` | a flag or argument is wrong | see \`toehold COMMAND --help\` |
| \`NotFound\` | a file does not exist | check the path |
| \`PermissionDenied\` | a file may not be read or written | check its owner and mode |
| \`FileLocked\` | another program is writing the file | try again |
| \`FileFailed\` | the file can't be used for another cause: too large, no regular file, a full disk | the message says which |
| \`NoSpace\` | the machine's disk, or the share of it, is full | make room there, then write the file again |

## Making a machine ready

Of \`up\`, \`provision\`, \`tunnel\` and \`recipe\`; see provisioning. To run the same again is always safe.

| reason | outcome | what it means | what to do |
| --- | --- | --- | --- |
| \`NoIdentity\` \`IdentityUnusable\` | \`did-not-run\` | there is no private key, or something is wrong with each | \`toehold keys generate ~/.ssh/id_vast\`, or what \`details.problems\` says |
| \`KeyNotRegistered\` | \`did-not-run\` | neither the instance nor the account knows the key | \`toehold keys install vast:ID KEY\`, or \`up --register\` |
| \`InstanceStopped\` | \`did-not-run\` | the instance does not run | \`toehold vast start ID\`, or \`up --start\` |
| \`InstanceFailed\` | \`did-not-run\` | it will not come up; \`details.log\` is the end of its log | mostly another image or offer |
| \`ApiFailed\` | \`did-not-run\` | a call of the Vast.ai API failed; \`details.kind\` is its own reason | what the fix says |
| \`NoAddress\` | \`did-not-run\` | the instance has no SSH | make one with SSH |
| \`PortFiltered\` | \`did-not-run\` | a firewall between here and the instance | a relay: \`-J USER@HOST\` |
| \`JumpFailed\` | \`did-not-run\` | the jump host can't be used; \`details.kind\` is the reason of SSH | what the fix says |
| \`PortClosed\` | \`did-not-run\` | its SSH server did not begin to answer | run it again; \`toehold vast logs\`, then reboot it |
| \`LoginDenied\` | \`did-not-run\` | the key was refused beyond the time in which keys are put in place; the fingerprints of both sides are in \`details\` | \`--register\`, or reboot the instance |
| \`HostKeyChanged\` | \`did-not-run\` | another host key than before; \`details.wasMadeAnew\` says whether it was recycled, as far as is known | find out why; after a recycle: \`--new-host-key\` |
| \`LoginFailed\` | \`did-not-run\` | the login failed for what \`details.kind\` names | what the fix says |
| \`StepTimeout\` | \`may-have-run\` | a step took too long | run it again |
| \`MachineFailed\` | any | the machine's shell could not be asked | run it again; \`toehold doctor\` |
| \`JobFailed\` | any | the job of a step could not be started or followed | what the fix says |
| \`NoWorkspace\` | \`did-not-run\` | no folder to work in | free space, mend permissions |
| \`SecretsMissing\` | \`did-not-run\` | a script lacks \`details.names\` | \`--secret NAME\` |
| \`ProvisioningFailed\` | \`finished\` | a script failed; its last lines are in \`details.tail\` | mend what they name, run it again |
| \`RecipeInvalid\` | \`did-not-run\` | there is no such recipe, or its file or its arguments are wrong | \`toehold recipe list\`, \`toehold recipe show NAME\` |
| \`ServiceMissing\` | \`did-not-run\` | nothing answers on the port, and nothing is known to start | \`--recipe\`, \`--app-command\` or \`--app-port\` |
| \`ServiceFailed\` | \`finished\` | the app ended or can't be set up; its last lines are in \`details.tail\` | mend what they name |
| \`TunnelProgramMissing\` | \`did-not-run\` | cloudflared is missing and could not be installed | install it, or \`toehold forward\` |
| \`TunnelRateLimited\` | \`finished\` | Cloudflare gives no quick tunnel now | wait some minutes, or \`toehold forward\` |
| \`TunnelFailed\` | \`finished\` | the tunnel has no URL, or it does not answer | run it again, or \`toehold forward\` |
| \`GuardUnavailable\` | \`did-not-run\` | the machine can't stop itself | leave \`--max-hours\` and \`--stop-after\` out |
`
