/* Names as a module's own code sees them: with those of the libraries that were loaded along with it for nobody else
 * (RTLD_LOCAL), which dlsym(RTLD_DEFAULT) does not find. The agent's thread. */
#ifndef RTF_VISIBLE_H
#define RTF_VISIBLE_H

#include <stdint.h>

/* Where the name is in the module that has `address`, or in what that one depends on; 0: nowhere. */
uint64_t visible_find(uint64_t address, const char *name);

#endif
