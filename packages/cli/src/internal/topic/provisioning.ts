/** The page docs/provisioning.md, written here by: node scripts/helpTopics.ts */
export const text = `# From a machine to a URL: up, provision, tunnel, recipe

\`toehold up vast:ID\` brings a rented instance to an app that answers at a public URL, and prints that URL as its last line.
\`toehold up MACHINE\` does the same on any machine, from its login on.

\`\`\`sh
export VAST_API_KEY=... HF_TOKEN=...
toehold up vast:41000001 --register --start --secret HF_TOKEN
toehold up vast:41000001 --recipe ollama --max-hours 8 --json
toehold up root@host --app-port 3000 --app-command 'exec node server.js'
\`\`\`

After any failure, and after a kill of the program itself, run the same again: what is done is skipped, what is under way is
followed, and nothing is started twice.

## The steps

| step | what it does | skipped when |
| --- | --- | --- |
| \`identity\` | finds a private key: those of \`-i\`, else those of \`~/.ssh\` (\`id_vast\` first, then Ed25519; \`.ppk\` too) and of the agent. A key whose halves differ, that others can read or that is encrypted is named with its cure | |
| \`registration\` | compares fingerprints with the keys of the instance and of the account. \`--register\` attaches the key to the instance, and registers it with the account | the instance has it |
| \`instance\` | waits until it runs; \`--start\` starts a stopped one, and its billing. One that will not come up ends this at once, with its last log lines | it runs |
| \`port\` | looks at the direct and the proxy address every second: \`open\`, \`refused\` and \`closed\` (still starting), \`filtered\` (a firewall), \`unreachable\` | |
| \`login\` | logs in as root. A refused key may be on its way into the container: it is tried every 15 s (\`--retry-every\`) for 2 minutes (\`--key-window\`), with the time that is left | |
| \`shell\` | makes \`~/.no_auto_tmux\` and the workspace (\`/workspace\`, else \`~/workspace\`); looks at PATH, disk, GPUs and who keeps services | it was made |
| \`provisioning\` | reads the log of the image's provisioner: waits while it runs, runs it again with the secrets that it lacked. \`--script FILE\` or \`--recipe NAME\` instead run those | it came to a good end |
| \`services\` | starts the app and waits until its port answers: by systemd where it really runs, else by a supervisor, else as a job | the port answers |
| \`tunnel\` | finds the URL of a tunnel to the port that is there, else starts cloudflared (and installs it for the user where it is missing), and asks the URL until it answers. No URL, no success | the tunnel is there |

Each step has a time limit, and what it is at goes to stderr, at least every 10 seconds; with \`--ndjson\` each event is a line
on stdout. \`--json\` ends with one document: \`url\`, \`port\`, \`workspace\`, \`gpus\`, \`steps\`.

The host key of an instance is known by its number, not by its address, which may be another instance's tomorrow. One that
has changed is never taken by itself; the failure says whether the instance was recycled since the last login, as far as is
known (see Vast.ai), and \`--new-host-key\` takes it. After a \`toehold vast recycle\` it is not needed.

Where a firewall drops what goes to one address, the other one is taken. Where it drops both, \`PortFiltered\` says so: go by a
relay with \`-J USER@HOST\`.

## Secrets

\`--secret NAME\` takes the value of the variable NAME from your environment, \`--secret NAME=@FILE\` from a file; else a person
at a terminal is asked, without an echo. A value on the command line is refused. On the machine the value is in the
environment of the script alone, and in a file of mode 0600 until the script begins. It is masked where the script prints it.

## Recipes

A recipe is a shell script that sets something up and does nothing the second time. It runs as a job on the machine.

\`\`\`sh
toehold recipe list
toehold recipe show comfyui
toehold recipe run web ollama --forward               # Ollama there, on port 11434 here
toehold recipe run web clone https://github.com/me/app --secret GITHUB_TOKEN
toehold provision web --recipe nodejs --recipe claude-code
\`\`\`

Yours are the \`.sh\` files in \`~/.config/toehold/recipes\` (\`TOEHOLD_HOME/recipes\` where that is set); one of the same name
takes the place of one that ships. Its first lines describe it:

\`\`\`sh
#!/bin/sh
# recipe: web-app
# version: 1
# summary: The app from its repository
# secret: API_TOKEN for the model server       (or optional-secret)
# argument: BRANCH what to check out           (or optional-argument)
# port: 3000
# start: cd "$WORKSPACE/app" && exec npm start
set -eu
cd "$WORKSPACE"
[ -d app ] || git clone -b "$1" https://github.com/me/app
\`\`\`

What ships can be fetched from mirrors, whose addresses are given like secrets: \`NODEJS_ORG_MIRROR\` (nodejs, claude-code,
opencode), \`npm_config_registry\` (claude-code, opencode), \`GITHUB_MIRROR\` (ollama, cloudflared, comfyui) and \`PIP_INDEX_URL\`
(comfyui), as in \`--recipe nodejs --secret NODEJS_ORG_MIRROR\`. Node.js and Ollama are compared with the checksums beside them.
A recipe whose download breaks off, or is not what it should be, leaves nothing behind, and begins anew when it is run again.

It runs in the workspace with \`WORKSPACE\`, PATH and the secrets in its environment and its arguments as \`$1\` and on. \`start\`
is what keeps running afterwards, on \`port\`. Another text or other arguments are another run.

## Tunnels

\`toehold tunnel MACHINE PORT\` opens one to any port, or finds the one that is there, and prints its URL; \`--stop\` closes it.
It is a quick tunnel of Cloudflare's: without an account, with a new name each time, and open to everybody who knows the name.
To keep a port to yourself use \`toehold forward\`.

## What it costs

\`--max-hours 8\` has the instance stop itself after that time, \`--stop-after idle=30m\` when its GPUs did nothing for so long,
with no client connected: by the key that each container has for itself, \`CONTAINER_API_KEY\`. The hours count from the first
call; the same again changes nothing. An instance that was started again needs a new \`toehold up\` for its guard.

## When it fails

\`error.reason\` says why, \`fix\` what to do; see errors. \`toehold doctor vast:ID --json\` looks at the API, the keys,
the status and the ports before the stages of SSH, and names in \`cause\` what is at fault: \`account\`, \`instance\`, \`firewall\`,
\`host key\`, \`key\` or \`timing\` (wait). Of several findings that is the one to begin with, in this order; \`others\` has the rest,
each with its own fix.
`
