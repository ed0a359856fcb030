/* A file of that program in which nothing is decorated: what it has is found by its name alone. */
int apart_sum(void);

struct apart {
	int a, b;
};

static struct apart apart = {3, 4};

int apart_sum(void)
{
	return apart.a + apart.b;
}
