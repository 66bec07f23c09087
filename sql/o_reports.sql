-- Reports and exports of the trail
SET ROLE regress_clerk;
SELECT dataclass_audit.export_events(NULL, NULL, 'ocsf');	-- fail: not an auditor
RESET ROLE;
SET ROLE regress_auditor;
SELECT dataclass_audit.export_events(NULL, NULL, 'xml');	-- fail: no such format
SELECT dataclass_audit.export_events(NULL, NULL, NULL);		-- fail: no format
SELECT dataclass_audit.incident_report(-1);					-- fail: no such incident
SELECT dataclass_audit.incident_report_html(-1);			-- fail: no such incident
SELECT dataclass_audit.compliance_report_html('2026-02-01', '2026-01-01');	-- fail: ends before it begins
SELECT dataclass_audit.incident_report(NULL) IS NULL AS nothing;	-- ok
-- a line each, in order
SELECT count(*) FILTER (WHERE line::jsonb -> 'metadata' ->> 'sequence' = n::text) = count(*) AS in_order,
	count(*) FILTER (WHERE line::jsonb ->> 'class_uid' IN ('2003', '2006', '6005')) = count(*) AS known_classes,
	count(*) FILTER (WHERE line LIKE E'%\n%') AS broken_lines
	FROM dataclass_audit.export_events(NULL, NULL, 'ocsf') WITH ORDINALITY AS e (line, n);
SELECT count(*) FILTER (WHERE line LIKE 'CEF:0|pg_dataclass|pg_dataclass|%|%|%|%|rt=% externalId=' || n || ' %') = count(*) AS in_order,
	count(*) FILTER (WHERE line LIKE E'%\n%') AS broken_lines
	FROM dataclass_audit.export_events(NULL, NULL, 'cef') WITH ORDINALITY AS e (line, n);
SELECT count(*) FROM dataclass_audit.export_events('2001-01-01', '2002-01-01', 'cef');	-- ok: nothing happened
-- pages
SELECT substring(page FROM '<h1>(.*?)</h1>') AS title, substring(page FROM '<p class="sub">(.*?)</p>') AS period,
	substring(page FROM '<dt>Breaches</dt><dd>(.*?)</dd>') AS breaches, page !~ '[^\x01-\x7f]' AS ascii, page LIKE E'<!DOCTYPE html>\n%</html>\n' AS whole
	FROM dataclass_audit.compliance_report_html('2001-01-01 00:00+00', '2002-01-01 00:00+00') AS page;
RESET ROLE;
