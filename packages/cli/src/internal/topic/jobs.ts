/** The page docs/jobs.md, written here by: node scripts/helpTopics.ts */
export const text = `# Jobs

A job is a command that runs on without a client: a training run, a build, a server. It outlives the connection that
started it, and the machine keeps what it prints and how it ended.

\`\`\`sh
toehold job start web --name train --timeout 12h -- python3 train.py
toehold job logs web train --follow          # its output, over any number of lost connections, to its end
toehold job wait web train                   # exit code 0 when it exited with 0, else 1
toehold job list web
toehold job kill web train
toehold job prune web --older-than 24h
\`\`\`

Nothing is installed on the machine: a POSIX shell and the usual tools are enough (dash, bash and BusyBox are tested),
for root and for users, whatever their login shell is.

## Starting

- The name is the job's id, and the machine runs a name once. Start it again under the same name, after a lost connection
  or by a second client at the same time, and you get the job that is there. Another command under a taken name fails with
  \`AlreadyExists\`. Without \`--name\` there is a new name for each start.
- The command has what \`exec\` gives it: arguments as they are or \`--shell TEXT\`, \`--cwd\`, \`--env\`, \`--env-from\`, and
  \`--stdin\` with up to 64 MiB. It has no terminal, a session of its own, and leads its process group.
- Values of \`--env-from\`, the input and the arguments travel on standard input. On the machine the values and the input
  are in files that only the user can read, until the command begins.
- \`--timeout D\` is kept by the machine: after it the whole group gets SIGTERM, and SIGKILL 10 seconds later, whether a
  client is there or not.

## States

| state | meaning |
| --- | --- |
| \`running\` | its process lives |
| \`exited\` | it ended by itself, with \`exitCode\` |
| \`killed\` | \`signal\` ended it; \`timedOut\` says whether the time limit did |
| \`lost\` | neither process nor end is there; \`lostTo\` is \`reboot\`, or \`outside\` where all that belonged to the job was killed at once |

A process is known by its number, its start and the boot that it belongs to, so neither a number that was given out again
nor a clock that is set a day off misleads anybody. Exit codes 130 and 141 count as deaths by SIGINT and SIGPIPE: a shell
can't tell them apart.

A job is over when its command is. What it left behind runs on, and what that prints is kept.

## Output

stdout and stderr are kept apart, the newest \`--max-output\` bytes of each (256MiB unless given; at most a sixteenth of it,
or 128KiB, is on the disk beyond). Offsets count what the command printed, from its first byte on. What was cut off is
reported as a gap from one offset to another, on stderr or as \`gap\`, and what follows has the offset that it always had.

\`logs\` prints one stream, stdout unless \`--stream stderr\` is given. \`--json\` gives a piece: its \`nextOffset\` is the \`--from\`
of the next call, and \`done\` says that the job is over and this was the rest. \`--follow\` looks for new output in between, up
to twice a second when little happens, and goes on at the exact byte when the connection was lost: for 5 minutes
without a sign of the machine, then it fails.

Where the machine's disk is full the job goes on: older output makes room for newer, and what could not be kept is a gap,
which may be called up to 16 KiB longer than it is.

## Ending

\`kill\` sends SIGTERM to the whole group, and SIGKILL 10 seconds later to what is left. \`--signal INT\` sends that signal and
no SIGKILL. On a machine that has neither util-linux's setsid nor perl (BusyBox alone) a job ignores SIGINT
unless it asks for it.

Output and state stay until \`forget\` or \`prune\`. They are in \`~/.local/state/toehold/jobs\` of the user who started the job,
in folders that nobody else can read.

## What a machine may lack

| what | then |
| --- | --- |
| setsid, perl, BusyBox's setsid | a shell with job control (bash) will do; else \`Unsupported\`, and nothing is run |
| lingering, where logind has \`KillUserProcesses=yes\` | the job is run by the user's systemd, which needs \`loginctl enable-linger\`; where that is not allowed: \`Unsupported\` |
| room on the disk for a few small files | \`NoSpace\`, and nothing is run |
`
