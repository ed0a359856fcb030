/* main() in a source of its own, in which nothing is decorated: the program's other sources are compiled with
 * -Dmain=follow_main. */
int follow_main(int argc, char **argv);

#undef main

static int apart_limit = 42;

int main(int argc, char **argv)
{
	return argc > apart_limit ? 1 : follow_main(argc, argv);
}
