/* What the two files of the host program share. */
#ifndef HOST_H
#define HOST_H

struct order {
	int qty;
	double unit;
	char name[16];
};

int other_shifted(int n);
int other_add(int a, int b);
int is_add(int (*function)(int a, int b));

/* Makes a function whose text nobody would find under its name. */
#define TIMES(name, factor) \
	REALTIMEFUNC static int name##_times(int n) \
	{ \
		return n * (factor); \
	}

#endif
