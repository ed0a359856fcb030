/* Whether an expression only looks: it calls nothing, assigns nothing, and holds nothing that is not known to be harmless.
 *
 * Judged by libclang's nodes, as macros and pasted tokens make them, and by the kinds that are known: builtins have none (an
 * atomic store is as nameless as a conversion), and neither has what compilers will learn after this was written. One
 * thread. */
#ifndef RTF_PURE_H
#define RTF_PURE_H

#include <clang-c/Index.h>
#include <stdbool.h>

bool pure_expression(CXCursor);

/* The same for one node alone, whatever it is made of. */
bool pure_node(CXCursor);

/* Whether a node is an operator that assigns, ++ and -- among them; then the node of what it assigns to. */
bool pure_assigns(CXCursor, CXCursor *place);

/* Whether a node is a place and not yet the value that is there. */
bool pure_place(CXCursor);

CXCursor pure_operand(CXCursor); /* the first node that it is made of */

#endif
