-- What the model reads in place of what it does not read any more: a summary of it; empty for none.
ALTER TABLE conversation ADD COLUMN summary TEXT NOT NULL DEFAULT '';
-- The same when an answer was given, for replaying it.
ALTER TABLE message ADD COLUMN summary TEXT NOT NULL DEFAULT '';
