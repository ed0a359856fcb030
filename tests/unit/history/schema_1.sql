-- The history of a program under rtf, schema 1. `sqlite3 FILE .schema` shows the tables with their comments;
-- the views `versions_live` and `changes` are the quickest way to look. Rows are only added; what does change
-- is a version's note, a live mark, and the count kept with a function.

PRAGMA application_id = 1920231016; -- "rtfh"

CREATE TABLE process (
	-- One row for each run of the program.
	id INTEGER PRIMARY KEY,
	pid INTEGER NOT NULL,     -- its process id
	started INTEGER NOT NULL, -- its start, in clock ticks since boot: /proc/PID/stat, field 22
	boot TEXT NOT NULL,       -- the kernel's boot id; with pid and started it names one run for good
	program TEXT NOT NULL,    -- absolute path of the executable
	build_id TEXT NOT NULL,   -- of the executable, in hexadecimal
	time TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')), -- when it was first seen, UTC
	UNIQUE (pid, started, boot, program, build_id)
);

CREATE TABLE function (
	-- A function of the program, the same over all runs and builds.
	id INTEGER PRIMARY KEY,
	module TEXT NOT NULL, -- file name of the program or library that holds it
	file TEXT NOT NULL,   -- its source file, as the program's debugging information names it
	name TEXT NOT NULL,   -- as in the source
	versions INTEGER NOT NULL DEFAULT 0, -- how many versions it has, number 0 left out; kept by triggers
	UNIQUE (name, file, module)
);

CREATE TABLE text (
	-- Source texts, each stored once.
	id INTEGER PRIMARY KEY,
	hash INTEGER NOT NULL, -- 64-bit FNV-1a of content, signed; two texts may share one
	content TEXT NOT NULL  -- the text, byte for byte
);

CREATE INDEX text_by_hash ON text (hash);

CREATE TABLE version (
	-- The versions of functions. Being here does not say that it was ever live: see change, move, live.
	id INTEGER PRIMARY KEY,
	function INTEGER NOT NULL REFERENCES function, -- whose version it is
	number INTEGER NOT NULL CHECK (number >= 0), -- from 1 for each function, over all runs; 0: as built
	build_id TEXT,            -- of number 0: the build that it is the text of; NULL for others
	process INTEGER NOT NULL REFERENCES process, -- the run in which it was made
	parent INTEGER,           -- the number that was live when it was made; NULL if none
	text INTEGER NOT NULL REFERENCES text, -- the function's source text
	slice_hash TEXT NOT NULL, -- of all that was compiled: the function and what it uses
	backend TEXT NOT NULL,    -- who compiled it: tcc, cc; built for number 0
	compiler TEXT NOT NULL,   -- the compiler's name and version
	flags TEXT NOT NULL,      -- what the compiler was called with
	origin TEXT NOT NULL,     -- where it came from: built, console, file, restore, trace, ...
	user TEXT NOT NULL,       -- who asked for it
	time TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')), -- when it was stored, UTC
	note TEXT NOT NULL,       -- a remark; empty if none
	file TEXT NOT NULL,       -- source file of the text
	line INTEGER NOT NULL,    -- of the text's first line in that file, from 1; 0 if unknown
	CHECK ((number = 0) = (build_id IS NOT NULL))
);

CREATE UNIQUE INDEX version_by_number ON version (function, number) WHERE number > 0;
CREATE UNIQUE INDEX version_built ON version (function, build_id) WHERE number = 0;

CREATE TRIGGER version_added AFTER INSERT ON version WHEN new.number > 0
BEGIN
	UPDATE function SET versions = versions + 1 WHERE id = new.function;
END;

CREATE TRIGGER version_removed AFTER DELETE ON version WHEN old.number > 0
BEGIN
	UPDATE function SET versions = versions - 1 WHERE id = old.function;
END;

CREATE TABLE change (
	-- What went live together.
	id INTEGER PRIMARY KEY,
	process INTEGER NOT NULL REFERENCES process, -- the run in which it happened
	kind TEXT NOT NULL -- what was asked for
		CHECK (kind IN ('define', 'rollback', 'undo', 'redo', 'restore')),
	subject INTEGER REFERENCES change, -- of undo and redo: the change that was taken back or done again
	user TEXT NOT NULL,       -- who asked for it
	time TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')), -- when it was recorded, UTC
	CHECK ((kind IN ('undo', 'redo')) = (subject IS NOT NULL))
);

CREATE INDEX change_made ON change (process) WHERE subject IS NULL;
CREATE INDEX change_by_subject ON change (subject) WHERE subject IS NOT NULL;

CREATE TABLE move (
	-- One function's part in a change.
	change INTEGER NOT NULL REFERENCES change,     -- what it is part of
	function INTEGER NOT NULL REFERENCES function, -- what was moved
	from_number INTEGER NOT NULL, -- the version that was live before
	to_number INTEGER NOT NULL,   -- the version that is live after
	PRIMARY KEY (change, function)
) WITHOUT ROWID;

CREATE TABLE live (
	-- The live mark: which version a run last made live of a function. Without a row it is number 0.
	process INTEGER NOT NULL REFERENCES process,   -- the run
	function INTEGER NOT NULL REFERENCES function, -- the function
	number INTEGER NOT NULL,  -- of the version; 0 is what that run's executable was built with
	change INTEGER NOT NULL REFERENCES change, -- the change that made it so
	PRIMARY KEY (process, function)
) WITHOUT ROWID;

CREATE TABLE event (
	-- Whatever else happened, in order.
	id INTEGER PRIMARY KEY,
	process INTEGER NOT NULL REFERENCES process, -- the run in which it happened
	kind TEXT NOT NULL,       -- one word: refused, fault, ...
	function INTEGER REFERENCES function, -- NULL if it is about none
	number INTEGER,           -- of the function's version; NULL if it is about none
	user TEXT NOT NULL,       -- who asked for it; empty if nobody did
	time TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')), -- when it was recorded, UTC
	detail TEXT               -- for people; NULL if there is no more to say
);

CREATE INDEX event_by_function ON event (function) WHERE function IS NOT NULL;

-- What each run runs that it was not built with, the newest run first.
CREATE VIEW versions_live AS
SELECT p.pid, p.time AS since, p.program, f.name AS function, f.file, l.number AS version, v.origin, v.user,
	v.time, v.note
FROM live AS l
JOIN process AS p ON p.id = l.process
JOIN function AS f ON f.id = l.function
JOIN version AS v ON v.function = l.function AND v.number = l.number AND v.number > 0
ORDER BY l.process DESC, f.name;

-- What went live when, the newest change first.
CREATE VIEW changes AS
SELECT c.id, c.time, p.pid, c.user, c.kind, c.subject,
	(SELECT group_concat(f.name || ' ' || m.from_number || ' -> ' || m.to_number, ', ')
	 FROM move AS m JOIN function AS f ON f.id = m.function WHERE m.change = c.id) AS moves
FROM change AS c
JOIN process AS p ON p.id = c.process
ORDER BY c.id DESC;
