/* What the order service sells and what a customer asks for. */
#ifndef ORDERS_H
#define ORDERS_H

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define QUANTITY_MAX 1000

struct item {
	const char *name;
	double unit; /* net price of one */
};

struct order {
	const struct item *item;
	unsigned quantity;
	unsigned long number; /* set when it is priced */
};

#endif
