/* tree-sitter with its grammar of C, before and after all their functions were redefined: identity_tree SOCKET
 *
 * Each line of standard input, "parse FILE OUTPUT", parses FILE, writes the tree to OUTPUT, then edits the text
 * and parses again with the old tree at hand, and runs a query over the result; "NODES nodes, CAPTURES captures"
 * is the answer. It ends with its input or at SIGTERM. */
#include <rtf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tree_sitter/api.h>

const TSLanguage *tree_sitter_c(void);

static const char question[] = "(function_definition declarator: (_) @head) "
			       "(call_expression function: (identifier) @called (#eq? @called \"malloc\")) "
			       "((identifier) @word) (comment)+ @comments";

static char *read_file(const char *path, size_t *size)
{
	FILE *f = fopen(path, "re");
	char *text = f ? malloc(1 << 24) : NULL;

	*size = text ? fread(text, 1, 1 << 24, f) : 0;
	if (f)
		fclose(f);
	return text;
}

static unsigned count_nodes(const TSTree *tree)
{
	TSTreeCursor cursor = ts_tree_cursor_new(ts_tree_root_node(tree));
	unsigned count = 1;

	for (;;) {
		if (ts_tree_cursor_goto_first_child(&cursor)) {
			count++;
			continue;
		}
		while (!ts_tree_cursor_goto_next_sibling(&cursor)) {
			if (!ts_tree_cursor_goto_parent(&cursor)) {
				ts_tree_cursor_delete(&cursor);
				return count;
			}
		}
		count++;
	}
}

static unsigned count_captures(const TSTree *tree)
{
	uint32_t at, index;
	TSQueryError type;
	TSQueryMatch match;
	unsigned count = 0;
	TSQuery *query = ts_query_new(tree_sitter_c(), question, sizeof(question) - 1, &at, &type);
	TSQueryCursor *cursor = ts_query_cursor_new();

	if (query) {
		ts_query_cursor_exec(cursor, query, ts_tree_root_node(tree));
		while (ts_query_cursor_next_capture(cursor, &match, &index))
			count += match.captures[index].index + 1;
	}
	ts_query_cursor_delete(cursor);
	ts_query_delete(query);
	return count;
}

/* Takes the first `{` of the text out. */
static TSTree *edit(TSParser *parser, TSTree *tree, char *text, size_t *size)
{
	char *brace = memchr(text, '{', *size);

	if (!brace)
		return ts_tree_copy(tree);
	uint32_t offset = (uint32_t)(brace - text), row = 0, column = 0;
	for (const char *p = text; p < brace; p++) {
		column = *p == '\n' ? 0 : column + 1;
		row += *p == '\n';
	}
	TSInputEdit change = {.start_byte = offset,
			      .old_end_byte = offset + 1,
			      .new_end_byte = offset,
			      .start_point = {row, column},
			      .old_end_point = {row, column + 1},
			      .new_end_point = {row, column}};
	memmove(brace, brace + 1, *size - offset - 1);
	--*size;
	ts_tree_edit(tree, &change);
	return ts_parser_parse_string(parser, tree, text, (uint32_t)*size);
}

static void print_tree(const TSTree *tree, FILE *out)
{
	char *text = ts_node_string(ts_tree_root_node(tree));

	fprintf(out, "%s\n", text);
	free(text);
}

static void parse(const char *path, const char *output)
{
	FILE *out = fopen(output, "we");
	size_t size;
	char *text = read_file(path, &size);
	TSParser *parser = ts_parser_new();

	if (out && text && ts_parser_set_language(parser, tree_sitter_c())) {
		TSTree *first = ts_parser_parse_string(parser, NULL, text, (uint32_t)size);
		print_tree(first, out);
		TSTree *second = edit(parser, first, text, &size);
		print_tree(second, out);
		printf("%u nodes, %u captures\n", count_nodes(second), count_captures(second));
		ts_tree_delete(first);
		ts_tree_delete(second);
	} else {
		printf("cannot parse %s\n", path);
	}
	ts_parser_delete(parser);
	free(text);
	if (out)
		fclose(out);
}

int main(int argc, char **argv)
{
	char line[4096], path[2048], output[2048];

	if (argc != 2)
		return 2;
	int started = rtf_start(argv[1]);
	if (started < 0)
		fprintf(stderr, "identity_tree: no console at %s: %s\n", argv[1], strerror(-started));
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "parse %2047s %2047s", path, output) == 2)
			parse(path, output);
		else
			printf("what?\n");
		fflush(stdout);
	}
	return 0;
}
