/* Variables of more than a page, most of which a program never comes to need: behind all others, which so take up few pages. */
#ifndef RTF_LARGE_H
#define RTF_LARGE_H

#define LARGE __attribute__((section(".bss.large")))

#endif
