/* Whether the program's own compiler may accept what libclang refuses: gcc has extensions that libclang does not know, and
 * asking costs a run of it. Pure; any thread. */
#ifndef RTF_OPINION_H
#define RTF_OPINION_H

#include "check.h"

#include <stdbool.h>

bool opinion_may_differ(const struct check_result *);

#endif
