-- Schema 2: everything that happens is in the event log, by triggers where a table already tells it; indexes for
-- finding faults, users and texts that nobody needs any more.

CREATE INDEX version_by_text ON version (text);
CREATE INDEX version_by_user ON version (user);
CREATE INDEX process_by_boot ON process (boot);
CREATE INDEX event_fault ON event (function, number) WHERE kind = 'fault';

-- What schema 1 told in other tables comes into the log, in the order of time.
CREATE TEMP TABLE logged AS SELECT process, kind, function, number, user, time, detail FROM event
UNION ALL
SELECT process, CASE number WHEN 0 THEN 'built' ELSE 'defined' END, function, number, user, time, origin FROM version
UNION ALL
SELECT c.process, CASE c.kind WHEN 'define' THEN 'live' ELSE c.kind END, m.function, m.to_number, c.user, c.time,
	'from ' || m.from_number
FROM move AS m JOIN change AS c ON c.id = m.change
UNION ALL
SELECT id, 'started', NULL, NULL, '', time, program FROM process;

DELETE FROM event;
INSERT INTO event (process, kind, function, number, user, time, detail)
SELECT process, kind, function, number, user, time, detail FROM logged ORDER BY time, rowid;
DROP TABLE logged;

CREATE TRIGGER process_logged AFTER INSERT ON process
BEGIN
	INSERT INTO event (process, kind, user, time, detail) VALUES (new.id, 'started', '', new.time, new.program);
END;

CREATE TRIGGER version_logged AFTER INSERT ON version
BEGIN
	INSERT INTO event (process, kind, function, number, user, time, detail)
	VALUES (new.process, CASE new.number WHEN 0 THEN 'built' ELSE 'defined' END, new.function, new.number, new.user,
		new.time, new.origin);
END;

-- A move's kind is its change's; a new definition's is 'live'.
CREATE TRIGGER move_logged AFTER INSERT ON move
BEGIN
	INSERT INTO event (process, kind, function, number, user, time, detail)
	SELECT process, CASE kind WHEN 'define' THEN 'live' ELSE kind END, new.function, new.to_number, user, time,
		'from ' || new.from_number
	FROM change WHERE id = new.change;
END;

-- Everything that happened, the newest first.
CREATE VIEW events AS
SELECT e.id, e.time, p.pid, e.user, e.kind, f.name AS function, e.number AS version, e.detail
FROM event AS e
JOIN process AS p ON p.id = e.process
LEFT JOIN function AS f ON f.id = e.function
ORDER BY e.id DESC;
