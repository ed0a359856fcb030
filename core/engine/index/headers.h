/* The headers that a source seems to include, kept (kept.h) before anybody has preprocessed it.
 *
 * Found by their #include lines alone, beside the file and in the folders that its flags name, or, while those are not known,
 * debug information: whatever the conditions around them are, and without those that a macro leads to which the flags do not
 * define. What is kept too much does no harm, what is missed is known by its time. */
#ifndef RTF_HEADERS_H
#define RTF_HEADERS_H

#include "flags.h"
#include "kept.h"
#include "target.h"

/* Of the unit's file, which is kept, and of theirs. The flags may be NULL. */
void headers_keep(struct kept *, const struct target_unit *, const struct flags *);

/* Those that are kept of the unit, whose own file that is. True: it was not come by before, and what it includes counts. */
typedef bool headers_each_fn(void *context, struct kept_file *);
void headers_each(struct kept *, const struct target_unit *, const struct flags *, struct kept_file *file,
		  headers_each_fn *each, void *context);

/* Whether a file that is kept includes what a macro says which is defined in another one that is, or in itself. One that nobody
 * defines (`#ifdef CONFIG`, `#include CONFIG`) leads nowhere. */
bool headers_are_unclear(const struct kept *, const struct kept_file *);

#endif
