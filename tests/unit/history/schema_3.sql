-- Schema 3: what somebody did, what somebody did to one function, and the newest faults are found without looking at all
-- that others did in between.

CREATE INDEX version_by_function_and_user ON version (function, user, number) WHERE number > 0;
CREATE INDEX event_by_user ON event (user);
CREATE INDEX event_fault_newest ON event (kind) WHERE kind = 'fault';
CREATE INDEX event_fault_of_function ON event (function) WHERE kind = 'fault';
