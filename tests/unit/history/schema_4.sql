-- Schema 4: functions of one name are told apart in the views, and the log says which of its rows came late.

-- How each function is spelled: NAME or, where the program has several of that name, FILE:NAME as the console takes it; with the
-- whole path where even files of one name have it.
CREATE VIEW spellings AS
SELECT f.id AS function, CASE
	WHEN NOT EXISTS (SELECT 1 FROM function AS o WHERE o.name = f.name AND o.id <> f.id) THEN f.name
	WHEN NOT EXISTS (SELECT 1 FROM function AS o WHERE o.name = f.name AND o.id <> f.id AND o.file <> f.file
		AND replace(o.file, rtrim(o.file, replace(o.file, '/', '')), '')
			= replace(f.file, rtrim(f.file, replace(f.file, '/', '')), ''))
		THEN replace(f.file, rtrim(f.file, replace(f.file, '/', '')), '') || ':' || f.name
	ELSE f.file || ':' || f.name END AS spelling
FROM function AS f;

CREATE TABLE late (
	-- Rows that were stored later than they happened, because the file could not be written then: their times may be
	-- earlier than those of rows before them.
	id INTEGER PRIMARY KEY,
	first_event INTEGER NOT NULL,   -- rows of event from this one
	last_event INTEGER NOT NULL,    -- to this one
	first_version INTEGER NOT NULL, -- rows of version likewise; none if the last is less than the first
	last_version INTEGER NOT NULL   -- to this one
);

DROP VIEW changes;

-- What went live when, the newest change first.
CREATE VIEW changes AS
SELECT c.id, c.time, p.pid, c.user, c.kind, c.subject,
	(SELECT group_concat(s.spelling || ' ' || m.from_number || ' -> ' || m.to_number, ', ')
	 FROM move AS m JOIN spellings AS s ON s.function = m.function WHERE m.change = c.id) AS moves
FROM change AS c
JOIN process AS p ON p.id = c.process
ORDER BY c.id DESC;

DROP VIEW events;

-- Everything that happened, the newest first.
CREATE VIEW events AS
SELECT e.id, e.time, p.pid, e.user, e.kind, s.spelling AS function, e.number AS version, e.detail
FROM event AS e
JOIN process AS p ON p.id = e.process
LEFT JOIN spellings AS s ON s.function = e.function
ORDER BY e.id DESC;
