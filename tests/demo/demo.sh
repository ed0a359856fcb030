#!/bin/bash
# The main job of rtf from start to end, on a real service: functions change, the service goes on.
#
#     RTF_BUILD=build tests/demo/demo.sh [SOCKET]
#
# Everything that is shown really happens. Every answer is held against what it must be; the first that
# differs is named and ends the demo with status 1. Nothing stays behind.
set -uo pipefail

build=$(cd "${RTF_BUILD:-build}" && pwd) || exit 1
demo=$(cd "$(dirname "$0")" && pwd) || exit 1
scratch=$(mktemp -d "${TMPDIR:-/tmp}/rtf-demo.XXXXXX") || exit 1
socket=${1:-$scratch/orders.sock}
service=
follower= # of the service's log
load=()

export XDG_STATE_HOME=$scratch/state RTF_ENGINE=$build/rtf-engine NO_PROXY=127.0.0.1
unset RTF_HISTORY RTF_SOCKET RTF_LOG
PATH=$build:$build/tests/demo:$PATH

readonly DEADLINE=60             # seconds, for any single step
readonly LOAD_RATE=200           # requests a second, each of two clients
readonly LOAD_REQUESTS=60000     # of each client, should the demo ever hang

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
	bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
else
	bold='' dim='' green='' red='' plain=''
fi

# --- start and end ------------------------------------------------------------------------------------------

stop() { # PID...
	kill "$@" 2>/dev/null
	wait "$@" 2>/dev/null
}

clean_up() {
	trap '' INT TERM HUP
	((${#load[@]})) && stop "${load[@]}"
	[[ $follower ]] && stop "$follower"
	[[ $service ]] && stop "$service"
	rm -rf "$scratch"
}
trap clean_up EXIT
trap 'echo; exit 130' INT
trap 'exit 143' TERM HUP

fail() {
	printf '\n%sFAILED:%s %s\n' "$red" "$plain" "$*" >&2
	exit 1
}

# --- what is shown ------------------------------------------------------------------------------------------

number=0
step() {
	printf '\n%s%d. %s%s\n\n' "$bold" $((++number)) "$*" "$plain"
}

indent() {
	sed 's/^/    /'
}

shell_line() {
	printf '    %s$ %s%s\n' "$dim" "$*" "$plain"
}

# What a person types at the prompt, as the terminal would show it.
prompt_lines() {
	sed -e '1s/^/    orders> /' -e '2,$s/^/    orders- /' <<<"$1"
}

# --- what is done -------------------------------------------------------------------------------------------

# Runs a command; what it prints is shown and kept in $output, its exit status in $status.
run() {
	output=$("$@" 2>&1)
	status=$?
	indent <<<"$output"
}

# A page of the service.
get() {
	shell_line "curl '$url$1'"
	run curl -sS --fail --max-time "$DEADLINE" "$url$1"
	((status == 0)) || fail "the service did not answer; curl ended with status $status"
}

# Text at the console's prompt, through its standard input; it must end with status $1.
console() {
	local expected=$1

	prompt_lines "$2"
	run rtf-console -t "$DEADLINE" "$socket" <<<"$2"
	((status == expected)) || fail "the console ended with status $status, expected $expected"
}

expect() { # WHAT TEXT: the last output has TEXT
	[[ $output == *"$2"* ]] || fail "expected $1; no '$2' in this answer"
}

field() { # NAME: its number in the last output
	sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" <<<"$output"
}

# Asks for four teas; they must cost $1, and the order's number must have gone on from the last one.
last_order=0
expect_price() {
	local order

	get '/price?item=tea&qty=4'
	expect "four teas to cost $1" "\"price\":$1}"
	order=$(field order)
	((order > last_order)) || fail "the orders' numbers began again: $order after $last_order"
	last_order=$order
}

# The service as it was built, whose sources have been moved to where they may be edited.
start_service() {
	local line

	mkdir "$scratch/source" && cp -p "$demo"/orders.[ch] "$scratch/source" || exit 1
	export RTF_SOURCE_ROOT=$demo=$scratch/source RTF_LOG=$scratch/log
	shell_line "orders $socket &"
	exec {lines}< <(exec orders "$socket" 2>"$scratch/service")
	service=$!
	read -r -t "$DEADLINE" -u "$lines" line || fail "the service did not start"
	! grep -q '^orders: no console' "$scratch/service" || fail "$(cat "$scratch/service")"
	indent <<<"$line"
	url=http://${line#listening on }
}

# Edits the service's source as sed's SCRIPT says. Shows what that changes, and what the service's log says when price()
# has version $1.
save() { # VERSION SCRIPT
	local source=$scratch/source/orders.c log

	shell_line "\$EDITOR orders.c"
	sed "$2" "$source" >"$scratch/edited"
	diff "$source" "$scratch/edited" | sed -n 's/^< /-/p; s/^> /+/p' | indent
	cat "$scratch/edited" >"$source"
	exec {log}< <(exec tail -n +1 -f "$scratch/log")
	follower=$!
	output=
	until [[ $output == *"price is now version $1 ("* ]]; do
		read -r -t "$DEADLINE" -u "$log" output || fail "the save did not go live"
	done
	stop "$follower"
	follower=
	exec {log}<&-
	indent <<<"${output#*]: }"
}

# Two clients, requests without a pause, until they are stopped. What each answer's status was goes into a
# file.
start_load() {
	local client

	shell_line "curl --rate $LOAD_RATE/s '$url/price?item=coffee&qty=[1-1000]' &    # twice"
	for client in 1 2; do
		stdbuf -oL curl -s --rate "$LOAD_RATE/s" -o /dev/null -w '%{http_code}\n' \
			"$url/price?item=coffee&qty=[1-1000]&n=[1-$((LOAD_REQUESTS / 1000))]" \
			>"$scratch/load.$client" 2>/dev/null &
		load+=($!)
	done
}

stop_load() {
	local pid answers failed

	for pid in "${load[@]}"; do
		kill -0 "$pid" 2>/dev/null || fail "a client of the load ended early"
	done
	stop "${load[@]}"
	load=()
	answers=$(cat "$scratch"/load.* | grep -c .)
	failed=$(cat "$scratch"/load.* | grep . | grep -vc '^200$')
	echo "    The load: $answers requests answered meanwhile, $failed failed."
	((answers > 0)) || fail "the load had no answer at all"
	((failed == 0)) || fail "$failed requests of the load failed"
}

# --- the demo -----------------------------------------------------------------------------------------------

step "A service starts. It loads its tables first; nobody likes to restart it."
start_service

step "Customers ask for prices, and two of them never stop."
start_load
expect_price 12.00

step "The functions that can change: each has REALTIMEFUNC before its definition, nothing else."
console 0 '\list'
for name in price find_item parse_quantity best_seller answer answer_price answer_stats; do
	expect "$name in the list" "$name"
done

step "Four or more should be cheaper. Edit price() and save the file."
save 1 '/with_tax(o->/s/unit)/unit * (o->quantity >= 4 ? 0.90 : 1))/'

step "The next request has it. No restart: the static counter went on, file statics and helpers are the same."
expect_price 10.80

step "Or type at the prompt: delivery costs 1.50, tax included. It reads tax_percent, a static of the file."
console 0 'static double price(struct order *o)
{
	static unsigned long orders;
	double net = o->quantity * o->item->unit;

	o->number = ++orders;
	if (o->quantity >= 4)
		net *= 0.90;
	return net * (100 + tax_percent) / 100.0 + 1.50;
}'
expect_price 12.30

step "A mistake costs nothing: the error is shown, the running version is not touched."
console 3 'static double price(struct order *o)
{
	static unsigned long orders;

	o->number = ++orders;
	return with_tax(o->amount * o->item->unit);
}'
expect "the line of the mistake" ":6:"
expect "what is wrong with it" "no member named 'amount'"
expect "a caret under it" "^"
expect_price 12.30

step "Was the discount alone better? Back by one, then to what was built."
console 0 '\rollback price'
expect_price 10.80
console 0 '\rollback price 0'
expect_price 12.00

step "Nothing that was saved or typed is lost."
console 0 '\log price'
expect "the save in the log" "file"
expect "what was typed in the log" "console"

step "And the service never noticed."
stop_load
get /stats
(($(field orders) == $(field last))) || fail "price() numbered $(field last) orders of $(field orders)"
echo
echo "    $(field orders) orders, the last one's number is $(field last): no version of price() lost count."

printf '\n%sThe demo is through; every answer was the expected one.%s\n' "$green" "$plain"
