#include "host.h"

void host_join(struct host *host, struct listener *l)
{
	struct listener **last = &host->first;

	while (*last)
		last = &(*last)->next;
	l->next = NULL;
	*last = l;
	host->count++;
}

void host_leave(struct host *host, struct listener *l)
{
	for (struct listener **at = &host->first; *at; at = &(*at)->next) {
		if (*at != l)
			continue;
		*at = l->next;
		host->count--;
		return;
	}
}

bool host_is_heard(const struct host *host)
{
	for (const struct listener *l = host->first; l; l = l->next)
		if (l->events)
			return true;
	return false;
}

void host_broadcast(struct host *host, json_t *event)
{
	host_tell_others(host, NULL, event);
}

void host_tell_others(struct host *host, const struct listener *who, json_t *event)
{
	for (struct listener *l = host->first; l && event; l = l->next)
		if (l != who && l->events)
			l->hear(l, event);
	json_decref(event);
}

void host_tell(struct host *host, const struct listener *who, json_t *event)
{
	for (struct listener *l = host->first; l && event; l = l->next)
		if (l == who)
			l->hear(l, event);
	json_decref(event);
}
