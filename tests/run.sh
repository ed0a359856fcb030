#!/bin/sh
# Runs the named test programs one after another and says at the end which failed.
#     tests/run.sh BUILD-FOLDER CC SANITIZERS TEST...
set -u
RTF_BUILD=$(cd "$1" && pwd) || exit 1
RTF_REAL=$RTF_BUILD/real
CC=$2
RTF_SAN=$3
export RTF_BUILD RTF_REAL CC RTF_SAN
shift 3
[ $# -gt 0 ] || { echo "no test has that name" >&2; exit 1; }
failed=
for test in "$@"; do
	echo "== ${test#*/tests/}"
	start=$(date +%s)
	"$test" || failed="$failed ${test##*/}"
	echo "   $(($(date +%s) - start)) s"
done
if [ -n "$failed" ]; then
	echo "failed:$failed"
	exit 1
fi
echo "all $# test programs passed"
