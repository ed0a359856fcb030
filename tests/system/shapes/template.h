/* Included once for each TYPE: each time another function. */
#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)

REALTIMEFUNC LOCAL TYPE JOIN(total, NAME)(const TYPE *v, int n)
{
	static int calls; /* each has its own */
	TYPE total = (TYPE)calls++;

	for (int i = 0; i < n; i++)
		total += v[i] * SCALE;
	return total + EDIT;
}

#undef JOIN
#undef JOIN_
#undef TYPE
#undef NAME
#undef SCALE
