/* \export: versions as files, and as a series of patches that `git am` takes. */
#ifndef RTF_EXPORT_H
#define RTF_EXPORT_H

#include "call.h"

struct error *export_run(struct call *);

#endif
