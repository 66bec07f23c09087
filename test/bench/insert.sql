INSERT INTO inserted VALUES (1, now(), 'reader');
