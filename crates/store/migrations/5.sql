-- What is being written in the place of a question; none if it is not edited.
ALTER TABLE message ADD COLUMN edited TEXT;
-- What the model reads of a file: whole, beginning, passages.
ALTER TABLE attachment ADD COLUMN part TEXT NOT NULL DEFAULT 'whole';
-- What came of that when it was sent; none for all of it.
ALTER TABLE attachment ADD COLUMN excerpt TEXT;
-- What is read with a question besides: more of files that were sent before.
ALTER TABLE message ADD COLUMN also TEXT NOT NULL DEFAULT '';
