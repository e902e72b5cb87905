-- Revision 0004: roles and locks leave `meta`. To lock a row takes the right to update it, and no worker may have that
-- right over the list of roles, which an upgrade reads to give rights away.

CREATE TABLE roles (
    role TEXT NOT NULL,
    kind TEXT NOT NULL,
    CONSTRAINT roles_key PRIMARY KEY (role, kind),
    CONSTRAINT roles_kind CHECK (kind IN ('reader', 'producer', 'worker'))
);

CREATE TABLE locks (
    name TEXT NOT NULL,
    note TEXT,
    CONSTRAINT locks_key PRIMARY KEY (name)
);

INSERT INTO roles (role, kind) SELECT value, 'reader' FROM meta WHERE substr(key, 1, 7) = 'reader:';
DELETE FROM meta WHERE substr(key, 1, 7) = 'reader:';

-- A scheduler of the release before, which still runs, looks for its rows in `meta`: without them it rings nothing,
-- where with them it would ring beside a scheduler of this release.
INSERT INTO locks (name) SELECT substr(key, 6) FROM meta WHERE substr(key, 1, 5) = 'lock:';
DELETE FROM meta WHERE substr(key, 1, 5) = 'lock:';
