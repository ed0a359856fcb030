#!/bin/sh
# fetch.sh [FOLDER]: brings the real programs that tests/real works on into FOLDER ($RTF_REAL, build/real):
# SQLite's amalgamation, hiredis, tree-sitter and its C grammar, as packages of the npm registry carry them. Versions are
# pinned and every file is held against contents.sha256. Says nothing and touches nothing when all is there.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
real=${1:-${RTF_REAL:-build/real}}
sums=$here/contents.sha256

is_complete() {
	(cd "$1" && sha256sum --status -c "$sums") 2>/dev/null
}

fail() {
	echo "fetch.sh: $*" >&2
	exit 1
}

# bring PACKAGE@VERSION FOLDER NAME [DEPTH]: the C files of the package's FOLDER, DEPTH (1) levels deep, as $work/NAME
bring() {
	echo "  FETCH  $1 from npm"
	tarball=$(cd "$work" && npm pack --loglevel=error --ignore-scripts "$1" 2>npm.log | tail -n 1)
	if [ -z "$tarball" ] || [ ! -s "$work/$tarball" ]; then
		cat "$work/npm.log" >&2
		fail "npm could not bring $1 (is the registry reachable? try: npm view $1)"
	fi
	mkdir -p "$work/$3"
	tar -xzf "$work/$tarball" -C "$work" "package/$2" || fail "$1 has no folder $2"
	(cd "$work/package/$2" && find . -maxdepth "${4:-1}" -name '*.[ch]' | tar -cf - -T -) | tar -xf - -C "$work/$3"
	rm -rf "$work/package" "${work:?}/$tarball"
}

is_complete "$real" && exit 0

command -v npm >/dev/null || fail "npm is not installed (Debian's package npm; 'make deps-check' installs it)"
mkdir -p "$real"
real=$(cd "$real" && pwd)
work=$(mktemp -d "$real/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

bring better-sqlite3@12.11.1 deps/sqlite3 sqlite3
bring hiredis@0.5.0 deps/hiredis hiredis
bring tree-sitter@0.25.0 vendor/tree-sitter/lib tree-sitter 4
bring tree-sitter-c@0.24.1 src tree-sitter-c 2
(cd "$work" && sha256sum --quiet -c "$sums") || fail "the files are not those that the tests were written for"

# Each folder is renamed whole, so that an interrupted run leaves nothing half there.
for name in sqlite3 hiredis tree-sitter tree-sitter-c; do
	rm -rf "${real:?}/$name"
	mv "$work/$name" "$real/$name"
done
