/* orders: a small HTTP order service, there to be changed while it runs.
 *
 *     orders SOCKET [PORT]
 *
 * It serves on 127.0.0.1:PORT (0, or none: a free port, printed at the start) with four worker threads,
 * and opens an rtf console on SOCKET. Every function marked REALTIMEFUNC can be redefined there; nothing
 * else is special.
 *
 *     GET /price?item=tea&qty=4    {"order":17,"item":"tea","qty":4,"price":12.00}
 *     GET /stats                   {"orders":17,"last":17,"revenue":204.00,"best":"tea"}
 *     GET /health                  {"ok":true} */
#include "orders.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <pthread.h>
#include <rtf.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS = 4, DAYS = 3650, PAST_SALES = 2000000, ANSWER_MAX = 256 };

static const struct item items[] = {
	{"tea", 2.50},
	{"coffee", 3.25},
	{"cake", 4.00},
};

static int tax_percent = 20;
static unsigned sold[ARRAY_SIZE(items)][DAYS];

/* The till: prices are made one at a time, with this lock held. */
static pthread_mutex_t till = PTHREAD_MUTEX_INITIALIZER;
static unsigned long orders_taken;
static unsigned long last_number;
static double revenue;

static double with_tax(double net)
{
	return net * (100 + tax_percent) / 100.0;
}

/* Numbers the order and says what it costs. The numbers must never start again: keep `orders` across
 * versions. */
REALTIMEFUNC
static double price(struct order *o)
{
	static unsigned long orders;

	o->number = ++orders;
	return with_tax(o->quantity * o->item->unit);
}

REALTIMEFUNC
static const struct item *find_item(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		if (!strcmp(items[i].name, name))
			return &items[i];
	return NULL;
}

/* 0 if it is no quantity that we sell. */
REALTIMEFUNC
static unsigned parse_quantity(const char *text)
{
	char *end;
	unsigned long quantity = strtoul(text, &end, 10);

	return end == text || *end || quantity > QUANTITY_MAX ? 0 : (unsigned)quantity;
}

static unsigned long sold_ever(size_t item)
{
	unsigned long sum = 0;

	for (size_t day = 0; day < DAYS; day++)
		sum += sold[item][day];
	return sum;
}

REALTIMEFUNC
static const struct item *best_seller(void)
{
	size_t best = 0;

	for (size_t i = 1; i < ARRAY_SIZE(items); i++)
		if (sold_ever(i) > sold_ever(best))
			best = i;
	return &items[best];
}

REALTIMEFUNC
static enum MHD_Result answer(struct MHD_Connection *to, unsigned status, const char *format, ...)
{
	char text[ANSWER_MAX];
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (length < 0 || length >= (int)sizeof(text))
		return MHD_NO;

	struct MHD_Response *response = MHD_create_response_from_buffer(length, text, MHD_RESPMEM_MUST_COPY);
	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", "application/json");
	enum MHD_Result queued = MHD_queue_response(to, status, response);
	MHD_destroy_response(response);
	return queued;
}

REALTIMEFUNC
static enum MHD_Result answer_price(struct MHD_Connection *to)
{
	const char *name = MHD_lookup_connection_value(to, MHD_GET_ARGUMENT_KIND, "item");
	const char *quantity = MHD_lookup_connection_value(to, MHD_GET_ARGUMENT_KIND, "qty");
	struct order o = {
		.item = name ? find_item(name) : NULL,
		.quantity = quantity ? parse_quantity(quantity) : 1,
	};

	if (!o.item)
		return answer(to, MHD_HTTP_NOT_FOUND, "{\"error\":\"no such item\"}\n");
	if (!o.quantity)
		return answer(to, MHD_HTTP_BAD_REQUEST, "{\"error\":\"qty is 1 to %d\"}\n", QUANTITY_MAX);

	pthread_mutex_lock(&till);
	double total = price(&o);
	orders_taken++;
	last_number = o.number;
	revenue += total;
	pthread_mutex_unlock(&till);
	return answer(to, MHD_HTTP_OK, "{\"order\":%lu,\"item\":\"%s\",\"qty\":%u,\"price\":%.2f}\n",
		      o.number, o.item->name, o.quantity, total);
}

REALTIMEFUNC
static enum MHD_Result answer_stats(struct MHD_Connection *to)
{
	pthread_mutex_lock(&till);
	unsigned long orders = orders_taken, last = last_number;
	double sum = revenue;
	pthread_mutex_unlock(&till);
	return answer(to, MHD_HTTP_OK, "{\"orders\":%lu,\"last\":%lu,\"revenue\":%.2f,\"best\":\"%s\"}\n",
		      orders, last, sum, best_seller()->name);
}

static enum MHD_Result serve(void *closure, struct MHD_Connection *from, const char *url, const char *method,
			     const char *version, const char *upload, size_t *upload_size, void **request)
{
	(void)closure, (void)version, (void)upload, (void)upload_size, (void)request;
	if (strcmp(method, MHD_HTTP_METHOD_GET))
		return answer(from, MHD_HTTP_METHOD_NOT_ALLOWED, "{\"error\":\"GET only\"}\n");
	if (!strcmp(url, "/price"))
		return answer_price(from);
	if (!strcmp(url, "/stats"))
		return answer_stats(from);
	if (!strcmp(url, "/health"))
		return answer(from, MHD_HTTP_OK, "{\"ok\":true}\n");
	return answer(from, MHD_HTTP_NOT_FOUND, "{\"error\":\"no such page\"}\n");
}

/* Why one would rather not restart: ten years of sales go into a table first. */
static void load_sales(void)
{
	unsigned long random = 1;

	for (unsigned sale = 0; sale < PAST_SALES; sale++) {
		random = random * 6364136223846793005UL + 1442695040888963407UL;
		sold[(random >> 33) % ARRAY_SIZE(items)][sale % DAYS]++;
	}
}

static struct MHD_Daemon *listen_on(unsigned short port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	return MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL, port, NULL, NULL, serve,
				NULL, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_THREAD_POOL_SIZE, WORKERS,
				MHD_OPTION_END);
}

int main(int argc, char **argv)
{
	sigset_t stop;
	int received;

	unsigned long port = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	if (argc < 2 || argc > 3 || port > UINT16_MAX) {
		fprintf(stderr, "usage: orders SOCKET [PORT]\n");
		return 2;
	}

	/* Blocked here, so in every thread: only sigwait() below sees them. */
	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &stop, NULL);

	int started = rtf_start(argv[1]);
	if (started < 0)
		fprintf(stderr, "orders: no console at %s: %s\n", argv[1], strerror(-started));
	load_sales();
	struct MHD_Daemon *service = listen_on((unsigned short)port);
	if (!service) {
		perror("orders: cannot listen");
		return 1;
	}
	printf("listening on 127.0.0.1:%u\n", MHD_get_daemon_info(service, MHD_DAEMON_INFO_BIND_PORT)->port);
	fflush(stdout);

	sigwait(&stop, &received);
	rtf_stop();
	MHD_stop_daemon(service);
	return 0;
}
