#define TWICE
#define STEP 2
#define go   go_twice
#include "twice_host.c"
