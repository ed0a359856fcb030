/* Included by follow.h, so that a change here reaches the sources through two files. */
#ifndef FOLLOW_DEEP_H
#define FOLLOW_DEEP_H

#define DEEP 1000

#endif
