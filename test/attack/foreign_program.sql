-- title: file_fdw runs a program, as COPY ... PROGRAM would
-- role: dba
-- expect: denied
-- denials: 3
-- recorded: rule=dominance

CREATE EXTENSION file_fdw;
CREATE SERVER scratch_files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE scratch.ran (line text) SERVER scratch_files OPTIONS (program 'id');
CREATE FOREIGN TABLE scratch.ran (line text) SERVER scratch_files OPTIONS (filename '/dev/null');
ALTER FOREIGN TABLE scratch.ran OPTIONS (DROP filename, ADD program 'id');
CREATE FOREIGN DATA WRAPPER scratch_wrapper HANDLER file_fdw_handler OPTIONS (program 'id');
SELECT * FROM scratch.ran;
DROP EXTENSION file_fdw CASCADE;
