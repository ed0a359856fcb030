/* What the two files of the program that is followed share. */
#ifndef FOLLOW_H
#define FOLLOW_H

#include "follow_deep.h"

enum { OFFSET = 1 };

struct item {
	int quantity;
	double unit;
	unsigned low : 3, high : 5;
};

static inline int twice(int n)
{
	return n * 2;
}

int other(int n);
int other_deep(int n);

#endif
