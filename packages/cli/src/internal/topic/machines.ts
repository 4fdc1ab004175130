/** The page docs/targets.md, written here by: node scripts/helpTopics.ts */
export const text = `# Naming a machine

Wherever a command wants a machine, one argument names it. For SSH that is any of these:

| you write | it means |
| --- | --- |
| \`web\` | the \`Host web\` of your \`~/.ssh/config\`, or a host of that name |
| \`root@host\` | a user and a host |
| \`root@host:2222\` | with a port |
| \`ssh://root@host:2222\` | the same as an address; \`%40\` and the like are decoded in the user name |
| \`::1\`, \`root@[fe80::1%eth0]:22\` | IPv6, in brackets where a port follows |
| \`"ssh -i ~/.ssh/key -p 12345 root@ssh5.vast.ai -L 8080:localhost:8080"\` | a whole command line, as a provider's page shows it, quoted as one argument |

\`vast:ID\` is an instance of Vast.ai by its number: each command asks the service where it is and tries its addresses one
after the other (Vast.ai).

A machine with nothing but a serial console is named by its port (serial consoles):

| you write | it means |
| --- | --- |
| \`serial:fifo:IN,OUT\` | a pair of named pipes; IN is what the machine reads, OUT what it writes |
| \`serial:bonfire:DIR/VMID\` | the pair \`DIR/VMID.stdout\` and \`DIR/VMID.stdin\`, named from the other side |
| \`serial:unix:PATH\` | a Unix socket |
| \`serial:tcp:HOST:PORT\` | a TCP port, as of ser2net or QEMU |
| \`serial:tty:PATH\` | a serial device |

\`local:\` is this machine itself. \`toehold exec\` takes several machines with commas between them: \`web1,root@db:22,local:\`.

A pasted command line is split into words as your shell would split it. On Windows a backslash is part of a path, so
\`ssh -i C:\\Users\\me\\key root@host\` needs no further quoting. What a shell would act on or replace (\`;\`, \`|\`, \`$HOME\`) is
refused: write the value out.

Every command also takes ssh's own flags beside the machine: \`-i FILE\` (more than once), \`-p PORT\`, \`-l USER\`, \`-J HOPS\`,
\`-F CONFIG\`, \`-o Key=Value\`. They come before what the machine's name says where the first value counts.

The rule for everything below: what you write is either **honoured**, or known to be **harmless** (it would change nothing
here), or **refused** with an error that names the word, for a configuration file with its path and line. Nothing that
changes the meaning is dropped silently.

## What is never accepted

- A password in the name (\`ssh://user:password@host\`, \`user:password@host\`). The error does not repeat it. Use
  \`--password-env NAME\` or \`--password-file FILE\`. A user name that has a colon in it goes behind \`-l\`.
- Control characters; a host or a user that begins with a dash or holds quotes or shell characters, as OpenSSH forbids
  them; ports outside 1-65535.
- Two different values where there can be only one (a port, a user, a configuration file, jump hosts). ssh would take one
  of them silently.
- A command behind the host. Give it behind \`--\`: \`toehold exec web -- ls\`.

## Flags of ssh

| | flags |
| --- | --- |
| honoured | \`-4\` \`-6\` \`-C\` \`-c\` \`-D\` \`-F\` \`-i\` \`-J\` \`-L\` \`-l\` \`-m\` \`-N\` \`-o\` \`-p\` \`-R\` \`-T\` \`-t\` |
| harmless | \`-v\` \`-q\` \`-y\` \`-E\` (logging) · \`-e\` \`-f\` \`-n\` (terminal) · \`-a\` \`-k\` \`-x\` (off anyway) · \`-M\` \`-S\` (connections are not shared through ssh's sockets) · \`-2\` |
| refused | \`-1\` \`-A\` \`-B\` \`-b\` \`-G\` \`-g\` \`-I\` \`-K\` \`-O\` \`-P\` \`-Q\` \`-s\` \`-V\` \`-W\` \`-w\` \`-X\` \`-Y\` |

Flags may stand before and behind the host, be joined (\`-vNp 22\`), and carry their value directly (\`-p22\`, \`-oPort=22\`).
\`-o\` takes every keyword of the next section, as \`Key=Value\` or \`"Key Value"\`.

## Configuration files

\`~/.ssh/config\` and then \`/etc/ssh/ssh_config\` are read as OpenSSH reads them (on Windows \`%USERPROFILE%\\.ssh\\config\` and
\`%PROGRAMDATA%\\ssh\\ssh_config\`), or the one file of \`-F\` instead; \`-F none\` reads none. The command line comes first, and
of several values for a keyword the first counts; \`IdentityFile\` and forwardings add up. The files are compared with
\`ssh -G\` in the tests.

- \`Host\` with patterns and negation. \`Match\` with \`host\`, \`originalhost\`, \`user\`, \`localuser\`, \`all\`, \`final\` and
  \`canonical\`, each also with \`!\`. \`Match exec\` is refused unless the program that calls this library allows it, because
  naming a machine should not run a command. Other criteria (\`tagged\`, \`localnetwork\`, \`version\`, ...) are refused.
- \`Include\` with \`*\`, \`?\` and \`[...]\`, relative to \`~/.ssh\`, inside blocks too, 16 levels deep.
- Quotes, \`=\` between keyword and value, comments, keywords in any case.
- \`%h %n %p %r %u %d %i %k %L %l %j %C %%\`, \`\${NAME}\` and a leading \`~\`, where ssh expands them. \`~name\` works for your
  own name only.
- A keyword that ssh does not know is an error unless \`IgnoreUnknown\` names it.
- Your own file and every included one must belong to you or root, and nobody else may write to it (not checked on
  Windows). A group that has you as its only member may, as Debian's ssh allows.
- Files of at most 1 MiB, at most 512 of them, UTF-8 without a byte order mark.

### Honoured

| | keywords |
| --- | --- |
| where to | \`HostName\` \`Port\` \`User\` \`AddressFamily\` \`ProxyJump\` |
| with which key | \`IdentityFile\` \`IdentitiesOnly\` \`IdentityAgent\` \`PubkeyAuthentication\` \`PasswordAuthentication\` \`KbdInteractiveAuthentication\` (and \`ChallengeResponseAuthentication\`) \`PreferredAuthentications\` |
| which host key | \`StrictHostKeyChecking\` \`UserKnownHostsFile\` \`GlobalKnownHostsFile\` \`HostKeyAlias\` |
| how | \`Compression\` \`ConnectTimeout\` \`ServerAliveInterval\` \`ServerAliveCountMax\` \`Ciphers\` \`MACs\` \`KexAlgorithms\` \`HostKeyAlgorithms\` \`PubkeyAcceptedAlgorithms\` \`RequiredRSASize\` |
| what for | \`LocalForward\` \`RemoteForward\` \`DynamicForward\` \`ClearAllForwardings\` \`SessionType\` (\`none\` and \`default\`) \`RequestTTY\` |
| the file itself | \`Host\` \`Match\` \`Include\` \`IgnoreUnknown\` |

\`ConnectTimeout 0\` and \`none\` mean that the file sets no limit; the program's own limit applies then.

### Refused where they apply to the host

Only the value that ssh would use counts: one in another \`Host\` block, or behind an earlier \`none\`, is no obstacle.

| keyword | unless it is | why |
| --- | --- | --- |
| \`ProxyCommand\`, \`ProxyUseFdpass\` | \`none\`, \`no\` | connecting through a command is not supported; \`ProxyJump\` is |
| \`CertificateFile\` | \`none\` | no user certificates |
| \`PKCS11Provider\`, \`SmartcardDevice\` | \`none\` | no keys on tokens |
| \`KnownHostsCommand\`, \`RevokedHostKeys\` | \`none\` | host keys come from known_hosts files, \`@revoked\` lines included |
| \`BindAddress\`, \`BindInterface\` | | the system chooses the local address |
| \`CanonicalizeHostname\`, \`CanonicalizePermittedCNAMEs\` | \`no\`, \`none\` | names are not looked up to rewrite them |
| \`RemoteCommand\` | \`none\` | the host runs a command of its own, so none can be given (ssh refuses that too) |
| \`SessionType subsystem\` | | no subsystems |
| \`RefuseConnection\` | | the file says so |

### For people's own logins

\`ForwardAgent\` \`ForwardX11\` \`ForwardX11Trusted\` \`ForwardX11Timeout\` \`XAuthLocation\` \`GatewayPorts\` \`PermitRemoteOpen\`
\`SendEnv\` \`SetEnv\` \`PermitLocalCommand\` \`LocalCommand\` \`Tunnel\` \`TunnelDevice\`: in a file they are skipped, because they
are there for interactive logins and lead nowhere else. With \`-o\` they are refused unless they switch something off.

### Harmless

\`AddKeysToAgent\` \`BatchMode\` \`CanonicalDomains\` \`CanonicalizeFallbackLocal\` \`CanonicalizeMaxDots\` \`CASignatureAlgorithms\`
\`ChannelTimeout\` \`CheckHostIP\` \`ConnectionAttempts\` \`ControlMaster\` \`ControlPath\` \`ControlPersist\`
\`EnableEscapeCommandline\` \`EnableSSHKeysign\` \`EscapeChar\` \`ExitOnForwardFailure\` \`FingerprintHash\`
\`ForkAfterAuthentication\` \`GSSAPI...\` \`HashKnownHosts\` \`HostbasedAuthentication\` \`HostbasedAcceptedAlgorithms\` \`IPQoS\`
\`KbdInteractiveDevices\` \`LogLevel\` \`LogVerbose\` \`NoHostAuthenticationForLocalhost\` \`NumberOfPasswordPrompts\`
\`ObscureKeystrokeTiming\` \`RekeyLimit\` \`SecurityKeyProvider\` \`StdinNull\` \`StreamLocalBindMask\` \`StreamLocalBindUnlink\`
\`SyslogFacility\` \`Tag\` \`TCPKeepAlive\` \`UpdateHostKeys\` \`VerifyHostKeyDNS\` \`VersionAddendum\` \`VisualHostKey\`
\`WarnWeakCrypto\`, what ssh itself ignores (\`Protocol\`, \`Cipher\`, \`RSAAuthentication\`, ...), and \`UseKeychain\` on macOS.

## What differs from ssh on purpose

- \`host:2222\` is a host and a port; ssh would look for a host of that name.
- Keys that ssh no longer looks for by itself (\`id_dsa\`, \`id_xmss\`) are not looked for.
- \`User\` expands tokens, as OpenSSH 10 does and older releases do not.
- A service name (\`Port ssh\`) is no port: write the number.
- \`toehold forward\` opens the forwardings that the files name for a machine, as ssh does; the other commands open none.
- A socket path in a forwarding expands \`\${NAME}\`; a port or a host in it does not.
`
