-- A long history, made of a short one: `wanted` versions more (a temporary table with one number), half of them of one
-- function, the others of all that the history knows, by the saves of a thousand runs; each with a text of its own, its
-- change and its events. One in a thousand has faulted, one in a hundred thousand is another user's.

PRAGMA foreign_keys = OFF;
BEGIN;

CREATE TEMP TABLE ranked AS SELECT row_number() OVER (ORDER BY id) - 1 AS nth, id FROM function;
CREATE TEMP TABLE base AS SELECT (SELECT wanted FROM wanted) AS wanted, (SELECT count(*) FROM ranked) AS functions,
	(SELECT max(id) FROM process) AS process, (SELECT coalesce(max(id), 0) FROM text) AS text,
	(SELECT coalesce(max(id), 0) FROM change) AS change, (SELECT coalesce(max(number), 0) FROM version) AS number;

-- What a function was called before, so that numbers rise with time in each.
CREATE TEMP TABLE made (i INTEGER PRIMARY KEY, function INTEGER, number INTEGER, process INTEGER, time TEXT);
INSERT INTO made
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < (SELECT wanted FROM base))
SELECT i, (SELECT id FROM ranked WHERE nth = CASE WHEN i % 2 THEN 0 ELSE i / 2 % (SELECT functions FROM base) END),
	(SELECT number FROM base) + i, (SELECT process FROM base) + 1 + (i - 1) * 1000 / (SELECT wanted FROM base),
	strftime('%Y-%m-%dT%H:%M:%fZ', 'now', (i - (SELECT wanted FROM base) - 60) || ' seconds')
FROM n;

INSERT INTO process (id, pid, started, boot, program, build_id, time)
SELECT process, 1000000 + process, process, 'a boot before', '/usr/bin/program', 'b' || process % 50, min(time)
FROM made GROUP BY process ORDER BY process;

INSERT INTO text (id, hash, content)
SELECT (SELECT text FROM base) + i, i * 2654435761, 'static int changed(int n)' || char(10) || '{' || char(10) || char(9) ||
	'return n * ' || i || ';' || char(10) || '}'
FROM made;

INSERT INTO version (function, number, process, parent, text, slice_hash, backend, compiler, flags, origin, user, time, note,
	file, line)
SELECT function, number, process, number - 1, (SELECT text FROM base) + i, printf('%032x', i), 'tcc', 'libtcc 0.9.27',
	'gcc -g', 'file', CASE WHEN i % 100000 = 0 THEN 'grace' ELSE 'ada' END, time, '', '/usr/src/program.c', 10
FROM made ORDER BY i;

INSERT INTO change (id, process, kind, user, time)
SELECT (SELECT change FROM base) + i, process, 'define', 'ada', time FROM made ORDER BY i;

INSERT INTO move (change, function, from_number, to_number)
SELECT (SELECT change FROM base) + i, function, number - 1, number FROM made ORDER BY i;

INSERT OR REPLACE INTO live (process, function, number, change)
SELECT process, function, max(number), (SELECT change FROM base) + max(i) FROM made GROUP BY process, function;

INSERT INTO event (process, kind, function, number, user, time, detail)
SELECT process, 'fault', function, number, '', time, 'SIGSEGV at address 0x10' FROM made WHERE i % 1000 = 0 ORDER BY i;

COMMIT;
DROP TABLE made;
DROP TABLE base;
DROP TABLE ranked;
