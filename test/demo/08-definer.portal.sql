SELECT * FROM health.outbreak_list();
SELECT count(*) FROM health.outbreak_view;
