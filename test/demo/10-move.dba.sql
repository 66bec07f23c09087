ALTER TABLE health.lab_result SET TABLESPACE vault;
