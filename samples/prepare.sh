# shellcheck shell=sh
# Sourced by the samples: makes sure that commands and headers are there.
#
#   prepare COMMAND:PACKAGE... HEADER.h:PACKAGE...
#
# On Debian and Ubuntu the packages of missing commands are installed with apt-get, as root or
# through sudo. Elsewhere what is missing is named, and the exit status is 1.
is_there() {
  case $1 in
    *.h) echo "#include <$1>" | c++ -std=c++20 -fsyntax-only -x c++ - ;;
    *) command -v "$1" ;;
  esac >/dev/null 2>&1
}

prepare() {
  packages=
  commands=
  for need in "$@"; do
    is_there "${need%%:*}" && continue
    commands="$commands ${need%%:*}"
    packages="$packages ${need#*:}"
  done
  [ -n "$commands" ] || return 0
  if ! command -v apt-get >/dev/null 2>&1; then
    printf 'These are missing; install them:%s\n' "$commands" >&2
    exit 1
  fi
  as_root=
  if [ "$(id -u)" -ne 0 ]; then
    as_root=sudo
    if ! command -v sudo >/dev/null 2>&1; then
      printf 'These packages are missing, and installing them needs root or sudo:%s\n' \
        "$packages" >&2
      exit 1
    fi
  fi
  printf 'installing:%s\n' "$packages"
  # shellcheck disable=SC2086 # words
  if ! { $as_root apt-get -q -y update &&
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
      install --no-install-recommends $packages; } >/dev/null; then
    printf 'apt-get could not install:%s\n' "$packages" >&2
    exit 1
  fi
}
