#!/usr/bin/env bash
# Installs what `make build man` has built, for systems without our packages; the packages use it too.
#
#   ./install.sh [--only daemon|client] [--prefix DIR] [--destdir DIR]    DIR is /usr/local
#   ./install.sh --uninstall [--only daemon|client] [--prefix DIR]        keeps /etc/rustsocks, the history and the log
#
# The client is rustsocks-cli, the operator's program; without --only both are meant.
# With --destdir files are put below that directory and nothing else is done: no user, no reload of systemd.
# A configuration file that is there already stays as it is.
set -euo pipefail
cd "$(dirname "$0")"

usage() { sed -n '2,9s/^# \?//p' "$0" >&2; exit 2; }

prefix=/usr/local destdir='' uninstall=false parts='daemon client'
while [ $# -gt 0 ]; do
    case $1 in
    --prefix) prefix=${2:?--prefix needs a directory}; shift 2 ;;
    --destdir) destdir=${2:?--destdir needs a directory}; shift 2 ;;
    --only)
        parts=${2:?--only needs a part}; shift 2
        case $parts in daemon | client) ;; *) usage ;; esac ;;
    --uninstall) uninstall=true; shift ;;
    *) usage ;;
    esac
done
say() { echo "install.sh: $*" >&2; }
has() { [[ " $parts " == *" $1 "* ]]; }

# systemd reads units of the administrator below /usr/local too, but sysusers and tmpfiles only below /usr and /etc.
units=$prefix/lib/systemd/system
case $prefix in
/usr) lists=/usr/lib ;;
*) lists=/etc ;;
esac
doc=$prefix/share/doc/rustsocks

programs=() pages=()
if has daemon; then
    programs+=(rustsocks)
    pages+=(rustsocks.8 rustsocks.toml.5 rustsocks-acl.5)
fi
if has client; then
    programs+=(rustsocks-cli)
    pages+=(rustsocks-cli.1)
fi

# Where the manual has a page.
page() { echo "$prefix/share/man/man${1##*.}/$1"; }

# Where each shell looks for what it should know of a program.
completion() {
    case $1 in
    bash) echo "$prefix/share/bash-completion/completions/$2" ;;
    zsh) echo "$prefix/share/zsh/site-functions/_$2" ;;
    fish) echo "$prefix/share/fish/vendor_completions.d/$2.fish" ;;
    esac
}

if $uninstall; then
    for program in "${programs[@]}"; do
        rm -f "$destdir$prefix/bin/$program"
        for shell in bash zsh fish; do rm -f "$destdir$(completion "$shell" "$program")"; done
    done
    for name in "${pages[@]}"; do rm -f "$destdir$(page "$name")"; done
    has daemon || exit 0
    [ ! -d /run/systemd/system ] || systemctl disable --now rustsocks.socket rustsocks.service || say "the service was not there"
    rm -rf "$destdir$prefix/lib/rustsocks" "$destdir$doc"
    rm -f "$destdir$units/rustsocks.service" "$destdir$units/rustsocks.socket" \
        "$destdir$lists/sysusers.d/rustsocks.conf" "$destdir$lists/tmpfiles.d/rustsocks.conf"
    [ ! -d /run/systemd/system ] || systemctl daemon-reload
    say "left: /etc/rustsocks, /etc/pam.d/rustsocks*, /var/lib/rustsocks, /var/log/rustsocks, the user socks and the groups rustsocks*"
    exit
fi

for built in "${programs[@]/#/target/release/}" "${pages[@]/#/target/man/}"; do
    [ -e "$built" ] || { say "$built is not there: run 'make build man' first"; exit 1; }
done

# put MODE FILE PLACE
put() { install -D --mode "$1" "$2" "$destdir$3"; }

# The same for a file that the administrator edits.
put_once() {
    if [ -z "$destdir" ] && [ -e "$3" ]; then
        cmp -s "$2" "$3" || say "$3 stays as it is; what ships now is in $doc"
    else
        put "$1" "$2" "$3"
    fi
}

made=$(mktemp -d)
trap 'rm -r "$made"' EXIT

for program in "${programs[@]}"; do
    put 0755 "target/release/$program" "$prefix/bin/$program"
    for shell in bash zsh fish; do
        "target/release/$program" completions "$shell" >"$made/completion"
        put 0644 "$made/completion" "$(completion "$shell" "$program")"
    done
done
for name in "${pages[@]}"; do
    put 0644 "target/man/$name" "$(page "$name")"
done
has daemon || exit 0

put 0755 target/release/rustsocks-pam "$prefix/lib/rustsocks/rustsocks-pam"
sed "s#/usr/bin/rustsocks#$prefix/bin/rustsocks#" systemd/rustsocks.service >"$made/rustsocks.service"
put 0644 "$made/rustsocks.service" "$units/rustsocks.service"
put 0644 systemd/rustsocks.socket "$units/rustsocks.socket"
put 0644 systemd/rustsocks.sysusers "$lists/sysusers.d/rustsocks.conf"
put 0644 systemd/rustsocks.tmpfiles "$lists/tmpfiles.d/rustsocks.conf"

# Installed, the worker has a user of its own, and operators have a socket.
sed -e 's/^# \(user_unprivileged = "socks"\)$/\1/' -e 's/^# \(socket = "\/run\/rustsocks\/admin.sock"\)$/\1/' config/rustsocks.toml >"$made/rustsocks.toml"
put_once 0644 "$made/rustsocks.toml" /etc/rustsocks/rustsocks.toml
put_once 0644 config/acl.toml /etc/rustsocks/acl.toml
put_once 0640 config/users.toml /etc/rustsocks/users.toml
put_once 0644 config/clients.access /etc/rustsocks/clients.access
put_once 0644 config/pam.d/rustsocks /etc/pam.d/rustsocks
put_once 0644 config/pam.d/rustsocks-client /etc/pam.d/rustsocks-client

for file in README.md CHANGELOG.md docs/*.md; do
    put 0644 "$file" "$doc/$(basename "$file")"
done
for file in docs/images/*.svg; do
    put 0644 "$file" "$doc/images/$(basename "$file")"
done
find config/rustsocks.toml config/examples systemd/pam.conf deploy -type f | while read -r file; do
    place=${file#*/}
    put 0644 "$file" "$doc/examples/${place#examples/}"
done

if [ -z "$destdir" ]; then
    if [ -d /run/systemd/system ]; then
        systemd-sysusers "$lists/sysusers.d/rustsocks.conf"
        systemd-tmpfiles --create "$lists/tmpfiles.d/rustsocks.conf"
        systemctl daemon-reload
        say "now: systemctl enable --now rustsocks"
    else
        id socks >/dev/null 2>&1 || useradd --system --user-group --no-create-home --shell /usr/sbin/nologin socks
        for group in rustsocks rustsocks-op rustsocks-admin; do
            getent group "$group" >/dev/null || groupadd --system "$group"
        done
        install --directory --owner socks --group socks --mode 0750 /var/lib/rustsocks /var/log/rustsocks
        say "now: $prefix/bin/rustsocks --config /etc/rustsocks/rustsocks.toml"
    fi
fi
