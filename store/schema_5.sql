-- Schema 5: what came late before schema 4 noted that is noted now: rows behind others that happened later.

INSERT INTO late (first_event, last_event, first_version, last_version)
SELECT min(id), max(id), 1, 0 FROM (
	SELECT id, id - row_number() OVER (ORDER BY id) AS run FROM (
		SELECT id, time, max(time) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS newest
		FROM event)
	WHERE time < newest)
GROUP BY run;

INSERT INTO late (first_event, last_event, first_version, last_version)
SELECT 1, 0, min(id), max(id) FROM (
	SELECT id, id - row_number() OVER (ORDER BY id) AS run FROM (
		SELECT id, time, max(time) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS newest
		FROM version)
	WHERE time < newest)
GROUP BY run;
