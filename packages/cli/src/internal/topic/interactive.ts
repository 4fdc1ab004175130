/** The page docs/interactive.md, written here by: node scripts/helpTopics.ts */
export const text = `# Programs that ask

What to do with a command that asks questions: answer them by a script, have them reported instead of waited for, run
it as root without a question, or sit down at a terminal yourself.

## Questions that nobody answers

A command of \`toehold exec\` reads an input that has ended, so that a question ends by itself: the program gives up.
Where it exits with a code other than 0 after that, the question is named: by \`prompt\` in the document, in a note on
standard error otherwise.

\`\`\`json
{"exitCode":1,"stdout":"Do you want to continue? [Y/n] Abort.\\n","prompt":{"kind":"confirmation","text":"Do you want to continue? [Y/n] Abort.","fix":"Use the flag that answers it (-y, --yes, --force, DEBIAN_FRONTEND=noninteractive), or answer by a script: toehold interact."}}
\`\`\`

In a terminal (\`--pty\`), and where \`--stdin -\` stays open, a program would wait for ever. There a question ends the
command: its process group is killed, and the error is \`PromptDetected\` with \`kind\`, \`prompt\` (its text) and the
output until then. That takes three things:

1. The output ends with a question on a line that was not ended: \`[sudo] password for ada:\`, \`Password:\`,
   \`Enter passphrase for key …:\`, \`Username for 'https://…':\`, \`(yes/no/[fingerprint])?\`, \`[Y/n]\`,
   \`Ok to proceed? (y)\`, \`--More--\`, or anything that ends in \`:\` \`?\` \`>\` and the like.
2. Nothing has been printed, or given to the command, for \`--prompt-timeout\` (2 seconds in a terminal, 20 seconds with
   a pipe at \`--stdin -\`; \`none\` turns it off, and so does a person who types at \`--stdin -\`).
3. The machine says that the command waits for input: one of its processes reads the terminal, or the terminal shows
   no echo. On Linux \`/proc\` tells. A program that only prints such a text and goes on (\`yes | apt-get install\`,
   \`echo pw | sudo -S\`, a pause) is not ended by it. Where the machine can't tell (no \`/proc\`, processes of another
   user as under sudo, or a program that waits for several things at once), one of the known questions and 15 seconds
   of silence stand in for that.

\`outcome\` is \`may-have-run\`: what the command did before the question stays.

## Answers by a script

\`toehold interact\` runs a command in a terminal and goes through steps: it waits for what a step expects, then types
what it sends, and Enter.

\`\`\`sh
export SUDO_PASSWORD='...'
toehold interact web --expect 'password for' --send-env SUDO_PASSWORD -- sudo systemctl restart nginx
toehold interact web --script steps.json --json -- ./install.sh
\`\`\`

\`\`\`json
[
  { "expect": "Accept the licence?", "send": "yes" },
  { "pattern": "(Overwrite|Replace) .*\\\\?", "send": "n", "optional": true, "repeat": true },
  { "expect": "Database password:", "sendEnv": "DB_PASSWORD" },
  { "expect": "Done.", "timeout": "10m" }
]
\`\`\`

| field | meaning |
| --- | --- |
| \`expect\` | a text, exactly as it stands |
| \`pattern\` | a regular expression of JavaScript, with \`^\` and \`$\` at lines; it sees the last 8192 characters |
| \`send\`, \`sendEnv\` | what is typed: a text, or the secret in an environment variable |
| \`enter\` | \`false\`: Enter is not pressed after it |
| \`timeout\` | how long to wait for it, since the match before (default: \`--step-timeout\`, 30 seconds) |
| \`optional\` | it may stay away: what the following steps wait for is looked for as well |
| \`repeat\` | it may come again, until a following step's comes |

Output counts once: a step looks only at what came after the match of the step before it. The terminal has 50 rows of
200 columns and calls itself \`dumb\`, so that programs draw little and colour nothing.

A secret is typed only in answer to something, never at once. The terminal starts without echo, so that nothing shows
what is typed, and where a program prints a secret nonetheless it is replaced by \`[secret]\` in results, messages and
errors. (A program that prints it in another form, encoded or broken over lines, is beyond that.)

The output is what the terminal showed; the exit code is the command's own. With \`--json\` the document is \`exec\`'s,
with \`"steps":[{"expect","matches"}]\`. What goes wrong:

| reason | outcome | meaning |
| --- | --- | --- |
| \`ExpectTimeout\` | \`may-have-run\` | a step's text did not come in time; the command was killed |
| \`ExpectEnded\` | \`finished\` | the command ended before a step's text came |
| \`PromptDetected\` | \`may-have-run\` | it asked what no step answers (after \`--prompt-timeout\`, 2 seconds unless given); the command was killed |
| \`ConnectionLost\` | \`may-have-run\` | the conversation can't be taken up again: look at the machine first |

In a program: \`SshClient.interact(command, steps, options)\`, where \`always\` has answers to what may be asked at any
time.

## As root

\`toehold exec MACHINE --sudo -- CMD\` runs the command by sudo; \`--sudo-password-env NAME\` gives sudo the password
where it asks for one. It is written to sudo's standard input, after sudo's own prompt and only then: it shows in no
argument, no terminal and no log, and where sudo asks for none the command never gets to read it. The command has its
own standard input as ever. Nothing runs before root's shell is there: after \`SudoRefused\` (wrong password, none
given, not allowed, no sudo, or sudo asks for something else for a minute) the outcome is \`did-not-run\`. At a time
limit, what is root's is killed as root.

sudo must allow a shell: where sudoers allows single commands only, run sudo itself, \`exec MACHINE -- sudo -n CMD\`.
sudo sets the environment anew; \`--env\`, \`--env-from\` and \`--cwd\` hold there, and \`~/\` is root's home. As root it is
run as it is.

## Your own terminal

\`toehold shell MACHINE\` is the login shell of the machine in your terminal, like \`ssh MACHINE\`: raw, with its size
passed on, with the shell's exit code, and the terminal as it was afterwards, however it ends. After Enter, \`~.\` cuts
the connection, and \`~~\` is one \`~\`. Without a terminal here it is an error at once (64): programs use \`exec\`.

\`toehold session attach MACHINE [NAME]\` is the same in a session of tmux, or of screen where there is no tmux, which
goes on when you leave it or the connection is lost; it is made where there is none of that name (default: \`main\`).
\`toehold session list MACHINE\` shows those there are. Where the machine has neither program, the reason is
\`ProgramMissing\`. A system that ends a user's processes at logout (\`KillUserProcesses=yes\`) ends them as well:
\`loginctl enable-linger\` there.

In a program: \`SshTerminal.shell\`, \`attach\`, \`create\` and \`list\`.
`
