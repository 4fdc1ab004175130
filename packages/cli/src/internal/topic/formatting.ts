/** The page docs/output.md, written here by: node scripts/helpTopics.ts */
export const text = `# Output

Results go to standard output, everything else (messages, logs, notes) to standard error. Without \`--json\` the text is for
people and may change; the documents may gain fields, and keep those they have.

## Failures

Without \`--json\`: the message and the fix, one line each, on standard error. With it, one document on standard output:

\`\`\`json
{"error":{"reason":"ConnectionRefused","message":"127.0.0.1:22 refused the connection: nothing listens on that port.","fix":"The machine may still be starting: wait and try again. Else check the port (-p) and that sshd runs there.","isRetryable":true,"outcome":"did-not-run","details":{"host":"127.0.0.1","port":22}}}
\`\`\`

| field | meaning |
| --- | --- |
| \`reason\` | one of the names in errors |
| \`message\`, \`fix\` | what happened, and what to do next, in one line each |
| \`isRetryable\` | whether the same call may succeed later |
| \`outcome\` | whether a command ran: \`did-not-run\`, \`may-have-run\`, \`finished\` |
| \`details\` | the reason's own fields |

Where a command had printed something, it stands beside \`error\`, with the fields of exec's document.

## \`exec --json\`

\`\`\`json
{"machine":"root@host","command":"uname","exitCode":0,"signal":null,"stdout":"Linux\\n","stderr":"","encoding":"utf8","stdoutBytes":6,"stderrBytes":0,"truncated":false,"durationMs":21,"outcome":"finished"}
\`\`\`

| field | meaning |
| --- | --- |
| \`machine\`, \`command\` | as they were given; the command as one line for a person |
| \`exitCode\`, \`signal\` | one of them is set: a number, or a name such as \`SIGTERM\` |
| \`stdout\`, \`stderr\`, \`encoding\` | what was printed; both are base64 when one of them isn't valid UTF-8 |
| \`stdoutBytes\`, \`stderrBytes\` | how much was printed, kept or not |
| \`truncated\` | whether bytes are missing: of each stream \`--max-output\` bytes are kept (256KiB unless given), the first half and the last |
| \`omitted\` | only where \`truncated\`: \`{"stdout":{"offset":131072,"bytes":9000}}\` says that 9000 bytes are missing there |
| \`prompt\` | only where the command failed at a question that nobody answered: \`{"kind","text","fix"}\` |
| \`durationMs\` | from the start of the command to the end of its output |

## \`exec --ndjson\`

One event a line, as things happen:

\`\`\`json
{"event":"stdout","data":"Linux\\n","encoding":"utf8","offset":0}
{"event":"stderr","data":"/w==","encoding":"base64","offset":0}
{"event":"heartbeat","elapsedMs":10000,"stdoutBytes":6,"stderrBytes":1}
{"event":"exit","machine":"root@host","command":"uname","exitCode":0,"signal":null,"stdoutBytes":6,"stderrBytes":1,"truncated":false,"durationMs":12034,"outcome":"finished"}
\`\`\`

\`offset\` counts bytes of the stream. A character is never split over two events; what is no UTF-8 comes as base64. A
heartbeat comes every 10 seconds, also while the machine is being connected to. The last line is \`exit\`, or \`error\` with
the fields of the failure document.

## Vast.ai

\`toehold vast COMMAND --help\` has the document of each command. Instances and offers have the fields that the service gives
them, null where it gives none; an instance has \`ssh\` besides, \`[{"kind":"direct"|"proxy","host","port"}]\`, and lacks what
may hold secrets (\`extra_env\`, \`onstart\`, \`jupyter_token\`). What is only asked for says so:

\`\`\`json
{"instance":41000001,"action":"stop","status":"requested"}
{"instance":41000001,"goal":"ssh-ready","status":"running","address":{"kind":"direct","host":"203.0.113.11","port":40100},"elapsedMs":93120}
\`\`\`

\`details.attempts\` of \`RoutesFailed\` is \`[{"route","host","port","command","error":{…}}]\`, with an \`error\` as above for each.

## Jobs

\`job start\`, \`status\`, \`wait\` and \`kill\` print the job:

\`\`\`json
{"id":"train","state":"exited","exitCode":0,"signal":null,"startedAt":"2026-01-02T03:04:05.000Z","endedAt":"2026-01-02T04:00:00.000Z","stdoutBytes":523,"stderrBytes":0,"lostTo":null,"timedOut":false,"pid":4711,"command":"python3 train.py","cwd":null}
\`\`\`

| field | meaning |
| --- | --- |
| \`state\` | \`running\`, \`exited\` (with \`exitCode\`), \`killed\` (with \`signal\`), \`lost\` (with \`lostTo\`: \`reboot\` or \`outside\`) |
| \`startedAt\`, \`endedAt\` | by the machine's clock; \`null\` where it is not known |
| \`stdoutBytes\`, \`stderrBytes\` | what it has printed, kept or not |
| \`timedOut\` | whether its own time limit ended it |

\`job list\` prints \`{"jobs":[…]}\`, \`job prune\` \`{"removed":[…]}\`, \`job forget\` \`{"id"}\`. \`job logs --json\` prints a piece of
at most 256KiB, and with \`--follow\` one piece a line, the last with \`done\`:

\`\`\`json
{"data":"epoch 1\\n","encoding":"utf8","offset":0,"nextOffset":8,"done":false}
\`\`\`

\`gap\`, where it is there, is \`{"from","to"}\`: these bytes were not kept.

## \`exec\` on several machines

\`--json\` prints one document at the end, the machines in the order in which they were named; each has exec's document or a
failure document with \`machine\`:

\`\`\`json
{"results":[{"machine":"web1","command":"uptime","exitCode":0,"signal":null,"stdout":"…"},{"machine":"web2","error":{"reason":"ConnectionRefused","outcome":"did-not-run"}}]}
\`\`\`

\`--ndjson\` prints the events of all as they come, each with \`machine\`; \`offset\` counts within a machine's stream. Every
machine's last event is \`exit\` or \`error\`. A \`heartbeat\` is of them all together, and has no \`machine\`.

After \`--fail-fast\` there are two more reasons: \`Stopped\` (\`may-have-run\`: the command was killed because another machine's
failed) and \`NotStarted\` (\`did-not-run\`).

## Other commands

| command | document |
| --- | --- |
| \`doctor\` | \`{"stages":[{"name","ok","durationMs","detail"}],"verdict","fix"}\`, and \`error\` where a stage failed; the names are \`dns\` \`tcp\` \`banner\` \`kex\` \`host-key\` \`auth\` \`channel\` \`sftp\` \`shell\`; of \`vast:ID\` first \`api\` \`keys\` \`status\` \`ports\`, and \`cause\` where something is at fault: \`account\` \`key\` \`instance\` \`firewall\` \`timing\` \`host key\` |
| \`image check\` | \`{"findings":[{"name","state","detail","fix"}],"ready"}\`; \`state\` is \`ok\`, \`missing\`, \`advised\` or \`unknown\`, the names are \`shell\` \`account\` \`sudo\` \`autologin\` \`git\` \`network\` \`certificates\` \`setsid\` \`opencode\` \`unit\` \`linger\`. Exit code 1 where something is \`missing\` |
| \`interact\` | as \`exec --json\`, \`stdout\` what the terminal showed, with \`"steps":[{"expect","matches"}]\`: how often each step's text came |
| \`session list\` | \`{"sessions":[{"name","program","attached","windows","createdAt"}]}\`; \`program\` is \`tmux\` or \`screen\`, which says nothing of windows and times (\`null\`). With \`--api\`: \`{"sessions":[…],"next"}\`, each as of \`session show\` |
| \`session create\`, \`show\`, \`retry\`, \`archive\` | \`{"id","status","run","step","message","failure","machine","repoUrl","branch","workspacePath","steps":[{"name","state","attempts","message","startedAt","endedAt"}],"createdAt","updatedAt","revision"}\`; see the session API |
| \`session watch\`, \`create --wait\` | the same at the end; with \`--ndjson\` one \`{"event":"session","id","at","status","step","message","failure"}\` a line |
| \`session delete\` | \`{"removed"}\` |
| \`forward\` | a line for each forwarding once all are open: \`{"ready":true,"kind":"local"\\|"remote"\\|"dynamic","listen","to"}\`; see forwarding |
| \`up\`, \`provision\` | \`machine\`, \`url\`, \`port\`, \`workspace\`, \`gpus\`, \`diskFreeBytes\`, \`services\`, \`forwards\`, \`steps\`; with \`--ndjson\` one event a line: \`started\`, \`progress\`, \`output\`, \`heartbeat\`, \`done\` or \`failed\` with its \`step\`, and last \`ready\`; see provisioning |
| \`tunnel\` | \`machine\`, \`port\`, \`url\`, \`status\`, \`wasOpen\`, \`origin\`; with \`--stop\` \`closed\` |
| \`recipe list\`, \`show\`, \`run\` | the recipes, one with its \`script\`, or \`machine\`, \`recipe\`, \`version\`, \`port\`, \`workspace\`, \`steps\` |
| \`keys list\` | \`{"keys":[{"source","type","bits","fingerprint","comment","encrypted"}]}\`; \`source\` is a path or \`agent\`, where \`encrypted\` is \`null\` |
| \`keys generate\` | \`{"file","publicFile","format","encrypted","type","bits","fingerprint","comment"}\` |
| \`keys fingerprint\` | \`{"file","type","bits","fingerprint","comment"}\` |
| \`keys convert\` | \`{"file","format","encrypted","type","bits","fingerprint","comment"}\` |
| \`keys install\` | \`{"machine","key":{"type","bits","fingerprint","comment"},"status":"added"\\|"present","verified"}\`; \`verified\` is \`false\` where the private key is not at hand |
| \`hosts list\` | \`{"hosts":[{"hosts","keyType","fingerprint","marker","file","line","comment"}]}\` |
| \`hosts trust\` | \`{"machine","host","keyType","fingerprint","status":"known"\\|"added"\\|"replaced","removed":[…]}\` |
| \`hosts forget\` | \`{"machine","removed":[…]}\`, with the entries of \`hosts list\` |

## Logs

\`--log-level debug\` writes to standard error, one line an event, what a person needs to see why a handshake fails: the
algorithms that each side offers and those chosen, the keys tried with the answers, and the time of each stage.
\`--log-format text\` is \`time level message key=value…\`, \`--log-format json\` an object a line with \`time\`, \`level\`,
\`message\` and the event's fields. Secrets are in neither.

## Durations and sizes

Durations: \`500ms\`, \`15s\`, \`2m\`, \`1h\`. Sizes: bytes, or \`64KiB\`, \`10MB\` (1024 and 1000 to the step).
`
