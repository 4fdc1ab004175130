/** The page docs/vast.md, written here by: node scripts/helpTopics.ts */
export const text = `# Instances of Vast.ai

\`toehold vast\` rents, looks after and gives back instances, and \`vast:ID\` names one wherever a command takes a machine. No
Python and no official client is needed.

\`\`\`sh
export VAST_API_KEY=...                                          # or the official client's key file
toehold vast offers --gpu RTX_4090 --max-price 0.5 --order dph_total
toehold vast create 12345678 --image vastai/base-image:@vastai-automatic-tag --disk 40
toehold vast wait 41000001 --for ssh-ready --timeout 15m         # until a login works, told on standard error
toehold exec vast:41000001 -- nvidia-smi
toehold put data vast:41000001:/workspace/
toehold forward vast:41000001 -L 8188:localhost:8188
toehold vast destroy 41000001 --yes
\`\`\`

The key comes from \`VAST_API_KEY\`, else from \`$XDG_CONFIG_HOME/vastai/vast_api_key\`, \`~/.config/vastai/vast_api_key\` or
\`~/.vast_api_key\`. \`VAST_URL\` names another address of the API. A key is never an argument, and in no output and no log.

## Commands

| command | what it does |
| --- | --- |
| \`vast offers\` | searches for what can be rented; a flag for each usual wish, \`--where 'FIELD>=VALUE'\` for any other field |
| \`vast instances\`, \`vast show ID\` | what the account has; with \`ssh\`, the addresses of its SSH server |
| \`vast create OFFER\` | rents; it is sent once and never blindly again |
| \`vast start ID\`, \`stop\`, \`reboot\` | asked for, not awaited |
| \`vast recycle ID\`, \`vast destroy ID\` | all that is on the disk is lost; see below |
| \`vast label ID TEXT\` | labels it |
| \`vast logs ID\` | what its container printed, \`--tail N\`, \`--filter PATTERN\`, \`--daemon\` for the machine's own log |
| \`vast execute ID 'ls -l /'\` | \`ls\`, \`rm\` and \`du\` in its files, also while it is stopped; the service runs nothing else |
| \`vast ssh-url ID\`, \`vast scp-url ID\` | its address for other programs, \`--route direct\` or \`proxy\` |
| \`vast keys list\`, \`add\`, \`remove\` | the SSH keys of the account, for instances to come |
| \`vast keys list ID\`, \`attach ID\`, \`detach ID KEY_ID\` | those of an instance that there is; \`keys install vast:ID\` attaches one too |
| \`vast env list\`, \`set NAME\`, \`remove NAME\` | variables that new instances get |
| \`vast wait ID\` | waits until it runs, or lets you in |

Each has \`--json\`, one document; \`toehold vast COMMAND --help\` says which. Failures have an exit code other than 0, a reason
and a fix: see errors and exit codes.

\`destroy\`, \`recycle\`, \`keys remove\` and \`env remove\` ask a person at a terminal, and say what would be lost. Without one, or
where \`CI\` is set, they do nothing, say the same and exit with 64, unless \`--yes\` is given. To destroy an instance that is
gone already is a success.

The value of a variable comes from \`--value-env NAME\` or \`--value-file FILE\` (\`-\` is standard input), never from an argument.

## Waiting

\`vast wait ID\` follows an instance (\`--for running\`), and by default until a login works (\`--for ssh-ready\`): \`running\` alone
means nothing for a minute or two, in which connections are refused and then keys are. Each change is a line on standard
error. It ends early, with what to do:

- \`InstanceFailed\`: its container can't be started, it stands still while it loads, it was stopped, its machine is offline;
- \`RoutesFailed\` with \`HostKeyChanged\`: it was recycled, or somebody else answers;
- \`RoutesFailed\` with \`AuthRejected\`: the key was refused for three minutes, longer than a new one takes to arrive;
- \`WaitTimeout\` (exit code 124) after \`--timeout\`, 15 minutes unless said otherwise.

## The ways in

An instance has up to two addresses: the machine's own with the port that 22 is mapped to (\`direct\`), and the service's
(\`proxy\`). Every command asks the service where they are now, tries the direct one first and then the other, and never
mixes host and port of the two. Unless \`--connect-timeout\` says otherwise, the first has 10 seconds. When none lets you in,
the failure is \`RoutesFailed\`: \`details.attempts\` has route, host, port, the typed error of each, and the \`ssh\` command that
tries the same by hand. One that isn't running is \`NotRunning\`.

**Behind a firewall.** Where neither address answers at all, go by a relay: \`-J USER@HOST\`, any SSH server that you reach and
that reaches the instance, another instance of yours for one; a server on port 443 passes most firewalls. \`exec\`, \`put\`, \`up\`,
\`doctor\` and all the others take it, and so does \`ProxyJump\` in \`~/.ssh/config\`. Ports are then looked at from there.

Where no key is named, \`~/.ssh/id_vast\` is tried first if it is there. The login name is \`root\` unless \`-l\` says otherwise. \`-i\`, \`-J\`, \`-F\` and \`-o\` are as for any machine, \`-p\` is refused.
A \`forward\` that loses its connection asks again where the instance is.

## Host keys

The keys are kept under the instance's number, as \`vast-ID-direct\` and \`vast-ID-proxy\`, and under no address: the two
addresses have different keys, and a port that was yours is somebody else's tomorrow.

- A new instance is trusted once and remembered, like any new machine (\`--host-key\`).
- \`toehold vast recycle\` forgets the old keys itself, in the known_hosts files that are read for the instance (\`-F\`,
  \`--known-hosts\`): the new ones are met like those of a new instance.
- One that shows another key than before is refused, always. Beside the keys it is remembered which contract and machine they
  were of (in \`~/.local/state/toehold/vast\`, or below \`TOEHOLD_HOME\`), and asked of Vast.ai again: where that has changed, or
  the instance was recycled from here, the failure says that it was recycled (\`details.wasMadeAnew\`), and names the command
  that takes the new key, \`toehold hosts forget vast:ID\`. A recycle that somebody else asked for may leave no trace in what
  Vast.ai tells; then, and when somebody else answers there, it says that the address is not to be trusted.
- After such a refusal the other address is taken only if its key is on file already.

\`toehold hosts list vast:ID\` shows them, also when the instance is gone. \`toehold hosts trust vast:ID\` puts the keys of both
addresses on file, for \`--host-key strict\`.
`
