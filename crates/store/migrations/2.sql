ALTER TABLE conversation ADD COLUMN title TEXT NOT NULL DEFAULT '';
ALTER TABLE conversation ADD COLUMN renamed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversation ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversation ADD COLUMN system TEXT NOT NULL DEFAULT '';
-- The version of the first message that is shown.
ALTER TABLE conversation ADD COLUMN chosen INTEGER;
-- Where the reader was.
ALTER TABLE conversation ADD COLUMN place_message INTEGER;
ALTER TABLE conversation ADD COLUMN place_offset REAL NOT NULL DEFAULT 0;
ALTER TABLE conversation ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversation ADD COLUMN at_ms REAL NOT NULL DEFAULT 0;

-- A reply is younger than what it follows, so that no circle can come about.
ALTER TABLE message ADD COLUMN parent INTEGER REFERENCES message (id) CHECK (parent < id);
-- The version of the next message that is shown.
ALTER TABLE message ADD COLUMN chosen INTEGER;
-- The deleted message that this one hangs below, or is.
ALTER TABLE message ADD COLUMN deleted INTEGER;
-- The instructions an answer was given under, for replaying it.
ALTER TABLE message ADD COLUMN system TEXT;
ALTER TABLE message ADD COLUMN indexed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX message_below ON message (parent);
CREATE INDEX message_deleted ON message (deleted) WHERE deleted IS NOT NULL;
CREATE INDEX message_not_indexed ON message (id) WHERE indexed = 0;

-- What was a list: answers follow their question, questions the message before them.
UPDATE message SET at_ms = round(at_ms), parent = (
    SELECT max(earlier.id) FROM message AS earlier
    WHERE earlier.conversation = message.conversation AND earlier.id < message.id
        AND (message.speaker = 'user' OR earlier.speaker = 'user')
);
UPDATE conversation SET at_ms = coalesce(
    (SELECT max(message.at_ms) FROM message WHERE message.conversation = conversation.id), 0
);

CREATE TABLE attachment (
    id INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    -- None while it is in the composer.
    message INTEGER REFERENCES message (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    text TEXT NOT NULL,
    cut INTEGER NOT NULL
) STRICT;
CREATE INDEX attachment_of_message ON attachment (message);
CREATE INDEX attachment_of_conversation ON attachment (conversation);

-- The conversation that the next start opens.
CREATE TABLE opened (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    conversation INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE
) STRICT;

-- Folded text of messages, by message id. Written by the program, which knows how to fold.
CREATE VIRTUAL TABLE message_search USING fts5 (text, tokenize = 'trigram case_sensitive 1');
INSERT INTO message_search (message_search, rank) VALUES ('secure-delete', 1);
