# shellcheck shell=sh
# Sourced by the samples: makes sure that commands are there.
#
#   prepare COMMAND:PACKAGE...
#
# On Debian and Ubuntu the packages of missing commands are installed with apt-get, as root or
# through sudo. Elsewhere the missing commands are named, and the exit status is 1.
prepare() {
  packages=
  commands=
  for need in "$@"; do
    command -v "${need%%:*}" >/dev/null 2>&1 && continue
    commands="$commands ${need%%:*}"
    packages="$packages ${need#*:}"
  done
  [ -n "$commands" ] || return 0
  if ! command -v apt-get >/dev/null 2>&1; then
    printf 'These commands are missing; install them:%s\n' "$commands" >&2
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
