#!/usr/bin/env bash
# debian_packages.sh DIR SUITE PACKAGE...
#
# Put programs of Debian packages under DIR, ready to run, as any user, and touch nothing of the system:
#   debian_packages.sh ~/.cache/postgresql-15 bookworm postgresql-15
# Afterwards:
#   DIR/root/...  the packages and what they depend on, unpacked. Each program is a wrapper that starts the real one
#                 (in .real/ beside it) with the dynamic loader and the libraries of the same packages, under the
#                 wrapper's own name, so that programs which look for their files beside themselves find them.
#   DIR/bin/...   the programs of the packages that were named
# DIR can't be moved afterwards: the wrappers name it.
#
# The mirror is the one that this machine's own apt uses (APT_MIRROR=URL overrides it), and signatures are checked
# against Debian's keyring. Needs apt-get and dpkg-deb. Exit status 2: this machine can't fetch Debian packages; any
# other but 0: the mirror does not deliver these today.
set -euo pipefail
umask 022 # what root unpacks, a server that dropped its privileges must be able to read

fail() { echo "debian_packages.sh: $*" >&2; exit 2; }

[ $# -ge 3 ] || fail "usage: debian_packages.sh DIR SUITE PACKAGE..."
dir=$1 suite=$2 wanted="${*:2}"; shift 2
packages=("$@")

for program in apt-get dpkg-deb flock; do
    command -v "$program" >/dev/null || fail "$program is not here: this is no Debian-like system"
done
mkdir -p "$dir"; dir=$(cd "$dir" && pwd)
exec 9>"$dir/.lock"; flock 9 # two runs at once: the second one finds what the first one fetched
if [ "$(cat "$dir/.complete" 2>/dev/null)" = "$wanted" ]; then exit 0; fi
rm -f "$dir/.complete"

# --- The mirror: the first one in this machine's apt that carries Debian's own main archive.
mirror=${APT_MIRROR:-}
if [ -z "$mirror" ]; then
    mirror=$({ apt-get indextargets --format '$(REPO_URI) $(CODENAME)' \
        'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 2>/dev/null || true; } |
        awk '$2 !~ /security|updates|backports/ && !n++ { print $1 }')
fi
if [ -z "$mirror" ]; then # apt-get update was never run here: read the source files themselves
    mirror=$({ cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null || true; } |
        sed -nE '/^[[:space:]]*#/d; s/^URIs:[[:space:]]*([^[:space:]]+).*/\1/p; s/^deb[[:space:]]+(\[[^]]*\][[:space:]]+)?([^[:space:]]+).*/\2/p' |
        awk '/\/debian\/?$/ && !n++')
fi
[ -n "$mirror" ] || fail "no Debian mirror in this machine's apt sources: name one with APT_MIRROR=URL"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e "$keyring" ] || fail "$keyring is missing: install the package debian-archive-keyring"

# --- A private apt: own sources, lists and cache, and an empty dpkg status, so that the whole closure is found and
# nothing counts as installed. Proxies and the like are read from the machine's configuration; its hooks are not run.
apt=$dir/apt
rm -rf "$apt"; mkdir -p "$apt"/{lists/partial,cache/archives/partial}
: > "$apt/status"
echo "deb [signed-by=$keyring] $mirror $suite main" > "$apt/sources.list"
cat > "$apt/apt.conf" <<CONF
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "$apt";
Dir::State::status "$apt/status";
Dir::State::lists "$apt/lists";
Dir::Cache "$apt/cache";
Dir::Log "$apt";
APT::Sandbox::User "root";
APT::Install-Recommends "false";
APT::Get::AllowUnauthenticated "false";
Acquire::Languages "none";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Acquire::Retries "5";
Acquire::http::Timeout "60";
Debug::NoLocking "true";
CONF
apt_get() { apt-get -qq -c "$apt/apt.conf" "$@"; }
apt_get update
# Left out of the closure: interpreters and package tools, PostgreSQL's just-in-time compiler (180 MB), and what
# MariaDB has for clusters and for starting as a service.
is_left_out() {
    case $1 in
        perl | perl-* | libperl* | libdb5* | libgdbm* | debconf | dpkg | tar | adduser | passwd | ucf | usrmerge | \
            init-system-helpers | sysvinit-utils | sensible-utils | lsb-* | locales | openssl | ssl-cert | ca-certificates | \
            postgresql-common | postgresql-client-common | libllvm* | libz3-* | \
            galera* | rsync | socat | lsof | iproute2 | psmisc | procps | mysql-common | mariadb-common) return 0 ;;
    esac
    return 1
}
closure=$(apt_get --print-uris --yes install "${packages[@]}" | sed -nE "s/^'[^']*' ([^_]+)_.*/\1/p")
[ -n "$closure" ] || { echo "debian_packages.sh: $suite has no ${packages[*]} that can be installed" >&2; exit 3; }
download=()
for package in $closure; do is_left_out "$package" || download+=("$package"); done
(cd "$apt/cache/archives" && apt_get download "${download[@]}")

# --- Unpack, without what is for people to read.
root=$dir/root
rm -rf "$root" "$dir/bin"; mkdir -p "$root" "$dir/bin"
for archive in "$apt"/cache/archives/*.deb; do dpkg-deb -x "$archive" "$root"; done
rm -rf "$root"/usr/share/{doc,man,locale,lintian,bug,info} "$root/usr/lib/debug"
rm -rf "$root"/usr/lib/postgresql/*/lib/{bitcode,llvmjit*}
# Of MySQL and MariaDB: the servers, the clients, and the tools for dumps and binary logs. The rest is half of it.
for directory in "$root"/usr/{bin,sbin}; do
    [ -d "$directory" ] || continue
    find "$directory" -type f -regextype posix-extended \
        -regex '.*/(mysql|mariadb|maria|myisam|aria_|my_print|innochecksum|ibd2sdi|perror|resolve|replace)[^/]*' \
        ! -name mysqld ! -name mysql ! -name mysqladmin ! -name mysqldump ! -name mysqlbinlog \
        ! -name mariadbd ! -name mariadb ! -name mariadb-admin ! -name mariadb-dump ! -name mariadb-binlog -delete
    find "$directory" -xtype l -delete
done
rm -f "$root"/usr/lib/mysql/plugin/{telemetry_client,authentication_{oci,kerberos,webauthn,openid_connect}_client}.so

# --- Wrap each program. The servers of MySQL and MariaDB also have to be told where their packages lie, behind an option
# that must come first; and what loads OpenSSL, where that one's modules are.
loader=$(find "$root" -name 'ld-linux*.so.*' -path '*lib*' | sort | head -n 1)
libraries=$({ find "$root/lib" "$root/usr/lib" -maxdepth 2 -name 'lib*.so.*' -printf '%h\n' 2>/dev/null || true; } | sort -u | paste -sd:)
openssl=$(find "$root" -type d -name ossl-modules | head -n 1)
plugins=$(find "$root/usr/lib" -maxdepth 3 -type d -path '*/plugin' 2>/dev/null | head -n 1)
share=$root/usr/share/mariadb; [ -d "$share" ] || share=$root/usr/share/mysql
while IFS= read -r -d '' program; do
    [ "$(head -c 4 "$program" | tr -d '\0')" = $'\x7fELF' ] || continue
    [ -n "$loader" ] || fail "no dynamic loader among ${download[*]}"
    real=${program%/*}/.real/${program##*/}
    mkdir -p "${real%/*}"; mv "$program" "$real"
    {
        echo '#!/bin/sh'
        [ -z "$openssl" ] || printf 'export OPENSSL_MODULES="${OPENSSL_MODULES-%s}"\n' "$openssl"
        own=
        case ${program##*/} in
            mysqld | mariadbd)
                echo 'first='
                echo 'case "${1-}" in --no-defaults | --defaults-file=* | --defaults-extra-file=*) first=$1; shift ;; esac'
                printf -v own '${first:+"$first"} "--basedir=%s" "--plugin-dir=%s" "--lc-messages-dir=%s" "--character-sets-dir=%s" ' \
                    "$root/usr" "$plugins" "$share" "$share/charsets" ;;
        esac
        printf 'exec "%s" --argv0 "%s" --library-path "%s" "%s" %s"$@"\n' "$loader" "$program" "$libraries" "$real" "$own"
    } > "$program"
    chmod 755 "$program"
done < <(find "$root" -type f -perm -100 ! -name '*.so' ! -name '*.so.*' -print0)
for package in "${packages[@]}"; do
    dpkg-deb --fsys-tarfile "$apt/cache/archives/${package}"_*.deb | tar -t | sed -nE 's,^\./((usr/)?s?bin/[^/]+)$,\1,p' |
        while read -r program; do if [ -e "$root/$program" ]; then ln -sf "$root/$program" "$dir/bin/"; fi; done
done
rm -rf "$apt"
echo "$wanted" > "$dir/.complete"
