#include "mail.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX = 76 };

/* RFC 5322, from ISO 8601 in UTC. */
static void mail_date(const char *time, char *out, size_t size)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct tm utc = {0};

	if (!strptime(time, "%Y-%m-%dT%H:%M:%S", &utc)) {
		snprintf(out, size, "Thu, 01 Jan 1970 00:00:00 +0000");
		return;
	}
	timegm(&utc); /* the day of the week */
	snprintf(out, size, "%s, %02d %s %04d %02d:%02d:%02d +0000", days[utc.tm_wday], utc.tm_mday,
		 months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

static void write_header(struct text *out, const struct mail *mail, bool quoted)
{
	char date[64], host[256] = "localhost";
	const char *user = mail->user && *mail->user ? mail->user : "nobody";

	gethostname(host, sizeof(host) - 1);
	mail_date(mail->time, date, sizeof(date));
	text_puts(out, "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n");
	text_printf(out, "From: %s <%s@%s>\nDate: %s\nSubject: [PATCH] %s\nMIME-Version: 1.0\n", user, user,
		    host, date, mail->subject);
	text_printf(out, "Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: %s\n\n",
		    quoted ? "quoted-printable" : "8bit");
}

static void quote_printable(struct text *out, const char *bytes, size_t size)
{
	size_t column = 0;

	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)bytes[i];
		bool ends = i + 1 == size || bytes[i + 1] == '\n';
		bool plain = (c >= 33 && c <= 126 && c != '=') || ((c == ' ' || c == '\t') && !ends);
		if (c == '\n') {
			text_puts(out, "\n");
			column = 0;
			continue;
		}
		if (column + (plain ? 1 : 3) >= LINE_MAX) {
			text_puts(out, "=\n");
			column = 0;
		}
		text_printf(out, plain ? "%c" : "=%02X", c);
		column += plain ? 1 : 3;
	}
}

void mail_write(struct text *out, const struct mail *mail)
{
	bool quoted = memchr(mail->diff, '\r', mail->diff_size) != NULL;
	struct text body = {0};

	write_header(out, mail, quoted);
	text_puts(&body, mail->message);
	text_puts(&body, "---\n\n");
	text_append(&body, mail->diff, mail->diff_size);
	text_printf(&body, "-- \nrtf %s\n\n", RTF_VERSION);
	out->failed |= body.failed;
	if (quoted)
		quote_printable(out, body.bytes ? body.bytes : "", body.size);
	else
		text_append(out, body.bytes ? body.bytes : "", body.size);
	text_fini(&body);
}

void mail_path(struct text *out, const char *side, const char *path)
{
	bool quoted = false;

	for (const char *c = path; *c; c++)
		quoted |= (unsigned char)*c < ' ' || *c == '"' || *c == '\\' || *c == 127;
	text_printf(out, "%s%s", quoted ? "\"" : "", side);
	for (const char *c = path; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 127)
			text_printf(out, "\\%03o", (unsigned)(unsigned char)*c);
		else
			text_printf(out, quoted && (*c == '"' || *c == '\\') ? "\\%c" : "%c", *c);
	}
	text_puts(out, quoted ? "\"" : "");
}
