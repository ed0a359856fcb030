/* The demo's service under load, while one of its functions is redefined again and again, or none is. */
#include "host.h"
#include "parts.h"
#include "report.h"

#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REDEFINITIONS_A_SECOND = 50, LOAD_SECONDS = 1, PAIRS = 20 };

struct load {
	struct samples throughput, p99, pace;
};

/* "1.23ms" or "456.00us" as microseconds. */
static double duration_us(const char *word)
{
	char *unit;
	double value = strtod(word, &unit);

	return !strncmp(unit, "us", 2) ? value : !strncmp(unit, "ms", 2) ? value * 1e3 : value * 1e6;
}

/* wrk prints when it is done, but for its first lines. Sleeps until then or for so long, and does not look at the clock again and
 * again meanwhile: that would be measured, too. */
static bool has_ended(struct child *p, double wait_us)
{
	struct pollfd output = {.fd = p->output, .events = POLLIN};

	return poll(&output, 1, wait_us > 0 ? (int)ceil(wait_us / 1000) : 0) > 0;
}

/* Until the load ends; with `function`, redefining it at its pace, or as near to that as it can. */
static int redefine_until(struct host *h, struct child *wrk, const char *function, int version,
			  struct samples *pace)
{
	double begin = clock_us(), due = begin;
	int before = version;

	while (!has_ended(wrk, function ? due - clock_us() : DEADLINE_MS * 1e3)) {
		if (!function || clock_us() < due)
			continue;
		host_define_price(h, function, ++version);
		due += 1e6 / REDEFINITIONS_A_SECOND;
	}
	if (function)
		samples_add(pace, (version - before) / (clock_us() - begin) * 1e6);
	return version;
}

static void run_load(struct host *h, const char *url, const char *function, int *version, struct load *load)
{
	char line[1024], *seconds = text("-d%ds", LOAD_SECONDS);
	struct child wrk;

	/* One wrapper more: its output comes at once and at the end. */
	char *command =
		text("output=$(wrk -t1 -c8 %s --latency %s); printf '%%s\\n' \"$output\"", seconds, url);
	if (!child_start(&wrk, (const char *const[]){"sh", "-c", command, NULL}))
		die("wrk did not start");
	*version = redefine_until(h, &wrk, function, *version, &load->pace);
	while (child_read_line(&wrk, DEADLINE_MS, line, sizeof(line))) {
		const char *rate = strstr(line, "Requests/sec:");
		char p99[32];
		if (strstr(line, "Non-2xx"))
			die("the service failed: %s", line);
		if (sscanf(line, " 99%% %31s", p99) == 1)
			samples_add(&load->p99, duration_us(p99));
		if (rate)
			samples_add(&load->throughput, strtod(rate + strlen("Requests/sec:"), NULL));
	}
	child_stop(&wrk, STOP_MS);
	free(command);
	free(seconds);
}

static void divide(const struct samples *ours, const struct samples *base, struct samples *ratios)
{
	if (ours->count != base->count)
		die("wrk did not tell each result");
	for (size_t i = 0; i < ours->count; i++)
		samples_add(ratios, ours->value[i] / base->value[i]);
}

void bench_service(void)
{
	static struct load quiet, busy;
	static struct samples throughput, p99, asked;
	char *source = child_read_file("tests/demo/orders.c");
	char *function = source ? child_cut_function(source, "static double price(") : NULL;
	struct host h;
	int version = 0;

	if (!function)
		die("tests/demo/orders.c has no price");
	free(run_command("wrk --version 2>&1 | grep -q wrk"));
	host_start(&h, "tests/demo/orders", "listening on ");
	json_decref(host_define(&h, function)); /* the engine is ready */
	char *url = text("'http://%s/price?item=tea&qty=1'", h.ready + strlen("listening on "));
	/* Short pairs, first one and then the other first: the machine is not the same for long. */
	for (int i = 0; i < options.slow_rounds * PAIRS; i++)
		for (int half = 0; half < 2; half++)
			if (i % 2 == half)
				run_load(&h, url, function, &version, &busy);
			else
				run_load(&h, url, NULL, &version, &quiet);
	divide(&busy.throughput, &quiet.throughput, &throughput);
	divide(&busy.p99, &quiet.p99, &p99);
	report_pairs(&(struct row){"service_throughput", "orders under wrk, 50 redefinitions a second", "1/s",
				   &busy.throughput, "none", &quiet.throughput, RATIO_SHARE, 0.95, 0},
		     &throughput);
	report_pairs(&(struct row){"service_p99", "its 99th percentile", "us", &busy.p99, "none", &quiet.p99,
				   RATIO_COST, 1.2, 0},
		     &p99);
	samples_add(&asked, REDEFINITIONS_A_SECOND);
	report_row(&(struct row){"service_pace", "its redefinitions", "1/s", &busy.pace, "asked for", &asked,
				 RATIO_SHARE, 0.95, 0});
	host_stop(&h);
	free(url);
	free(function);
	free(source);
}
