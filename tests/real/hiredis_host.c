/* A program around hiredis: hiredis_host SOCKET REDIS-SOCKET
 *
 * Each line of standard input, "set KEY VALUE" or "get KEY", goes to the server; what it answers goes to
 * standard output, one line each, "(nil)" for nothing. It ends with its input or at SIGTERM. */
#include <hiredis.h>
#include <rtf.h>
#include <stdio.h>
#include <string.h>

static void print(const redisReply *reply)
{
	if (!reply)
		printf("error: no answer\n");
	else if (reply->type == REDIS_REPLY_NIL)
		printf("(nil)\n");
	else if (reply->type == REDIS_REPLY_ERROR)
		printf("error: %s\n", reply->str);
	else
		printf("%s\n", reply->str);
	fflush(stdout);
}

static redisReply *ask(redisContext *server, const char *line)
{
	char key[256], value[256];

	if (sscanf(line, "set %255s %255s", key, value) == 2)
		return redisCommand(server, "SET %s %s", key, value);
	if (sscanf(line, "get %255s", key) == 1)
		return redisCommand(server, "GET %s", key);
	return NULL;
}

int main(int argc, char **argv)
{
	char line[1024];

	if (argc != 3)
		return 2;
	redisContext *server = redisConnectUnix(argv[2]);
	if (!server || server->err) {
		fprintf(stderr, "hiredis_host: %s\n", server ? server->errstr : "no memory");
		return 2;
	}
	int started = rtf_start(argv[1]);
	if (started < 0)
		fprintf(stderr, "hiredis_host: no console at %s: %s\n", argv[1], strerror(-started));
	printf("ready\n");
	fflush(stdout);

	while (fgets(line, sizeof(line), stdin)) {
		redisReply *reply = ask(server, line);
		print(reply);
		if (reply)
			freeReplyObject(reply);
	}
	redisFree(server);
	return 0;
}
