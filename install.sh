#!/usr/bin/env bash
# Installs what `make build man` has built, for systems without our packages; the packages use it too.
#
#   ./install.sh [--prefix DIR] [--destdir DIR]    DIR is /usr/local
#   ./install.sh --uninstall [--prefix DIR]        keeps /etc/rustsocks, the history and the log
#
# With --destdir files are put below that directory and nothing else is done: no user, no reload of systemd.
# A configuration file that is there already stays as it is.
set -euo pipefail
cd "$(dirname "$0")"

prefix=/usr/local destdir='' uninstall=false
while [ $# -gt 0 ]; do
    case $1 in
    --prefix) prefix=${2:?--prefix needs a directory}; shift 2 ;;
    --destdir) destdir=${2:?--destdir needs a directory}; shift 2 ;;
    --uninstall) uninstall=true; shift ;;
    *) sed -n '2,8s/^# \?//p' "$0" >&2; exit 2 ;;
    esac
done
say() { echo "install.sh: $*" >&2; }

# systemd reads units of the administrator below /usr/local too, but sysusers and tmpfiles only below /usr and /etc.
units=$prefix/lib/systemd/system
case $prefix in
/usr) lists=/usr/lib ;;
*) lists=/etc ;;
esac
doc=$prefix/share/doc/rustsocks
manual=$prefix/share/man

if $uninstall; then
    [ ! -d /run/systemd/system ] || systemctl disable --now rustsocks.socket rustsocks.service || say "the service was not there"
    rm -rf "$destdir$prefix/lib/rustsocks" "$destdir$doc"
    rm -f "$destdir$prefix/bin/rustsocks" "$destdir$prefix/bin/rustsocks-cli" "$destdir$units/rustsocks.service" "$destdir$units/rustsocks.socket" \
        "$destdir$lists/sysusers.d/rustsocks.conf" "$destdir$lists/tmpfiles.d/rustsocks.conf" \
        "$destdir$manual/man8/rustsocks.8" "$destdir$manual/man1/rustsocks-cli.1" "$destdir$manual/man5/rustsocks.toml.5" "$destdir$manual/man5/rustsocks-acl.5"
    [ ! -d /run/systemd/system ] || systemctl daemon-reload
    say "left: /etc/rustsocks, /etc/pam.d/rustsocks*, /var/lib/rustsocks, /var/log/rustsocks and the user socks"
    exit
fi

for built in target/release/rustsocks target/release/rustsocks-cli target/release/rustsocks-pam target/man/rustsocks.8; do
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

put 0755 target/release/rustsocks "$prefix/bin/rustsocks"
put 0755 target/release/rustsocks-cli "$prefix/bin/rustsocks-cli"
put 0755 target/release/rustsocks-pam "$prefix/lib/rustsocks/rustsocks-pam"
for page in rustsocks.8 rustsocks-cli.1 rustsocks.toml.5 rustsocks-acl.5; do
    put 0644 "target/man/$page" "$manual/man${page##*.}/$page"
done

made=$(mktemp -d)
trap 'rm -r "$made"' EXIT
sed "s#/usr/bin/rustsocks#$prefix/bin/rustsocks#" systemd/rustsocks.service >"$made/rustsocks.service"
put 0644 "$made/rustsocks.service" "$units/rustsocks.service"
put 0644 systemd/rustsocks.socket "$units/rustsocks.socket"
put 0644 systemd/rustsocks.sysusers "$lists/sysusers.d/rustsocks.conf"
put 0644 systemd/rustsocks.tmpfiles "$lists/tmpfiles.d/rustsocks.conf"

# Installed, the worker has a user of its own.
sed 's/^# \(user_unprivileged = "socks"\)$/\1/' config/rustsocks.toml >"$made/rustsocks.toml"
put_once 0644 "$made/rustsocks.toml" /etc/rustsocks/rustsocks.toml
put_once 0644 config/acl.toml /etc/rustsocks/acl.toml
put_once 0640 config/users.toml /etc/rustsocks/users.toml
put_once 0644 config/clients.access /etc/rustsocks/clients.access
put_once 0644 config/pam.d/rustsocks /etc/pam.d/rustsocks
put_once 0644 config/pam.d/rustsocks-client /etc/pam.d/rustsocks-client

for file in README.md CHANGELOG.md docs/*.md; do
    put 0644 "$file" "$doc/$(basename "$file")"
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
        install --directory --owner socks --group socks --mode 0750 /var/lib/rustsocks /var/log/rustsocks
        say "now: $prefix/bin/rustsocks --config /etc/rustsocks/rustsocks.toml"
    fi
fi
