CREATE TABLE conversation (
    id INTEGER PRIMARY KEY,
    unsent TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    speaker TEXT NOT NULL CHECK (speaker IN ('user', 'assistant')),
    text TEXT NOT NULL,
    receipt TEXT,
    problem TEXT,
    finished INTEGER NOT NULL,
    at_ms REAL NOT NULL
) STRICT;
CREATE INDEX message_of_conversation ON message (conversation, id);
