-- Policy profiles: documents that are refused, and where they are wrong
CREATE TEMP TABLE base AS SELECT dataclass.shipped_profile('fips-199')::jsonb AS doc;
CREATE FUNCTION pg_temp.try(document text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM * FROM dataclass.profile_impact(document);
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || left(SQLERRM, 160);
END $$;
CREATE FUNCTION pg_temp.with(path text[], value jsonb) RETURNS text LANGUAGE sql AS
	'SELECT pg_temp.try(jsonb_set(doc, path, value)::text) FROM base';
CREATE FUNCTION pg_temp.without(path text[]) RETURNS text LANGUAGE sql AS
	'SELECT pg_temp.try((doc #- path)::text) FROM base';
\pset tuples_only on
SELECT pg_temp.try(doc::text) FROM base;
-- what is no document
SELECT pg_temp.try(d) FROM unnest(ARRAY['', '{', 'null', '1', '"x"', '[]', '{}', '{"a": 1}', E'{"a\\u0000b": 1}', '{"format": 1}', E'\\x00']) WITH ORDINALITY AS t (d, n) ORDER BY n;
-- members that are there twice, also when they are written otherwise
SELECT pg_temp.try('{"name": 1, "name": 2}');
SELECT pg_temp.try('{"name": 1, "n\u0061me": 2}');
SELECT pg_temp.try(replace(doc::text, '"at_rest": "none"', '"at_rest": "none", "at_rest": "encrypted"')) FROM base;
SELECT pg_temp.try('{"' || repeat('x', 1000) || '": 1, "' || repeat('x', 1000) || '": 2}');
-- members that are not known, or missing
SELECT pg_temp.with('{colour}', '1');
SELECT pg_temp.with('{Name}', '"x"');
SELECT pg_temp.with('{classes,1,colour}', '1');
SELECT pg_temp.with('{tiers,0,shipped}', 'true');
SELECT pg_temp.with('{settings,profile}', '"x"');
SELECT m || ': ' || pg_temp.without(ARRAY[m]) FROM jsonb_object_keys((SELECT doc FROM base)) m ORDER BY 1;
SELECT m || ': ' || pg_temp.without(ARRAY['classes', '2', m]) FROM jsonb_object_keys((SELECT doc #> '{classes,2}' FROM base)) m ORDER BY 1;
SELECT m || ': ' || pg_temp.without(ARRAY['tiers', '1', m]) FROM jsonb_object_keys((SELECT doc #> '{tiers,1}' FROM base)) m ORDER BY 1;
-- types: each member in turn becomes something else
SELECT m || ': ' || pg_temp.with(ARRAY[m], '{"x": null}') FROM jsonb_object_keys((SELECT doc FROM base)) m ORDER BY 1;
SELECT m || ': ' || pg_temp.with(ARRAY['classes', '0', m], 'true') FROM jsonb_object_keys((SELECT doc #> '{classes,0}' FROM base)) m ORDER BY 1;
SELECT m || ': ' || pg_temp.with(ARRAY['tiers', '0', m], 'null') FROM jsonb_object_keys((SELECT doc #> '{tiers,0}' FROM base)) m ORDER BY 1;
-- values
SELECT pg_temp.with('{format}', '"pg_dataclass-profile-2"');
SELECT v || ': ' || pg_temp.with('{name}', to_jsonb(v)) FROM unnest(ARRAY['Upper', '1x', 'a b', '', repeat('a', 64), 'ok-name_1']) v;
SELECT v || ': ' || pg_temp.with('{version}', to_jsonb(v)) FROM unnest(ARRAY['', '1.', '.1', '1..2', '1.2.3.4.5', '1.2-beta', '1234567890', '007', '1.2.3.4']) v;
SELECT v || ': ' || pg_temp.with('{classes,0,rank}', v::jsonb) FROM unnest(ARRAY['-1', '1.5', '1e3', '1.0', '1000000', '1000001', '2147483648', '1e99', '99999999999999999', '"1"']) v;
SELECT v || ': ' || pg_temp.try(replace(doc::text, '"rank": 2, "regions"', '"rank": ' || v || ', "regions"')) FROM base, unnest(ARRAY['1e100000', '1e400000', '0x10', '-0', '01', '9e15']) v;
SELECT pg_temp.with('{classes,0,min_evidence}', '6');
SELECT pg_temp.with('{classes,0,read_audit}', '"always"');
SELECT pg_temp.with('{classes,0,on_violation}', '"ignore"');
SELECT pg_temp.with('{classes,0,regions}', '["PK", "pk"]');
SELECT pg_temp.with('{classes,0,regions}', '["PK", "PK"]');
SELECT pg_temp.with('{classes,0,hosting_models}', '["public-cloud", "a,b"]');
SELECT pg_temp.with('{classes,0,hosting_models}', '[["public-cloud"]]');
SELECT pg_temp.with('{tiers,0,controls}', '{"At_Rest": "none"}');
SELECT pg_temp.with('{tiers,0,controls}', '{"at_rest": ""}');
SELECT pg_temp.with('{tiers,0,controls}', '{"at_rest": {}}');
SELECT pg_temp.with('{title}', '"two\nlines"');
SELECT pg_temp.with('{sources,0}', '{"title": "x"}');
SELECT pg_temp.with('{sources,0,date}', '"4 July"');
SELECT pg_temp.with('{disclosure_windows}', '[{"class": "low", "recipient": "x", "within_seconds": -1}]');
SELECT pg_temp.with('{disclosure_windows}', '[{"class": "low", "recipient": "x", "within_seconds": 315360001}]');
SELECT pg_temp.with('{disclosure_windows}', '[{"class": "low", "recipient": "x", "within_seconds": 259200}]');
-- what must hold between members
SELECT pg_temp.with('{tiers}', '[]');
SELECT pg_temp.with('{classes}', '[]');
SELECT pg_temp.with('{classes,1,name}', '"low"');
SELECT pg_temp.with('{classes,1,rank}', '0');
SELECT pg_temp.with('{tiers,1,name}', '"low"');
SELECT pg_temp.with('{tiers,1,rank}', '0');
SELECT pg_temp.with('{classes,1,required_tier}', '"secret"');
SELECT pg_temp.with('{disclosure_windows}', '[{"class": "nowhere", "recipient": "x", "within_seconds": 1}]');
SELECT pg_temp.with('{disclosure_windows}', '[{"class": "low", "recipient": "x", "within_seconds": 1}, {"class": "low", "recipient": "x", "within_seconds": 2}]');
SELECT v || ': ' || pg_temp.with('{settings,default_clearance}', to_jsonb(v)) FROM unnest(ARRAY['', 'low', 'LOW', 'low..high with (export)', 'secret', 'secret..high', 'low;drop', 'low mask']) v;
SELECT pg_temp.with('{settings,unlabelled}', '"allowed"');
-- limits
SELECT pg_temp.try(doc::text || repeat(' ', 300000)) FROM base;
SELECT pg_temp.try(repeat('[', 100000));
SELECT pg_temp.try(repeat('{"a":', 20) || '1' || repeat('}', 20));
SELECT pg_temp.with('{description}', to_jsonb(repeat('x', 2001)));
SELECT pg_temp.with('{description}', to_jsonb(repeat('ü', 2000)));
SELECT pg_temp.with('{tiers}', (SELECT jsonb_agg(jsonb_build_object('name', 't' || i, 'rank', i, 'controls', '{}'::jsonb)) FROM generate_series(1, 33) i));
SELECT pg_temp.with('{tiers,0,controls}', (SELECT jsonb_object_agg('c' || i, 'on') FROM generate_series(1, 65) i));
SELECT pg_temp.try((SELECT json_object_agg('m' || i, i)::text FROM generate_series(1, 300) i));
-- nothing was changed by any of it
SELECT item, verdict FROM dataclass.verify_policy() WHERE item <> 'version';
SELECT dataclass.load_profile(NULL);				-- fail
