-- The classic way round: a function that runs with its owner's rights.
CREATE FUNCTION health.outbreak_list() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER
	AS 'SELECT suspected_agent || '' in '' || district FROM health.outbreak';
ALTER FUNCTION health.outbreak_list() OWNER TO doctor;
CREATE VIEW health.outbreak_view AS SELECT * FROM health.outbreak;
GRANT SELECT ON health.outbreak_view TO portal;
