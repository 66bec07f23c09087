-- The default of label columns.

CREATE FUNCTION dataclass.row_label() RETURNS dataclass.label
	LANGUAGE c STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'dc_row_label';
COMMENT ON FUNCTION dataclass.row_label() IS
	'label at which the session writes rows, the default of label columns: setting dataclass.row_label, else the highest label of the session; errors: 22023 no such label, several or not registered, 42501 the setting is not writable';
