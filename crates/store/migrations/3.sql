-- The last message that the model does not read, by id: it and what stands above it are left out. 0 is none.
ALTER TABLE conversation ADD COLUMN left_out INTEGER NOT NULL DEFAULT 0;
-- The same when an answer was given, for replaying it.
ALTER TABLE message ADD COLUMN left_out INTEGER NOT NULL DEFAULT 0;
