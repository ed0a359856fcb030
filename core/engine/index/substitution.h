/* Commands whose output another command of sh has in it, in backquotes or in $(…): found, and run. Any thread. */
#ifndef RTF_SUBSTITUTION_H
#define RTF_SUBSTITUTION_H

/* Behind one that begins at `p`; NULL: none does. */
const char *substitution_end(const char *p);

/* The command with what those in it print, each run by sh in the directory; quoted so that words_split has it as sh would. The
 * caller's; NULL: there are none, or one fails. */
char *substitution_expand(const char *command, const char *directory);

/* The same of automake's way of naming a source alone, for which nothing is run; NULL: the command has none of it. */
char *substitution_expand_names(const char *command, const char *directory);

#endif
