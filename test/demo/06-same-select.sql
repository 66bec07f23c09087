SELECT count(*) AS visits, count(DISTINCT label) AS labels, count(*) FILTER (WHERE diagnosis = 'HIV') AS hiv FROM health.visit;
