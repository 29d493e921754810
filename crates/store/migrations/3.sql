-- The first message that the model reads, by id: those before it are left out. 0 is all of them.
ALTER TABLE conversation ADD COLUMN read_from INTEGER NOT NULL DEFAULT 0;
-- The same when an answer was given, for replaying it.
ALTER TABLE message ADD COLUMN read_from INTEGER NOT NULL DEFAULT 0;
