#!/bin/sh
# Installs those of the named Debian packages that are missing, saying so first.
set -eu
missing=
for package in "$@"; do
	status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
	[ "$status" = "install ok installed" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "installing with apt-get:$missing"
root=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || { echo "run this as root, or install sudo: apt-get needs it" >&2; exit 1; }
	root=sudo
fi
export DEBIAN_FRONTEND=noninteractive
$root apt-get update -qq
# shellcheck disable=SC2086 # a list of words
$root apt-get install -y -qq --no-install-recommends $missing >/dev/null
