/** The page docs/environment.md, written here by: node scripts/helpTopics.ts */
export const text = `# Environment

Toehold asks nothing and reads no standard input unless \`--stdin -\` or \`--script -\` is given, with a terminal and without.
Only \`shell\` and \`session attach\` are for a person, whose terminal they put through; and the commands of \`toehold vast\`
that lose something for good ask a person at a terminal, unless \`--yes\` is given.

## Variables

| variable | what it does |
| --- | --- |
| \`HOME\`, on Windows \`USERPROFILE\` | where \`.ssh\` is: configuration, keys, known hosts |
| \`SSH_AUTH_SOCK\` | the SSH agent; on Windows the pipes of OpenSSH's agent and of Pageant are found without it |
| \`USER\`, \`LOGNAME\`, \`USERNAME\` | the login name where none is given |
| \`TOEHOLD_HOME\` | the folder for what Toehold keeps for itself, instead of the system's usual ones; recipes are in its \`recipes\` |
| \`VAST_API_KEY\` | the API key for Vast.ai; without it the official client's file has it |
| \`VAST_URL\` | another address of the Vast.ai API |
| \`XDG_CACHE_HOME\`, on Windows \`LOCALAPPDATA\` | where the compiled program is kept between runs: \`toehold/compiled\` in it (default \`~/.cache\`, on macOS \`~/Library/Caches\`) |
| \`NODE_DISABLE_COMPILE_CACHE\` | set to 1: keep no compiled program |
| \`TOEHOLD_API\` | the session API that \`session\` asks, where \`--api\` does not name one |
| \`TOEHOLD_API_TOKEN\` | the token for it; \`--api-token-file FILE\` reads it from a file |
| \`NO_COLOR\`, \`CI\` | respected: the output has no colours and no moving parts anyway; with \`CI\` nobody is asked anything |

Secrets are named, never given: \`--password-env NAME\`, \`--passphrase-env NAME\`, \`--sudo-password-env NAME\`,
\`--send-env NAME\` and \`--env-from NAME\` take the name of a variable, \`--password-file FILE\` a file whose first line is the
password. So they appear in no list of processes, here or on the machine, and in no log.

\`\`\`sh
export ROOT_PASSWORD='...'                                        # bash, zsh
toehold keys install root@host --password-env ROOT_PASSWORD
\`\`\`

\`\`\`powershell
$env:ROOT_PASSWORD = '...'
toehold keys install root@host --password-env ROOT_PASSWORD
\`\`\`

## Files

| file | what it is |
| --- | --- |
| \`~/.ssh/config\`, the system's \`ssh_config\` | read as OpenSSH does; \`-F FILE\` reads another one, \`-F none\` none |
| \`~/.ssh/id_ed25519\`, \`id_ecdsa\`, \`id_rsa\` | tried when no key is named |
| \`~/.config/vastai/vast_api_key\`, \`~/.vast_api_key\` | the API key that the official client of Vast.ai keeps; under \`XDG_CONFIG_HOME\` if it is set |
| \`~/.config/toehold/recipes/*.sh\` | your own recipes, under \`XDG_CONFIG_HOME\` if it is set, on Windows \`%LOCALAPPDATA%\\toehold\\recipes\` |
| \`~/.local/state/toehold/vast\` | which container an instance's host key belongs to, under \`XDG_STATE_HOME\` if it is set |
| \`~/.ssh/known_hosts\`, \`known_hosts2\` | host keys; new ones are added to the first. \`--known-hosts FILE\` uses one file alone |

On Windows \`~/.ssh\` is \`%USERPROFILE%\\.ssh\`, and the system's files are in \`%PROGRAMDATA%\\ssh\`.
`
