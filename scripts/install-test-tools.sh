#!/bin/sh
# Installs what some tests need beyond Node and npm, on Debian and Ubuntu. Elsewhere those tests are skipped, in words.
set -eu
packages='patch dpkg-dev mtree-netbsd libarchive-tools shellcheck dash tmux gcc libc6-dev pkg-config fuse3 libfuse3-dev e2fsprogs xfsprogs btrfs-progs python3 zip unzip xz-utils bzip2 zstd cpio binutils dpkg rpm rpm2cpio default-jdk-headless maven'
if ! command -v apt-get >/dev/null 2>&1; then
  echo "install-test-tools: there is no apt-get here; install by hand: $packages" >&2
  exit 1
fi
missing=''
for package in $packages; do
  case $package in
    default-jdk-headless) command -v javac >/dev/null 2>&1 || missing="$missing $package" ;;
    maven) command -v mvn >/dev/null 2>&1 || missing="$missing $package" ;;
    python3) command -v python3 >/dev/null 2>&1 || missing="$missing $package" ;;
    *) dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package" ;;
  esac
done
[ -n "$missing" ] || exit 0
sudo=''
[ "$(id -u)" -eq 0 ] || sudo=sudo
$sudo apt-get update -qq
# shellcheck disable=SC2086 # a list of words
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing
