-- Policy profiles: shipped documents, export, round trip, difference
CREATE ROLE regress_profile_low;
GRANT USAGE ON SCHEMA public TO regress_profile_low;
SELECT name, version, classes FROM dataclass.shipped_profiles() ORDER BY name;
-- what CREATE EXTENSION installs is the shipped document, byte for byte
SELECT dataclass.export_profile() = dataclass.shipped_profile('pakistan-cloud-first') AS same;
