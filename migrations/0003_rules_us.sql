-- How long the rules and the guard were asked, in microseconds; nothing for sessions from before.
ALTER TABLE sessions ADD COLUMN rules_us INTEGER;
