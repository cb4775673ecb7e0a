#!/bin/sh
# Installs aichaku for the user who runs this:
#
#     sh install.sh                    the latest release, into ~/.local/bin
#     sh install.sh --version 0.1.0    that release
#     sh install.sh --to DIR           into another folder
#
# Downloads the archive for this system and checksums.txt, compares the SHA-256, tries the program, and
# only then puts it in its place, by rename: a daemon that runs from the old one is not disturbed.
# Changes no start-up file and needs no root.
#
# AICHAKU_RELEASES names another place for the releases: an address below which
# `download/vVERSION/FILE` is found, and `latest/download/FILE` for the latest.
#
# Needs curl or wget, tar, and sha256sum, shasum or openssl.
set -eu

releases=${AICHAKU_RELEASES:-https://github.com/aichaku/aichaku/releases}
version=
folder=
temporary=

fail() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 1
}

clean() {
  if [ -n "$temporary" ]; then rm -rf "$temporary"; fi
}

usage() {
  sed -n '2,6s/^# \{0,1\}//p' "$0"
}

# Writes what an address has into a file.
download() {
  if command -v curl >/dev/null 2>&1; then
    curl --fail --silent --show-error --location --retry 2 --output "$2" "$1"
  elif command -v wget >/dev/null 2>&1; then
    wget -q -O "$2" "$1"
  else
    fail "needs curl or wget, and neither is on PATH"
  fi || fail "cannot download $1"
}

sha256() {
  if command -v sha256sum >/dev/null 2>&1; then
    sha256sum "$1"
  elif command -v shasum >/dev/null 2>&1; then
    shasum -a 256 "$1"
  elif command -v openssl >/dev/null 2>&1; then
    openssl dgst -sha256 -r "$1"
  else
    fail "needs sha256sum, shasum or openssl to check what was downloaded, and none is on PATH"
  fi | cut -d ' ' -f 1
}

# The name of this system in the names of the files.
target() {
  system=$(uname -s) processor=$(uname -m)
  case $system in
    Linux) os=linux ;;
    Darwin) os=macos ;;
    *) fail "there is no program for $system; on Windows use install.ps1" ;;
  esac
  case $processor in
    x86_64 | amd64) cpu=x64 ;;
    aarch64 | arm64) cpu=arm64 ;;
    *) fail "there is no program for the processor $processor" ;;
  esac
  # A translated shell says x86_64 on an Apple processor.
  if [ "$os-$cpu" = macos-x64 ] && [ "$(sysctl -n sysctl.proc_translated 2>/dev/null)" = 1 ]; then
    cpu=arm64
  fi
  if [ "$os" = linux ] && (ldd --version 2>&1 || true) | grep -qi musl; then
    fail "this system has musl, and the program needs glibc; use a container or a glibc distribution"
  fi
  printf '%s-%s\n' "$os" "$cpu"
}

while [ $# -gt 0 ]; do
  case $1 in
    --version) [ $# -ge 2 ] || fail "--version needs a value"; version=${2#v}; shift 2 ;;
    --to) [ $# -ge 2 ] || fail "--to needs a folder"; folder=$2; shift 2 ;;
    -h | --help) usage; exit 0 ;;
    *) fail "unknown option $1; see --help" ;;
  esac
done

[ -n "$folder" ] || folder=${HOME:?"is not set; use --to DIR"}/.local/bin
case $version in
  *[!0-9A-Za-z.+-]*) fail "$version is no version" ;;
esac
if [ -n "$version" ]; then
  pattern=$(printf '%s' "$version" | sed 's/[.+]/\\&/g')
else
  pattern='[0-9][0-9A-Za-z.+-]*'
fi

target=$(target)
temporary=$(mktemp -d)
trap clean EXIT
trap 'exit 1' HUP INT TERM

if [ -n "$version" ]; then place=$releases/download/v$version; else place=$releases/latest/download; fi
download "$place/checksums.txt" "$temporary/checksums.txt"

# The line of this system's archive; its name tells the version of the latest release.
line=$(grep -E "^[0-9a-f]{64}  aichaku-$pattern-$target\\.tar\\.gz\$" "$temporary/checksums.txt") ||
  fail "$place/checksums.txt names no archive for $target"
[ "$(printf '%s\n' "$line" | wc -l)" -eq 1 ] ||
  fail "$place/checksums.txt names several archives for $target"
expected=${line%% *}
archive=${line##* }

download "$place/$archive" "$temporary/$archive"
found=$(sha256 "$temporary/$archive")
[ "$found" = "$expected" ] ||
  fail "$place/$archive has SHA-256 $found and should have $expected; nothing was installed"

tar -xzf "$temporary/$archive" -C "$temporary"
program=$temporary/${archive%.tar.gz}/aichaku
told=$("$program" --version) || fail "the program does not run on this system; nothing was installed"

mkdir -p "$folder"
# Beside its place, so that the rename cannot cross file systems.
cp "$program" "$folder/.aichaku.$$"
chmod 755 "$folder/.aichaku.$$"
mv -f "$folder/.aichaku.$$" "$folder/aichaku"
printf '%s is installed: %s\n' "$told" "$folder/aichaku"

case :${PATH:-}: in
  *":$folder:"*) ;;
  *) printf 'It is not on your PATH yet. Add to the start-up file of your shell:\n  export PATH="%s:$PATH"\n' "$folder" ;;
esac
