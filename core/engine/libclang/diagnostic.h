/* A finding about a text, and where the text stands. */
#ifndef RTF_DIAGNOSTIC_H
#define RTF_DIAGNOSTIC_H

struct check_diagnostic {
	char *file;
	unsigned line, column;
	char *severity; /* "error", "warning", "note" */
	char *message;
	char *source; /* the line it points to, "" if unknown */
};

/* What diagnostics call the user's text. */
struct check_place {
	const char *file;
	unsigned line;           /* its first */
	const char *extra_file;  /* of what is declared along with it */
	unsigned declared_lines; /* of that, the first ones: they were declared before */
	const char *declared_file;
};

#endif
