#!/bin/sh
# Runs the named test programs one after another and says at the end which failed. One that hangs is ended after
# RTF_TEST_SECONDS (1200), and what it printed last tells where.
#     tests/run.sh BUILD-FOLDER CC SANITIZERS TEST...
set -u
RTF_BUILD=$(cd "$1" && pwd) || exit 1
RTF_REAL=$RTF_BUILD/real
CC=$2
RTF_SAN=$3
export RTF_BUILD RTF_REAL CC RTF_SAN
shift 3
[ $# -gt 0 ] || { echo "no test has that name" >&2; exit 1; }
limit=${RTF_TEST_SECONDS:-1200}
failed=
for test in "$@"; do
	echo "== ${test#*/tests/}"
	start=$(date +%s)
	timeout --foreground -k 30 "$limit" "$test"
	status=$?
	seconds=$(($(date +%s) - start))
	echo "   $seconds s"
	[ $status = 0 ] || failed="$failed ${test##*/}"
	case $status in
	124 | 137) [ $seconds -lt "$limit" ] || echo "${test##*/} was ended: it hung for $limit s" ;;
	126 | 127) echo "${test##*/} cannot be run" ;;
	esac
done
if [ -n "$failed" ]; then
	echo "failed:$failed"
	exit 1
fi
echo "all $# test programs passed"
