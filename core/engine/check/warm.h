/* A text that has something of all that functions are made of: whoever has read it once has its own code at hand for the next,
 * and reads that in half the time. Of no header, without a mistake. */
#ifndef RTF_WARM_H
#define RTF_WARM_H

extern const char warm_text[];

#endif
